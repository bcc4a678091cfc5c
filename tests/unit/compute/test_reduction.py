"""Statistics do not depend on how rows and columns were cut."""

import numpy as np
from hypothesis import given, strategies as st

from interference_service.compute.context import ReduceTask
from interference_service.compute.plan import column_blocks, units_of
from interference_service.compute.reduction import reduce_block, sum_parts
from interference_service.core.folds import fold_layout
from interference_service.core.sufficient_statistics import sufficient_statistics

ROWS = np.array([11, 5, 1, 0, 7])
FOLDS = 3
LAYERS = ((0, 4), (4, 5), (5, 17))


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
    blocks = []
    for start, end in column_blocks(
        LAYERS[-1][1], layout.num_segments, item, width * layout.num_segments * item
    ):
        sums = [
            np.stack([gradients[each.rows].sum(0)[start:end] for each in unit.segments])
            for unit in units
        ]
        task = ReduceTask(segments, ROWS, FOLDS, (start, end), LAYERS)
        blocks.append(reduce_block(task, sums))
    means = np.zeros((layout.num_segments, LAYERS[-1][1]))
    for unit in units_of(layout, ROWS.sum(), layout.num_segments):
        for each in unit.segments:
            means[each.index] = gradients[each.rows].mean(0)
    for found, (first, last) in zip(sum_parts(blocks, len(LAYERS)), LAYERS, strict=True):
        wanted = sufficient_statistics(layout, means[:, first:last])
        np.testing.assert_allclose(found.A, wanted.A, atol=1e-12)
        np.testing.assert_allclose(found.B, wanted.B, atol=1e-12)
