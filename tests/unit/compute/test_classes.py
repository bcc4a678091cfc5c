"""Which value of a column is which class."""

import numpy as np
import pytest

from interference_service.compute.classes import group_table, label_table
from interference_service.errors import InvalidData


def test_integer_labels_count_the_outputs_of_the_model():
    table = label_table([0, 2], (), 4)
    assert table.ids == ("0", "1", "2", "3")
    assert table.indices(np.array([2, 0, 3])).tolist() == [2, 0, 3]


def test_class_names_name_integer_labels():
    assert label_table([0, 1], ("cat", "dog"), 2).ids == ("cat", "dog")


def test_string_labels_follow_the_order_given():
    table = label_table(["dog", "cat"], ("dog", "cat"), 2)
    assert table.indices(np.array(["cat", "dog"], dtype=object)).tolist() == [1, 0]


def test_string_labels_without_an_order_are_sorted():
    assert label_table(["dog", "cat"], (), 2).ids == ("cat", "dog")


@pytest.mark.parametrize("labels", [np.array([0, 7]), np.array([-1]), np.array([4])])
def test_a_label_out_of_range_is_refused_by_value_and_range(labels):
    with pytest.raises(InvalidData, match="integers from 0 to 3") as caught:
        label_table([0], (), 4).indices(labels)
    assert caught.value.violations[0].field == "spec.data.label_column"


def test_an_unknown_name_is_refused():
    with pytest.raises(InvalidData, match="'horse'"):
        label_table(["cat"], ("cat", "dog"), 2).indices(np.array(["horse"], dtype=object))


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        (["cat", "horse", "dog", "cow", "horse"], "'cow', 'horse' from row 20 on; .* 'cat', 'dog'"),
        (["cat", "dog", "dog", "cat", "Dog"], "'Dog' from row 23 on"),
    ],
)
def test_an_unknown_name_is_found_in_its_row(labels, match):
    rows = np.array([11, 20, 21, 22, 23])
    table = label_table(["cat"], ("cat", "dog"), 2)
    with pytest.raises(InvalidData, match=match):
        table.indices(np.array(labels, dtype=object), rows)
    assert table.indices(np.array(["dog"], dtype=object), rows[:1]).tolist() == [1]


@pytest.mark.parametrize(
    ("distinct", "names", "outputs"),
    [
        ([0, 1], ("a", "b", "c"), 2),
        ([0, 1], ("a",), 2),
        (["a"], ("a", "b", "c"), 2),
        (["a", "b"], ("a",), 2),
        (["a", "b", "c"], (), 2),
        (["a"], (), 2),
    ],
)
def test_names_and_outputs_must_agree(distinct, names, outputs):
    with pytest.raises(InvalidData) as caught:
        label_table(distinct, names, outputs)
    assert caught.value.violations[0].field == "spec.data.class_names"


def test_groups_are_the_values_in_order():
    assert group_table([10, 2, 1], 5).ids == ("1", "2", "10")
    assert group_table(["b", "a"], 5).ids == ("a", "b")


def test_too_many_groups_are_refused():
    with pytest.raises(InvalidData, match="at most 2"):
        group_table([1, 2, 3], 2)


@pytest.mark.parametrize(
    "of", [lambda each: label_table(each, (), 2), lambda each: group_table(each, 9)]
)
def test_a_value_that_is_too_long_for_a_name_is_refused_in_few_words(of):
    assert of(["a", "b" * 128]).ids == ("a", "b" * 128)
    with pytest.raises(
        InvalidData, match="of 1000000 characters; at most 128 make a name"
    ) as caught:
        of(["a", "b" * 1_000_000])
    assert len(caught.value.message) < 300


def test_long_values_are_told_in_few_words():
    table = label_table([0, 1], (), 2)
    with pytest.raises(InvalidData, match="holds 'xxx") as caught:
        table.indices(np.array(["x" * 1_000_000], dtype=object))
    assert len(caught.value.message) < 300
