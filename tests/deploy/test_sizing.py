"""The page about sizes says what the code makes of its formulas."""

from interference_service.compute.engine import DEFAULT_WIDTH
from interference_service.core.metrics import PAIR_METRICS
from interference_service.core.sketch import REPLICATES
from interference_service.domain.options import AnalysisOptions
from interference_service.settings import Settings
from support.deploy_tools import DEPLOY

PAGE = (DEPLOY / "SIZING.md").read_text("utf-8")
GIB = 2**30
SINGLE, DOUBLE = 4, 8
P, C, LAYERS, ALL_LAYERS = 10**9, 1000, 24, 200
K = AnalysisOptions().folds
R = C * K


def row(name: str) -> str:
    """The last cell of the row of a table."""
    (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| {name} |"))
    return line.rstrip("| ").rpartition("| ")[2]


def test_the_defaults_are_those_of_the_code():
    settings = Settings.model_fields["compute"].default
    assert row("m") == f"{DEFAULT_WIDTH:,}"
    assert row("K") == str(K)
    assert settings.max_gradient_bytes == 64 * GIB
    assert settings.unit_bytes == 512 << 20
    assert settings.batch_rows == 128
    assert settings.parse_memory_bytes == 8 * GIB
    assert Settings.model_fields["jobs"].default.concurrency == 8
    assert Settings.model_fields["telemetry"].default.max_classes == 50
    assert Settings.model_fields["telemetry"].default.max_layers == 5


def test_the_gradients_of_the_recipe():
    exact = SINGLE * P * R
    assert row("gradients, kept exactly") == f"{exact / 10**12:.0f} TB"
    sketched = SINGLE * R * DEFAULT_WIDTH / GIB
    assert row("gradients, sketched") == f"{sketched * LAYERS:.1f} GiB"
    assert f"{sketched * ALL_LAYERS:.0f} GiB, which the limit of 64 GiB refuses" in PAGE
    assert f"sketched: {SINGLE * 100 * K * DEFAULT_WIDTH / GIB:.1f} GiB a layer" in PAGE


def test_the_statistics_of_the_recipe():
    of_a_replicate = DOUBLE * LAYERS * (2 * R * C + R * K)
    assert (
        row("statistics while they are reduced") == f"{of_a_replicate * REPLICATES / GIB:.1f} GiB"
    )


def test_the_results_of_the_recipe():
    of_a_pair = DOUBLE * len(PAIR_METRICS)
    assert f"{of_a_pair} · C² · (L + 2)" in PAGE
    result = of_a_pair * C**2 * (LAYERS + 2) + 1300 * C
    assert row("result in the directory of results") == f"{result / 10**9:.2f} GB"
    assert (
        f"{result / 10**9:.2f} TB of results a day: {90 * result / 10**9:.0f} TB in 90 days" in PAGE
    )
