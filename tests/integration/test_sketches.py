"""Jobs whose gradients are sketched, against the same jobs with exact ones.

The rows of a class differ by a hundredth, so that exact gradients leave little uncertain and what
is uncertain of sketched ones is the sketch. Intervals miss once in a thousand times.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from interference_client import Client, ModelReference, Options
from interference_service.demo.server import Running, running_service
from support import examples
from support.service import FEW_RESOURCES
from support.submissions import rows, submit

WIDTH, CONFIDENCE = 512, 0.999
WIDE, NARROW, HEAD = "1", "3", "5"
"""Layers of the model: only the first has more parameters than a sketch has numbers."""
SCOPES = ("shared", "all", WIDE)


@dataclass(frozen=True)
class Analysed:
    """What a job said: numbers kept of a large layer, and every matrix."""

    sketch_width: int
    matrices: dict[str, np.ndarray]


@pytest.fixture(scope="module")
def results(
    service: Running, files: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Analysed]:
    """The same job with exact gradients, with sketches, and where the server has little memory."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(36, 160), nn.Tanh(), nn.Linear(160, 3), nn.GELU(), nn.Linear(3, 4)
    )
    examples.export(model.eval(), files / "wide.pt2")
    examples.write(examples.example(noise=0.01), files / "alike.parquet")
    kept = 4 * 4 * (WIDTH + 500 + 16) * 8
    settings = FEW_RESOURCES | {"INTERFERENCE_COMPUTE__MAX_GRADIENT_BYTES": str(kept)}
    found = {}
    with (
        running_service(tmp_path_factory.mktemp("small"), {"data": files}, settings) as small,
        Client(small.grpc) as client,
    ):
        found["auto"] = analysed(client, engine="auto", sketch_width=WIDTH)
    with Client(service.grpc) as client:
        for engine in ("exact", "sketch"):
            found[engine] = analysed(client, engine=engine, sketch_width=WIDTH)
    return found


def analysed(client: Client, **options) -> Analysed:
    job = submit(
        client,
        model=ModelReference("data://wide.pt2"),
        data=rows("alike.parquet"),
        options=Options(folds=4, precision="float64", confidence_level=CONFIDENCE, **options),
    )
    result = job.wait(timeout=90).result()
    return Analysed(result.sketch_width, dict(result.matrices()))


def of_pairs(found: Analysed, name: str) -> np.ndarray:
    """A matrix above its diagonal, where every pair is determined."""
    values = found.matrices[name][np.triu_indices(len(examples.COUNTS), 1)]
    assert np.isfinite(values).all()
    return values


def test_a_result_says_whether_and_how_wide_gradients_were_sketched(results):
    assert {name: each.sketch_width for name, each in results.items()} == {
        "exact": 0,
        "sketch": WIDTH,
        "auto": WIDTH,
    }


def test_sketches_are_the_same_on_every_server(results):
    for name, matrix in results["sketch"].matrices.items():
        np.testing.assert_array_equal(results["auto"].matrices[name], matrix, err_msg=name)


@pytest.mark.parametrize("layer", [NARROW, HEAD])
def test_layers_that_a_sketch_would_not_make_smaller_are_exact(results, layer):
    exact, sketched = results["exact"], results["sketch"]
    for quantity in ("gram", "cosine", "lower", "upper", "p_value"):
        name = f"{layer}/{quantity}"
        np.testing.assert_array_equal(sketched.matrices[name], exact.matrices[name], err_msg=name)


@pytest.mark.parametrize("scope", SCOPES)
def test_sketched_cosines_are_near_the_exact_ones_and_within_their_bounds(results, scope):
    exact, sketched = (of_pairs(results[each], f"{scope}/cosine") for each in ("exact", "sketch"))
    # A standard error of 1/√512 for each; five of them.
    np.testing.assert_allclose(sketched, exact, rtol=0, atol=5 / np.sqrt(WIDTH))
    assert not np.array_equal(sketched, exact)
    lower, upper = (of_pairs(results["sketch"], f"{scope}/{each}") for each in ("lower", "upper"))
    assert (lower <= exact).all()
    assert (exact <= upper).all()


def test_what_the_sketch_adds_widens_the_intervals(results):
    """The more alike the rows of a class, the nearer an exact interval is to its value.

    Over a dozen seeds of model and rows each one of the sketch was at least 11 times as wide.
    """
    exact, sketched = (
        of_pairs(results[name], f"{WIDE}/upper") - of_pairs(results[name], f"{WIDE}/lower")
        for name in ("exact", "sketch")
    )
    assert (sketched > 4 * exact).all()
