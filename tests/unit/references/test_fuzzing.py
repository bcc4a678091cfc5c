"""Whatever arguments a file gives to an operator, the process lives, and reads its own memory only.

The calls are made in processes of their own. ``INTERFERENCE_FUZZ_SEED`` chooses others.
"""

import os
import subprocess
import sys

import pytest
import torch

from support import fuzzing
from support.fuzzing import NAMES

SEED = int(os.environ.get("INTERFERENCE_FUZZ_SEED", "0"))
ALL_AT_ONCE = 2
"""Calls of every operator in the default suite."""
THOROUGH = 60
PARTS = 8


def found(names: tuple[str, ...], calls: int) -> list[str]:
    """What was wrong with a number of calls of each of some operators; of no one if nothing was."""
    command = [sys.executable, "-m", "support.fuzzing", str(SEED), str(calls), *names]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    said = ended.stdout.splitlines()
    wrong = [each for each in said if each.startswith("FOUND")]
    if ended.returncode or not said or not said[-1].startswith("DONE"):
        wrong.append(f"the process ended with {ended.returncode} after {said[-1:]}: {ended.stderr}")
    return wrong


def test_no_call_of_an_operator_ends_the_process():
    assert not found(NAMES, ALL_AT_ONCE)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_call_of_many_ends_the_process(part):
    assert not found(NAMES[part::PARTS], THOROUGH)


def test_a_process_that_ends_is_found():
    """Otherwise an empty list of findings would say nothing."""
    assert found(("no.such.operator",), 1)


def test_arguments_are_tame_often_enough_to_reach_operators():
    counted = [fuzzing.run("torch.ops.aten.add.Tensor", number) for number in range(40)]
    assert 10 <= counted.count("run") < 40


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
