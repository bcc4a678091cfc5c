import pytest

from interference_service.reproduction.records import Attention, Bounded, RunRecord
from interference_service.reproduction.report.experiment import Experiment
from interference_service.reproduction.report.sections.attention import attention_section
from support.reproduced import record


def attentive(seed: int, over_rows: float) -> RunRecord:
    found = record("csba_cnn", seed)
    attention = Attention(mean=0.5, over_rows=over_rows, over_classes=0.125)
    last = found.epochs[-1].model_copy(update={"attention": attention})
    return found.model_copy(update={"epochs": (*found.epochs[:-1], last)})


def section(*records: RunRecord):
    return attention_section(Experiment.of(records, "digits", 20.0))


def test_what_attention_does_is_told_of_the_networks_that_have_any():
    found = section(record("multi_branch_cnn"), attentive(0, 0.25), attentive(1, 0.35))
    (table,) = found.tables
    ((name, mean, over_rows, over_classes),) = table.rows
    assert (name, mean, over_classes) == ("CSBA", Bounded(value=0.5), Bounded(value=0.125))
    assert over_rows.value == pytest.approx(0.3)
    assert over_rows.lower < 0.25 < 0.35 < over_rows.upper


def test_without_attention_there_is_nothing_to_tell():
    assert section(record("multi_branch_cnn"), record("csba_cnn")) is None
