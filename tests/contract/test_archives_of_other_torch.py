"""Archives that other versions of torch wrote give what those versions computed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from support.archives import load_file

DIRECTORY = Path(__file__).parents[1] / "fixtures" / "archives"
ARCHIVES = sorted(DIRECTORY.glob("torch-*/*.pt2"))
TIED = {"words.weight": "last.weight"}
"""Names of one parameter; which of them an archive has is up to the version."""


def within(values: dict[str, np.ndarray], name: str) -> dict[str, Tensor]:
    prefix = f"{name}/"
    return {
        key.removeprefix(prefix): torch.from_numpy(each)
        for key, each in values.items()
        if key.startswith(prefix)
    }


@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: f"{path.stem} of {path.parent.name}")
def test_an_archive_gives_the_logits_and_gradients_of_its_version(path):
    with np.load(path.with_suffix(".npz")) as file:
        values = dict(file)
    model = load_file(path)
    logits = model(within(values, "inputs"))
    expected = torch.from_numpy(values["logits"])
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)

    wanted = within(values, "gradients")
    given = [model.parameters.get(each, model.parameters.get(TIED.get(each))) for each in wanted]
    assert len(model.parameters) == len(wanted)
    signal = torch.cos(torch.arange(logits.numel(), dtype=logits.dtype)).view_as(logits)
    found = torch.autograd.grad((logits * signal).sum(), given)
    for mine, theirs in zip(found, wanted.values(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5)


def test_every_layout_of_archives_is_among_them():
    assert len({path.parent.name for path in ARCHIVES}) >= 3
    assert {path.stem for path in ARCHIVES} == {"attention", "convolutional", "recurrent", "tied"}
