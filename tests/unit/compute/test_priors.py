"""Priors and minorities are checked against the classes before anything is computed."""

import numpy as np
import pytest

from interference_service.compute.priors import setting_of
from interference_service.domain.options import MinorityRule
from interference_service.domain.specification import AnalysisSpecification, Priors
from interference_service.errors import InvalidData
from support.domain_examples import plain_specification

IDS = ("cat", "dog", "horse")
ROWS = np.array([80, 15, 5])


def specification(priors: Priors | None = None, rule: MinorityRule | None = None):
    plain: AnalysisSpecification = plain_specification()
    return plain.model_copy(
        update={
            "data": plain.data.model_copy(update={"priors": priors or Priors()}),
            "options": plain.options.model_copy(update={"minority_rule": rule or MinorityRule()}),
        }
    )


def test_shares_are_those_of_the_data_by_default():
    setting = setting_of(specification(), IDS, ROWS, ROWS)
    np.testing.assert_allclose(setting.priors, [0.8, 0.15, 0.05])
    assert setting.minorities.tolist() == [False, True, True]


def test_shares_and_weights_of_the_request_are_the_update_that_training_makes():
    priors = Priors(shares=(0.5, 0.25, 0.25), class_weights=(1, 2, 4))
    setting = setting_of(specification(priors), IDS, ROWS, ROWS)
    np.testing.assert_allclose(setting.priors, [0.25, 0.25, 0.5])
    assert not setting.minorities.any()


def test_named_minorities_are_these_and_no_others():
    setting = setting_of(specification(rule=MinorityRule(classes=("cat",))), IDS, ROWS, ROWS)
    assert setting.minorities.tolist() == [True, False, False]


@pytest.mark.parametrize("name", ["shares", "class_weights"])
def test_one_value_for_every_class_is_needed(name):
    with pytest.raises(InvalidData, match="2 values for 3 classes") as caught:
        setting_of(specification(Priors(**{name: (0.5, 0.5)})), IDS, ROWS, ROWS)
    assert caught.value.violations[0].field == f"spec.data.priors.{name}"


def test_an_unknown_minority_is_named_with_the_classes_there_are():
    with pytest.raises(InvalidData, match=r"'cow'.*cat, dog, horse") as caught:
        setting_of(specification(rule=MinorityRule(classes=("cow",))), IDS, ROWS, ROWS)
    assert caught.value.violations[0].field == "spec.options.minority_rule.classes"


def test_a_class_of_which_no_row_may_be_used_has_no_share_but_may_be_a_minority():
    setting = setting_of(specification(), IDS, ROWS, np.array([80, 15, 0]))
    np.testing.assert_allclose(setting.priors, [80 / 95, 15 / 95, 0])
    assert setting.minorities.tolist() == [False, True, True]
