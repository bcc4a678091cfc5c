"""Statistics do not depend on how rows and columns were cut."""

import numpy as np
import torch
from hypothesis import given, strategies as st

from interference_service.compute.context import ReduceTask
from interference_service.compute.plan import column_blocks, units_of
from interference_service.compute.reduction import (
    LayerPart,
    by_layer,
    reduce_block,
    sum_scopes,
)
from interference_service.core.folds import fold_layout
from interference_service.core.layers import Layer
from interference_service.core.projector import Projector
from interference_service.core.replicates import ReplicatedStatistics
from interference_service.core.sketch import REPLICATES, projection_of
from interference_service.core.sufficient_statistics import (
    SufficientStatistics,
    sufficient_statistics,
)

ROWS = np.array([11, 5, 1, 0, 7])
FOLDS = 3
LAYERS = ((0, 4), (4, 5), (5, 17))
COUNTS = (10, 60, 16, 17)
"""Parameters of layers of which the second and the last are longer than their sketches."""
PROJECTION = projection_of(
    [Layer(str(index), (), count, head=False) for index, count in enumerate(COUNTS)], 16
)
ARRAYS = [name for name in SufficientStatistics.__slots__ if name != "layout"]


def projected(gradients: np.ndarray) -> np.ndarray:
    project = Projector(PROJECTION, torch.device("cpu"))
    return np.stack([project(torch.from_numpy(each)).numpy() for each in gradients])


@given(
    unit_rows=st.integers(1, 30),
    most=st.integers(1, 9),
    width=st.integers(1, 17),
    seed=st.integers(0, 9),
)
def test_parts_add_up_to_the_statistics_of_whole_layers(unit_rows, most, width, seed):
    layout = fold_layout(ROWS, FOLDS)
    gradients = np.random.default_rng(seed).standard_normal((ROWS.sum(), LAYERS[-1][1]))
    units = units_of(layout, unit_rows, most)
    segments = tuple(tuple(each.index for each in unit.segments) for unit in units)
    item = 8
    column_bytes = layout.num_segments * item
    found: dict[int, ReplicatedStatistics] = {}
    before: list[LayerPart] = []
    for block in column_blocks(LAYERS, [1] * len(LAYERS), column_bytes, width * column_bytes):
        start, end = block.start, block.end
        sums = [
            np.stack([gradients[each.rows].sum(0)[start:end] for each in unit.segments])
            for unit in units
        ]
        task = ReduceTask(segments, ROWS, FOLDS, (start, end), LAYERS)
        before = reduce_block(task, sums, before if block.goes_on else ())
        found |= by_layer(before)
    means = np.zeros((layout.num_segments, LAYERS[-1][1]))
    for unit in units_of(layout, ROWS.sum(), layout.num_segments):
        for each in unit.segments:
            means[each.index] = gradients[each.rows].mean(0)
    assert list(found) == list(range(len(LAYERS)))
    for layer, (first, last) in enumerate(LAYERS):
        wanted = sufficient_statistics(layout, means[:, first:last])
        np.testing.assert_allclose(found[layer].mean().A, wanted.A, atol=1e-12)
        np.testing.assert_allclose(found[layer].mean().B, wanted.B, atol=1e-12)


@given(
    unit_rows=st.integers(1, 30),
    most=st.integers(1, 9),
    width=st.integers(1, PROJECTION.length),
    seed=st.integers(0, 9),
)
def test_parts_of_sketched_sums_add_up_to_the_statistics_of_sketched_means(
    unit_rows, most, width, seed
):
    layout = fold_layout(ROWS, FOLDS)
    gradients = np.random.default_rng(seed).standard_normal((ROWS.sum(), sum(COUNTS)))
    units = units_of(layout, unit_rows, most)
    sums = [
        projected(np.stack([gradients[each.rows].sum(0) for each in unit.segments]))
        for unit in units
    ]
    segments = tuple(tuple(each.index for each in unit.segments) for unit in units)
    parts: list[LayerPart] = []
    for start in range(0, PROJECTION.length, width):
        block = start, min(start + width, PROJECTION.length)
        task = ReduceTask(
            segments, ROWS, FOLDS, block, PROJECTION.ranges, PROJECTION.replicate_widths
        )
        parts = reduce_block(task, [each[:, slice(*block)] for each in sums], parts)
    whole = units_of(layout, ROWS.sum(), layout.num_segments)
    means = projected(
        np.stack([gradients[each.rows].mean(0) for unit in whole for each in unit.segments])
    )
    found = list(by_layer(parts).values())
    assert [len(each.replicates) for each in found] == [1, REPLICATES, 1, REPLICATES]
    for layer, (start, end) in zip(found, PROJECTION.ranges, strict=True):
        pieces = np.split(means[:, start:end], len(layer.replicates), axis=1)
        for statistics, piece in zip(layer.replicates, pieces, strict=True):
            wanted = sufficient_statistics(layout, piece)
            for name in ARRAYS:
                np.testing.assert_allclose(
                    getattr(statistics, name), getattr(wanted, name), rtol=0, atol=1e-11
                )


def test_layers_kept_beside_sketched_ones_have_the_bits_of_layers_without_any():
    layout = fold_layout(ROWS, FOLDS)
    sums = np.random.default_rng(0).standard_normal((layout.num_segments, sum(COUNTS)))
    segments = (tuple(range(layout.num_segments)),)
    ends = np.cumsum(COUNTS).tolist()
    plain = ReduceTask(
        segments, ROWS, FOLDS, (0, ends[-1]), tuple(zip([0, *ends[:-1]], ends, strict=True))
    )
    sketched = ReduceTask(
        segments,
        ROWS,
        FOLDS,
        (0, PROJECTION.length),
        PROJECTION.ranges,
        PROJECTION.replicate_widths,
    )
    wanted = by_layer(reduce_block(plain, [sums]))
    found = by_layer(reduce_block(sketched, [projected(sums)]))
    for layer in (0, 2):
        assert found[layer].exact
        for name in ARRAYS:
            np.testing.assert_array_equal(
                getattr(found[layer].mean(), name), getattr(wanted[layer].mean(), name)
            )


def test_an_exact_layer_is_computed_once_beside_sketched_ones():
    layout = fold_layout(ROWS, FOLDS)
    sums = np.ones((layout.num_segments, PROJECTION.length))
    task = ReduceTask(
        (tuple(range(layout.num_segments)),),
        ROWS,
        FOLDS,
        (0, PROJECTION.length),
        PROJECTION.ranges,
        PROJECTION.replicate_widths,
    )
    found = [(part.layer, part.replicate) for part in reduce_block(task, [sums])]
    eight = range(REPLICATES)
    assert found == [(0, None), *((1, j) for j in eight), (2, None), *((3, j) for j in eight)]


def test_scopes_are_the_sums_of_their_layers_however_they_are_grouped():
    layout = fold_layout(ROWS, FOLDS)
    sums = np.random.default_rng(1).standard_normal((layout.num_segments, PROJECTION.length))
    segments = (tuple(range(layout.num_segments)),)
    heads = (False, False, True, False)
    blocks = [
        reduce_block(
            ReduceTask(segments, ROWS, FOLDS, each, PROJECTION.ranges, PROJECTION.replicate_widths),
            [sums[:, slice(*each)]],
        )
        for each in PROJECTION.ranges
    ]
    at_once = sum_scopes(heads, blocks)
    pairs = [sum_scopes(heads, blocks[:2]), sum_scopes(heads, blocks[2:])]
    in_pairs = sum_scopes(heads, pairs)
    head = by_layer(blocks[2])[2]
    for found in (at_once, in_pairs):
        assert found.shared is not None
        assert found.everything is not None
        assert found.head is not None
        np.testing.assert_array_equal(found.head.mean().A, head.mean().A)
        shared = [by_layer(blocks[index])[index] for index in (0, 1, 3)]
        wanted = shared[0] + shared[1] + shared[2]
        np.testing.assert_allclose(found.shared.mean().A, wanted.mean().A, rtol=1e-12)
        assert len(found.shared.replicates) == REPLICATES
        np.testing.assert_allclose(found.everything.mean().D, (wanted + head).mean().D, rtol=1e-12)
    assert sum_scopes(heads, [blocks[2]]).shared is None
