"""A real service refuses or fails every hostile submission, and then answers as before."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from hostile.families import REFERENCES
from hostile.reference import LIMITS, MIB, HostileReference, Site
from interference_client import Client, InvalidArgument, Job, Violation
from interference_service.demo.server import Running, running_service
from support import examples
from support.memory import Watched
from support.service import FEW_RESOURCES
from support.submissions import submit

SUBMITTED = [each for each in REFERENCES if each.end_to_end]
SETTINGS = FEW_RESOURCES | {
    "INTERFERENCE_ALLOW_CHECKPOINTS": "true",
    "INTERFERENCE_COMPUTE__PARSE_MEMORY_BYTES": str(LIMITS.memory_bytes),
    "INTERFERENCE_COMPUTE__PARSE_SECONDS": str(LIMITS.seconds),
}
MOST_BYTES = 2560 * MIB
"""Of all processes beyond those of a good job: two workers at their limit, with what Arrow sets aside."""
MOST_BYTES_OF_SERVICE = 128 * MIB
"""Of the service's own process, which reads no file."""

# All references are submitted before the first test.
pytestmark = pytest.mark.timeout(900)


class Ended:
    """What became of the submissions, and of a good job before and after them."""

    def __init__(self, service: Running, root: Path) -> None:
        process = psutil.Process(service.process.pid)
        with Client(service.grpc) as client:
            with Watched(process.pid) as good:
                self.before = submit(client).wait(timeout=120).result()
            resident = process.memory_info().rss
            with Watched(process.pid) as watched:
                self.of = self._all(client, root)
                self.after = submit(client).wait(timeout=120).result()
        self.grown = watched.most - good.most
        self.service_grown = process.memory_info().rss - resident
        self.root = root

    def _all(self, client: Client, root: Path) -> dict[str, tuple[str, tuple[Violation, ...]]]:
        submitted: dict[str, Job | InvalidArgument] = {}
        for index, reference in enumerate(SUBMITTED):
            site = Site(root, f"hostile-{index}")
            site.directory.mkdir()
            model, data, options = reference.builds(site)
            try:
                submitted[reference.name] = client.submit(model=model, data=data, options=options)
            except InvalidArgument as error:
                submitted[reference.name] = error
        return {name: _end(each) for name, each in submitted.items()}


def _end(submitted: Job | InvalidArgument) -> tuple[str, tuple[Violation, ...]]:
    """Reason and violations; of a refusal the reason is empty, and so it is of a success."""
    if isinstance(submitted, InvalidArgument):
        return "", submitted.violations
    job = submitted.wait(timeout=300, check=False)
    return (job.error.reason, job.error.violations) if job.error else ("", ())


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    root = tmp_path_factory.mktemp("files")
    examples.write_all(root)
    with running_service(tmp_path_factory.mktemp("service"), {"data": root}, SETTINGS) as service:
        yield Ended(service, root)
        assert service.process.poll() is None


def by_name(each: HostileReference) -> str:
    return each.name


@pytest.mark.parametrize("reference", SUBMITTED, ids=by_name)
def test_a_hostile_submission_ends_in_the_error_of_its_rule(reference, ended):
    reason, violations = ended.of[reference.name]
    if reference.error is None:
        assert (reason, violations) == ("", ())
        return
    first = violations[0]
    refused = f"analysis_job.spec.{reference.field}"
    failed = f"spec.{reference.field}"
    assert first.field == (failed if reason else refused)
    assert reason in {"", reference.error.reason}
    assert reference.words in first.description


@pytest.mark.parametrize("index", range(len(SUBMITTED)), ids=[each.name for each in SUBMITTED])
def test_no_code_of_a_submission_runs(index, ended):
    assert not Site(ended.root, f"hostile-{index}").canary.exists()


def test_the_service_answers_as_before(ended):
    # What is undetermined is NaN, which equals nothing.
    assert repr(ended.after.classes) == repr(ended.before.classes)
    assert repr(ended.after.summary) == repr(ended.before.summary)


def test_memory_stays_within_bounds(ended):
    assert ended.grown <= MOST_BYTES
    assert ended.service_grown <= MOST_BYTES_OF_SERVICE
