"""``interference export`` as a process: the caller's own code, no service."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_model

from support.archives import load_file

NETWORKS = """
import torch
from torch import nn

class Words(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.words, self.last = nn.Embedding(9, width), nn.Linear(width, 9, bias=False)
        self.last.weight = self.words.weight

    def forward(self, words):
        return self.last(self.words(words).mean(1))

class Decides(Words):
    def forward(self, words):
        return super().forward(words if words.sum() > 0 else -words)

def words(width=4):
    return Words(width)

def decides():
    return Decides(4)

def looks_up():
    return {}["no such key"]

def needs():
    import not_installed
"""


@pytest.fixture
def export(tmp_path: Path):
    """Runs the command in a directory that has the networks; they take ``words``."""
    (tmp_path / "networks.py").write_text(NETWORKS)
    (tmp_path / "needing.py").write_text("import not_installed")
    (tmp_path / "broken.py").write_text("raise ValueError('of its own')")

    def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "interference_client.cli", "export", *arguments]
        return subprocess.run(
            [*command, "--example=words=int64:2x3"],
            capture_output=True,
            text=True,
            timeout=100,
            cwd=tmp_path,
        )

    return call


def test_a_network_becomes_an_archive_with_its_weights(export, tmp_path):
    torch.manual_seed(0)
    namespace: dict = {}
    exec(NETWORKS, namespace)
    network = namespace["Words"](6)
    save_model(network, tmp_path / "weights.safetensors")
    done = export(
        "networks:words",
        '--arguments={"width": 6}',
        "--weights=weights.safetensors",
        "--dynamic=words=1",
        "--out=model.pt2",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["inputs"] == [{"name": "words", "dtype": "int64", "shape": [None, None]}]
    assert summary["parameters"] == 54
    model = load_file(tmp_path / "model.pt2", digest=summary["digest"])
    words = torch.arange(8).reshape(2, 4)
    torch.testing.assert_close(model({"words": words}), network(words))


def test_people_are_told_what_was_written(export, tmp_path):
    done = export("networks:words", "--out=model.pt2")
    assert done.returncode == 0, done.stderr
    assert "model.pt2  sha256:" in done.stdout
    assert "words: int64 any x 3" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (("networks:decides",), 9, "decides by the values of its input"),
        (("networks:none",), 9, "there is no factory 'networks:none'"),
        (("nowhere:words",), 9, "there is no factory 'nowhere:words'"),
        ((":words",), 9, "there is no factory ':words'"),
        (("networks:words", '--arguments={"depth": 3}'), 9, "networks:words failed: TypeError"),
        (("networks:looks_up",), 9, "networks:looks_up failed: KeyError: 'no such key' ("),
        (("networks:needs",), 9, "ModuleNotFoundError: No module named 'not_installed'"),
        (("needing:words",), 9, "needing cannot be imported: ModuleNotFoundError"),
        (("broken:words",), 9, "broken cannot be imported: ValueError: of its own"),
        (("networks:words", "--weights=networks.py"), 9, "networks.py has other weights"),
        (("networks:words", "--arguments=[]"), 2, "no JSON object"),
        (("networks:words", "--example=words"), 2, "is not NAME=DTYPE:SHAPE"),
        (("networks:words", "--example=words=int65:2"), 9, "unknown type 'int65'"),
        (("networks:words", "--dynamic=words"), 2, "is not NAME=AXIS"),
        (("networks:words", "--weights=none.safetensors"), 2, "none.safetensors"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_and_a_status(export, tmp_path, arguments, status, reason):
    done = export(*arguments, "--out=model.pt2")
    assert (done.returncode, reason in done.stderr) == (status, True), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "model.pt2").exists()


def test_other_weights_are_refused(export, tmp_path):
    save_model(torch.nn.Linear(2, 2), tmp_path / "weights.safetensors")
    done = export("networks:words", "--weights=weights.safetensors", "--out=model.pt2")
    assert done.returncode == 9
    assert "has other weights" in done.stderr
