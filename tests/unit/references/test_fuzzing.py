"""Whatever arguments a file gives to an operator, the process lives, and reads its own memory only.

The calls are made in processes of their own. ``INTERFERENCE_FUZZ_SEED`` chooses others.
"""

import os
import subprocess
import sys

import pytest
import torch

from support import fuzzing, hostile_calls
from support.fuzzing import NAMES, UNREACHED
from support.good_calls import GOOD_CALLS

SEED = int(os.environ.get("INTERFERENCE_FUZZ_SEED", "0"))
ALL_AT_ONCE = 2
"""Calls of every operator in the default suite."""
THOROUGH = 400
PARTS = 8


def said(names: tuple[str, ...], calls: int) -> tuple[list[str], set[str]]:
    """What was wrong with a number of calls of each of some operators, and which were never run."""
    command = [sys.executable, "-m", "support.fuzzing", str(SEED), str(calls), *names]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = ended.stdout.splitlines()
    wrong = [each for each in lines if each.startswith("FOUND")]
    if ended.returncode or not lines or not lines[-1].startswith("DONE"):
        wrong.append(
            f"the process ended with {ended.returncode} after {lines[-1:]}: {ended.stderr}"
        )
    return wrong, {each.split()[1] for each in lines if each.startswith("NEVER")}


def found(names: tuple[str, ...], calls: int) -> list[str]:
    return said(names, calls)[0]


def test_no_call_of_an_operator_ends_the_process():
    assert not found(NAMES, ALL_AT_ONCE)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_call_of_many_ends_the_process_and_every_operator_is_reached(part):
    names = NAMES[part::PARTS]
    wrong, never = said(names, THOROUGH)
    assert not wrong
    assert never == UNREACHED & set(names)


def test_a_process_that_ends_is_found():
    """Otherwise an empty list of findings would say nothing."""
    assert found(("no.such.operator",), 1)


def test_arguments_are_tame_often_enough_to_reach_operators():
    counted = [fuzzing.run("torch.ops.aten.add.Tensor", number) for number in range(40)]
    assert 10 <= counted.count("run") < 40


@pytest.mark.parametrize("name", GOOD_CALLS)
def test_a_good_call_is_run(name, monkeypatch):
    monkeypatch.setattr(hostile_calls, "GOOD", 1)
    monkeypatch.setattr(hostile_calls, "WILDNESS", (0,))
    assert fuzzing.run(f"torch.ops.aten.{name}", 0) == "run"


def test_a_result_with_what_was_in_its_memory_before_is_found(monkeypatch):
    name = "torch.ops.aten.zeros_like.default"
    uninitialised = torch.ops.aten.empty_like.default
    monkeypatch.setattr("support.fuzzing.Interpreter.run", _run_with(uninitialised))
    with pytest.raises(AssertionError, match="in its memory before"):
        [fuzzing.run(name, number) for number in range(40)]


def _run_with(call):
    def run(_self, _steps, environment):
        environment["result0"] = call(torch.zeros(5000))

    return run
