"""The tests of the rules notice every mistake that can be made in a rule."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import yaml

from support.alert_rules import RULES, TESTS, alert_names, run
from support.rule_mutations import Mutant, mutants

_OUTCOMES = re.compile(r"exp:|exp_samples|got:")
"""What promtool prints where a test fails, and not where a file cannot be read."""


@pytest.mark.slow
def test_rules_without_a_mistake_survive(tmp_path):
    written = yaml.safe_dump(yaml.safe_load(RULES.read_text("utf-8")))
    for number, name in enumerate(alert_names()):
        assert _survives(tmp_path, number, Mutant("none", name, written)), name


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_mistake_survives(tmp_path):
    found = list(mutants())
    assert len(found) > 100
    with ThreadPoolExecutor(2) as pool:
        survived = list(pool.map(partial(_survives, tmp_path), range(len(found)), found))
    assert [each.what for each, alive in zip(found, survived, strict=True) if alive] == []


def _survives(directory: Path, number: int, mutant: Mutant) -> bool:
    """Whether the tests of the mutant's alert, or of all that its record is for, pass."""
    home = directory / str(number)
    home.mkdir()
    (home / RULES.name).write_text(mutant.text, "utf-8")
    for test in _tests_of(mutant.rule):
        text = test.read_text("utf-8").replace(f"../rules/{RULES.name}", RULES.name)
        copied = home / test.name
        copied.write_text(text, "utf-8")
        done = run("promtool", "test", "rules", copied)
        if done.returncode != 0:
            assert _OUTCOMES.search(done.stdout), f"{mutant.what}: {done.stdout}"
            return False
    return True


def _tests_of(rule: str) -> list[Path]:
    own = TESTS / f"{rule}.test.yml"
    if own.exists():
        return [own]
    series = rule.split(":")[1]
    return [path for path in sorted(TESTS.iterdir()) if f"{series}{{" in path.read_text("utf-8")]
