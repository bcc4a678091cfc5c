import math
from collections.abc import Iterator

import numpy as np
import pytest

from interference_client import Client
from interference_client.testing import FakeClass, FakeResult, FakeService, Succeeds
from interference_service.reproduction.observation.findings import analysis_of
from interference_service.reproduction.records import Analysis, Bounded
from support.submissions import submit

COSINES = np.array(
    [
        [1.0, 0.4, -0.5, -0.1],
        [0.4, 1.0, -0.3, np.nan],
        [-0.5, -0.3, 1.0, 0.9],
        [-0.1, np.nan, 0.9, 1.0],
    ]
)
RESULT = FakeResult(
    classes={
        "many": FakeClass(row_count=900),
        "some": FakeClass(row_count=500),
        "few": FakeClass(
            progress_ratio=(-0.2, -0.3, -0.1),
            suppression=1.2,
            minority=True,
            unlearned=True,
            row_count=20,
            metrics={"gradient_norm": 3.0},
        ),
        "rare": FakeClass(progress_ratio=math.nan, minority=True, row_count=10),
    },
    layers=("stem", "head"),
    summary={"mean_minority_cosine": (-0.3, -0.4, -0.2), "worst_progress_ratio": math.nan},
    matrices={
        "shared/cosine": COSINES,
        "shared/plain_cosine": COSINES / 2,
        "stem/cosine": COSINES / 4,
        "stem/plain_cosine": COSINES / 8,
        "head/cosine": np.full((4, 4), np.nan),
        "head/plain_cosine": -COSINES,
    },
)


@pytest.fixture(scope="module")
def analysis() -> Iterator[Analysis]:
    with FakeService() as service, Client(service.target) as client:
        service.plan(Succeeds(RESULT))
        result = submit(client).wait(timeout=20).result()
        yield analysis_of(result, epoch=3, job="a-job", seconds=1.5)


def test_a_class_is_set_against_those_that_are_no_minority(analysis):
    few, rare = analysis.classes[2:]
    assert few.cosine.value == pytest.approx(-0.4)
    assert few.plain_cosine == pytest.approx(-0.2)
    # What is undetermined of it does not count.
    assert rare.cosine.value == pytest.approx(-0.1)


def test_a_class_is_not_set_against_itself(analysis):
    assert analysis.classes[0].cosine.value == pytest.approx(0.4)


def test_numbers_keep_their_bounds_and_undetermined_ones_are_none(analysis):
    few, rare = analysis.classes[2:]
    assert few.progress_ratio == Bounded(value=-0.2, lower=-0.3, upper=-0.1)
    assert rare.progress_ratio == Bounded(value=None)
    assert few.norm == 3.0
    assert few.finding.startswith("unlearned")
    assert analysis.summary["mean_minority_cosine"].upper == -0.2
    assert analysis.summary["worst_progress_ratio"] == Bounded(value=None)


def test_layers_have_the_mean_of_minorities_with_the_others(analysis):
    stem, head = analysis.layers
    assert stem.minority_cosine == pytest.approx(np.mean([-0.5, -0.3, -0.1]) / 4)
    assert stem.plain_minority_cosine == pytest.approx(np.mean([-0.5, -0.3, -0.1]) / 8)
    assert head.minority_cosine is None


def test_the_matrices_are_kept_and_are_json(analysis):
    assert analysis.matrix[0] == (1.0, 0.4, -0.5, -0.1)
    assert analysis.matrix[1][3] is None
    assert analysis.plain_matrix[0][2] == -0.25
    assert Analysis.model_validate_json(analysis.model_dump_json()) == analysis
