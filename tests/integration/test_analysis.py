"""The numbers of a real service against a brute-force reference, for any number of actors."""

from collections.abc import Mapping
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from torch import nn

from interference_client import Client, Gate, ModelReference, Options
from interference_service.demo.server import running_service
from support import examples
from support.brute_force import BruteForce, dealt_folds, per_sample_gradients
from support.service import FEW_RESOURCES
from support.submissions import submit

FOLDS = 4
ACTORS = (1, 3)
PRECISIONS = {"float32": 1e-5, "float64": 1e-10}
SHARED = "float32"
"""Precision of the analyses that several actors share."""
MODELS = {"cnn": examples.convolutional, "mlp": examples.perceptron}
HEAD = "5"
"""Last linear layer of both models."""

# All analyses are made before the first test.
pytestmark = pytest.mark.timeout(300)

Matrices = dict[str, np.ndarray]
Analyses = dict[tuple[int, str, str], Matrices]


@pytest.fixture(scope="module")
def analyses(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Analyses:
    """Every matrix of every model in every precision at every number of actors."""
    found = {}
    for actors in ACTORS:
        settings = FEW_RESOURCES | {
            "INTERFERENCE_COMPUTE__NUM_CPUS": "4",
            "INTERFERENCE_COMPUTE__MAX_ACTORS": str(actors),
            "INTERFERENCE_COMPUTE__UNIT_ROWS": "16",
        }
        home = tmp_path_factory.mktemp(f"service-{actors}")
        with (
            running_service(home, {"data": files}, settings) as service,
            Client(service.grpc) as client,
        ):
            # In which precision units are computed has nothing to do with who computes them.
            precisions = PRECISIONS if actors == ACTORS[0] else PRECISIONS.keys() & {SHARED}
            jobs = {
                (actors, model, precision): submit(
                    client,
                    model=ModelReference(f"data://{model}.pt2"),
                    options=Options(folds=FOLDS, precision=precision),
                )
                for model in MODELS
                for precision in precisions
            }
            for key, job in jobs.items():
                found[key] = dict(job.wait(timeout=90).result().matrices())
    return found


@pytest.fixture(scope="module")
def references() -> Mapping[str, Mapping[str, BruteForce]]:
    """Every layer and both scopes of every model, by brute force."""
    rows = examples.example()
    labels = rows.labels.numpy()
    folds = dealt_folds(labels, FOLDS, source="0:rows")
    return {
        name: {
            scope: BruteForce(gradients, labels, folds, len(examples.COUNTS))
            for scope, gradients in _scopes(make(), rows).items()
        }
        for name, make in MODELS.items()
    }


def _scopes(model: nn.Module, rows: examples.Example) -> dict[str, np.ndarray]:
    layers = per_sample_gradients(model, rows.inputs, rows.labels)
    shared = [gradients for name, gradients in layers.items() if name != HEAD]
    return {
        "shared": np.concatenate(shared, axis=1),
        "all": np.concatenate(list(layers.values()), axis=1),
        **layers,
    }


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("model", MODELS)
def test_both_matrices_equal_brute_force_in_every_layer(analyses, references, model, precision):
    found = analyses[1, model, precision]
    for scope, reference in references[model].items():
        tolerance = PRECISIONS[precision]
        for name, wanted in (("plain_cosine", reference.plain()), ("gram", reference.gram())):
            assert_close(found[f"{scope}/{name}"], wanted, tolerance)
        corrected = found[f"{scope}/cosine"]
        determined = np.isfinite(corrected)
        # What stands above the noise floor is for other tests; what does must be right.
        assert determined.any()
        assert_close(corrected[determined], reference.corrected()[determined], tolerance)


def assert_close(found: np.ndarray, wanted: np.ndarray, tolerance: float) -> None:
    """Relative to the largest entry, since small ones are differences of large ones."""
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("actors", ACTORS[1:])
def test_any_number_of_actors_gives_the_same_bits(analyses, actors, model):
    alone, together = analyses[1, model, SHARED], analyses[actors, model, SHARED]
    assert alone.keys() == together.keys()
    for name, matrix in alone.items():
        np.testing.assert_array_equal(together[name], matrix, err_msg=name)


def test_progress_and_suppression_equal_brute_force(client: Client, references):
    reference = references["mlp"]["shared"]
    priors = np.array(examples.COUNTS) / sum(examples.COUNTS)
    result = submit(client, options=Options(folds=FOLDS, precision="float64")).wait().result()
    for name, wanted in (
        ("progress_ratio", reference.progress_ratio(priors)),
        ("suppression", reference.suppression(priors)),
    ):
        estimates = [each.metric(name) for each in result.classes.values()]
        determined = [each.determined for each in estimates]
        assert any(determined)
        np.testing.assert_allclose(
            np.array([each.value for each in estimates])[determined],
            wanted[determined],
            rtol=1e-9,
            atol=1e-9,
        )


def test_gates_are_judged_and_the_monitor_is_exported(service, client: Client):
    job = submit(
        client,
        model=ModelReference("data://mlp.pt2", monitor="solar", version="v1"),
        gates=[
            Gate("anything-goes", "summary/unlearned_minorities", at_most=4),
            Gate("nothing-goes", "summary/conflicting_pairs", at_least=100),
        ],
    ).wait(timeout=60)
    assert job.verdict.outcome == "VIOLATED"
    assert [each.outcome for each in job.verdict.gates] == ["PASSED", "VIOLATED"]
    with urlopen(f"http://{service.metrics}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    unlearned = job.result().summary["unlearned_minorities"].estimate.value
    line = 'interference_monitor_unlearned_minority_classes{monitor="solar",project="default"}'
    assert f"{line} {unlearned}" in text.splitlines()
