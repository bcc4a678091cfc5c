"""The payloads are live: whoever loads them as their formats ask makes the canary."""

import ctypes
import io
import pickle
import platform
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from hostile import payloads
from support import examples
from support.archives import members_of, zipped


def library(canary: Path) -> None:
    path = canary.with_suffix(".so")
    path.write_bytes(payloads.shared_object(canary))
    ctypes.CDLL(str(path))


def program(canary: Path) -> None:
    """An exported program whose sample inputs are a pickle."""
    path = canary.with_suffix(".pt2")
    examples.export(examples.perceptron(), path)
    hostile = {"data/sample_inputs/model.pt": payloads.saved(canary)}
    path.write_bytes(zipped(members_of(path) | hostile))
    # The code runs first; then what is unpickled turns out to be no inputs.
    with suppress(Exception):
        torch.export.load(path)


LOADERS = {
    "pickle": lambda canary: pickle.loads(payloads.pickled(canary)),
    "torch": lambda canary: torch.load(io.BytesIO(payloads.saved(canary)), weights_only=False),
    "expression": lambda canary: eval(payloads.expression(canary)),
    "library": pytest.param(
        library,
        marks=pytest.mark.skipif(platform.machine() != "x86_64", reason="its code is for x86-64"),
    ),
    "program": program,
}


@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
def test_a_loader_that_trusts_its_file_makes_the_canary(load, monkeypatch, tmp_path):
    monkeypatch.delenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", raising=False)  # as our readers have it
    canary = tmp_path / "canary"
    load(canary)
    assert canary.exists()


def test_a_checkpoint_is_a_zip_file_that_names_its_gadget(tmp_path):
    with zipfile.ZipFile(io.BytesIO(payloads.saved(tmp_path / "canary"))) as archive:
        assert b"touch" in archive.read("archive/data.pkl")
