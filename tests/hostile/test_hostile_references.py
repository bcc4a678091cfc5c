"""No hostile reference runs code, ends its reader or takes its memory; each ends as its rule says."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hostile.families import FAMILIES, REFERENCES
from hostile.reference import HostileReference
from hostile.trials import OUTCOMES, Outcome

PROCESSES = 2
LONGEST_MESSAGE = 2000

# All references are tried before the first test.
pytestmark = pytest.mark.timeout(900)


def by_name(each: HostileReference) -> str:
    return each.name


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """How every reference ended, by its name."""
    roots = [tmp_path_factory.mktemp("tried") for _ in range(PROCESSES)]
    families = list(FAMILIES)
    with ThreadPoolExecutor(PROCESSES) as threads:
        shares = (families[number::PROCESSES] for number in range(PROCESSES))
        for tried in threads.map(_trials, roots, shares):
            assert tried.returncode == 0, tried.stderr[-2000:]
    lines = [line for root in roots for line in (root / OUTCOMES).read_text().splitlines()]
    found = [Outcome(**json.loads(line)) for line in lines]
    return {each.name: each for each in found}


def _trials(root: Path, families: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "hostile.trials", str(root), *families],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def test_every_reference_has_a_name_of_its_own():
    assert len({each.name for each in REFERENCES}) == len(REFERENCES)


@pytest.mark.parametrize("reference", REFERENCES, ids=by_name)
def test_no_code_of_a_reference_runs(reference, outcomes):
    assert not outcomes[reference.name].canary


@pytest.mark.parametrize("reference", REFERENCES, ids=by_name)
def test_no_reference_ends_its_reader_or_takes_its_memory(reference, outcomes):
    outcome = outcomes[reference.name]
    assert outcome.signal == 0
    assert outcome.grown_bytes <= reference.most_bytes


@pytest.mark.parametrize("reference", REFERENCES, ids=by_name)
def test_a_reference_ends_in_the_error_of_its_rule(reference, outcomes):
    outcome = outcomes[reference.name]
    if reference.error is None:
        assert (outcome.error, outcome.message) == ("", "")
        return
    assert outcome.error == reference.error.__name__, outcome.message
    assert outcome.fields[0] == reference.field
    assert reference.words in outcome.message
    assert len(outcome.message) <= LONGEST_MESSAGE
