"""Lists of integers are cut and padded as declared, whoever shares their batch."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from interference_service.domain.inputs import MAX_TOKENS, Input, TokensSource
from interference_service.references.data.columns import RaggedColumn, Rows
from interference_service.references.preprocessing import prepare, tokens as module
from support.prepared import argument, refused

integers = st.integers(-(2**63), 2**63 - 1)
filled_lists = st.lists(st.lists(integers, min_size=1, max_size=9), min_size=1, max_size=6)
any_lists = st.lists(st.lists(integers, max_size=9), min_size=1, max_size=6)


def tokens(lists: list[list[int]], **options: object) -> torch.Tensor:
    found = argument(Input(name="x", tokens=TokensSource(column="t", **options)), t=lists)
    assert found.dtype is torch.int64
    return found


@given(filled_lists, integers, st.integers(0, 10))
def test_lists_are_cut_and_padded_to_the_longest(lists, padding, max_length):
    cut = [each[: max_length or None] for each in lists]
    longest = max(map(len, cut))
    found = tokens(lists, padding=padding, max_length=max_length)
    assert found.tolist() == [each + [padding] * (longest - len(each)) for each in cut]


@given(any_lists, integers, st.integers(1, 10))
def test_a_fixed_length_is_that_of_every_batch(lists, padding, length):
    found = tokens(lists, padding=padding, max_length=length, fixed_length=True)
    wanted = [each[:length] for each in lists]
    assert found.tolist() == [each + [padding] * (length - len(each)) for each in wanted]


@given(any_lists, st.integers(1, 10))
def test_the_mask_tells_what_a_list_holds_from_padding_that_looks_alike(lists, length):
    options = {"padding": 7, "max_length": length, "fixed_length": True}
    padded, mask = tokens(lists, **options), tokens(lists, mask=True, **options)
    assert padded.shape == mask.shape
    for row, each in enumerate(lists):
        kept = each[:length]
        assert mask[row].tolist() == [1] * len(kept) + [0] * (length - len(kept))
        assert padded[row][mask[row] == 1].tolist() == kept
        assert (padded[row][mask[row] == 0] == 7).all()


def test_an_empty_list_is_refused_whoever_shares_its_batch():
    for lists in ([[]], [[], [1, 2]]):
        refused(lambda lists=lists: tokens(lists), "tokens.column", "empty list.*fixed_length")


def test_a_list_that_is_too_long_is_refused_unless_it_is_cut():
    lists = [[1] * (MAX_TOKENS + 1)]
    refused(lambda: tokens(lists), "tokens.column", "set max_length")
    assert tokens(lists, max_length=3).tolist() == [[1, 1, 1]]


def test_a_batch_that_padding_makes_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(module, "MAX_PADDED", 100)
    lists = [[1]] * 9 + [[1] * 11]
    assert tokens(lists[1:]).shape == (9, 11)
    refused(lambda: tokens(lists), "tokens.column", "a smaller max_length")


def test_numbers_and_bytes_are_no_lists_of_integers():
    source = Input(name="x", tokens=TokensSource(column="t"))
    for column in (np.arange(3), [b"one"]):
        refused(lambda column=column: argument(source, t=column), "tokens.column", "does not hold")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tokens_stay_integers_whatever_the_precision(dtype):
    inputs = [
        Input(name="ids", tokens=TokensSource(column="t")),
        Input(name="mask", tokens=TokensSource(column="t", mask=True)),
    ]
    rows = Rows({"t": RaggedColumn.of([[5], [6, 7]])}, 2)
    found = prepare(inputs, rows, dtype=dtype, device=torch.device("cpu"))
    assert found["ids"].tolist() == [[5, 0], [6, 7]]
    assert found["mask"].tolist() == [[1, 0], [1, 1]]
