"""Units of work hold every row once, and know nothing of actors."""

from heapq import heapreplace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from interference_service.compute.plan import (
    LEAST_ROWS,
    PARTS,
    column_blocks,
    gradient_bytes,
    units_of,
)
from interference_service.core.folds import fold_layout
from interference_service.core.rounds import first_rows
from interference_service.errors import InputUnsupported

counts = st.lists(st.integers(0, 40), min_size=1, max_size=6)
many = st.lists(st.integers(0, 300), min_size=1, max_size=6)


@given(counts, st.integers(2, 9), st.integers(1, 20), st.integers(1, 9))
def test_every_row_is_in_one_segment_of_its_own_class_and_fold(rows_used, folds, unit_rows, most):
    layout = fold_layout(rows_used, folds)
    starts = np.concatenate([[0], np.cumsum(rows_used)])
    seen: list[int] = []
    for unit in units_of(layout, unit_rows, most):
        for segment in unit.segments:
            c, k = segment.class_index, int(layout.fold_of_segment[segment.index])
            assert int(layout.class_of_segment[segment.index]) == c
            ranks = segment.rows - starts[c]
            assert ((ranks >= 0) & (ranks < rows_used[c])).all()
            assert (ranks % layout.folds_of_class[c] == k).all()
            seen += segment.rows.tolist()
    assert sorted(seen) == list(range(sum(rows_used)))


@given(
    limits=many,
    folds=st.integers(3, 9),
    cuts=st.tuples(st.integers(1, 20), st.integers(1, 9)),
    doublings=st.lists(st.sets(st.integers(0, 5)), max_size=4),
)
def test_every_row_is_in_one_unit_over_all_rounds_and_keeps_its_fold(
    limits, folds, cuts, doublings
):
    limits = np.array(limits)
    final = fold_layout(limits, folds)
    before, after = np.zeros_like(limits), first_rows(limits, folds)
    seen: list[tuple[int, int]] = []
    for doubled in [*doublings, set(range(len(limits)))]:
        layout = fold_layout(after, folds)
        starts = np.cumsum(after - before) - (after - before)
        for segment in (each for unit in units_of(layout, *cuts, before) for each in unit.segments):
            c = segment.class_index
            ranks = segment.rows - starts[c] + before[c]
            assert ((ranks >= before[c]) & (ranks < after[c])).all()
            assert (ranks % final.folds_of_class[c] == final.fold_of_segment[segment.index]).all()
            assert final.class_of_segment[segment.index] == c
            seen += [(c, rank) for rank in ranks.tolist()]
        grown = np.isin(np.arange(len(limits)), list(doubled))
        before, after = after, np.where(grown, np.minimum(2 * after, limits), after)
    assert sorted(seen) == [(c, rank) for c, n in enumerate(before) for rank in range(n)]


@given(counts, st.integers(2, 9), st.integers(1, 20), st.integers(1, 9))
def test_units_are_numbered_full_and_no_larger_than_allowed(rows_used, folds, unit_rows, most):
    units = units_of(fold_layout(rows_used, folds), unit_rows, most)
    assert [unit.index for unit in units] == list(range(len(units)))
    assert all(0 < unit.num_rows <= unit_rows for unit in units)
    assert all(len(unit.segments) <= most for unit in units)
    for before, after in pairwise(units):
        one_more = before.num_rows + len(after.segments[0].rows) > unit_rows
        assert one_more or len(before.segments) == most


@st.composite
def long_tails(draw: st.DrawFn) -> list[int]:
    """Rows of classes that fall off geometrically, in any order."""
    classes, imbalance = draw(st.integers(2, 60)), draw(st.floats(10, 1000))
    exponents = np.arange(classes) / (classes - 1)
    rows = draw(st.integers(1000, 20_000)) * imbalance**-exponents
    assume(rows.sum() >= 12_000)
    return draw(st.permutations(np.ceil(rows).astype(int).tolist()))


def idle_share(costs: list[int], actors: int) -> float:
    """Part of the time of equal actors without work, who take the costliest that is left."""
    busy_until = [0] * actors
    for cost in sorted(costs, reverse=True):
        heapreplace(busy_until, busy_until[0] + cost)
    return 1 - sum(costs) / (actors * max(busy_until))


@given(long_tails(), st.integers(3, 16), st.sampled_from([5, 64, 10_000]))
def test_no_pool_is_idle_for_a_tenth_of_the_time_on_a_long_tail(rows_used, folds, most):
    units = units_of(fold_layout(rows_used, folds), 2048, most)
    costs = [unit.num_rows for unit in units]
    assert all(idle_share(costs, actors) < 0.1 for actors in (1, 2, 4, 8))


@given(long_tails(), st.integers(3, 16))
def test_units_are_no_larger_than_a_part_of_what_is_left_and_cost_few_arrays(rows_used, folds):
    layout = fold_layout(rows_used, folds)
    units = units_of(layout, 2048, 10_000)
    left = layout.rows_used.sum()
    for unit in units:
        assert unit.num_rows <= max(LEAST_ROWS, -(-left // PARTS))
        left -= unit.num_rows
    # Every unit cuts one fold at most.
    assert sum(len(unit.segments) for unit in units) < layout.num_segments + len(units)


@given(
    st.lists(st.integers(0, 200), min_size=1, max_size=9),
    st.integers(1, 400),
    st.integers(0, 1000),
    st.integers(1, 4000),
)
def test_column_blocks_cover_whole_layers_and_fit_the_memory(
    lengths, column_bytes, statistics_bytes, block_bytes
):
    ends = np.cumsum(lengths).tolist()
    layers = list(zip([0, *ends[:-1]], ends, strict=True))
    needed = [statistics_bytes] * len(layers)
    blocks = column_blocks(layers, needed, column_bytes, block_bytes)
    assert [0, *(each.end for each in blocks)] == [*(each.start for each in blocks), ends[-1]]
    owners: list[int] = []
    for each in blocks:
        width = each.end - each.start
        assert width * column_bytes <= block_bytes or width <= 1
        several = len(each.layers) > 1
        assert not several or len(each.layers) * statistics_bytes <= block_bytes
        assert not (several and each.goes_on)
        assert each.start == layers[each.layers.start][0] or each.goes_on
        owners += each.layers if not each.goes_on else []
        if each.goes_on:
            assert each.layers.start == owners[-1]
    assert owners == list(range(len(layers)))


def test_gradients_that_need_more_memory_than_allowed_are_refused_with_the_figures():
    assert gradient_bytes(1000, 80, 4, 320_000) == 4000
    with pytest.raises(InputUnsupported, match=r"80 gradients of 1000 parameters") as caught:
        gradient_bytes(1000, 80, 4, 319_999)
    assert caught.value.violations[0].field == "spec.options.folds"
