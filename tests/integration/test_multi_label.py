"""Rows with any number of labels: the numbers of a real service against brute force."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import Tensor

from interference_client import Client, Loss, Options, Result
from interference_service.core.sampling import row_keys
from support import examples
from support.brute_force import BruteForce, dealt_folds, per_sample_gradients
from support.submissions import rows, submit

NAMES = ("cell", "snow", "dust", "crack")
FREQUENCIES = (0.6, 0.4, 0.3, 0.2)
C, ROWS, FOLDS, SEED = len(NAMES), 300, 4, 3
HEAD = "5"
"""Last linear layer of the perceptron."""


@dataclass(frozen=True)
class Labelled:
    """Rows of which each has the labels that are present. ``present`` has shape ``[n, C]``."""

    inputs: Tensor
    present: Tensor

    def groups(self) -> list[int]:
        """The one group that each row is used for, or -1, by the written convention."""
        slots = 1 + int(self.present.sum(1).max())
        keys = row_keys(SEED, "0:labels#slot", np.arange(ROWS))
        found = []
        for own, key in zip(self.present, keys.tolist(), strict=True):
            mine = torch.nonzero(own)[:, 0].tolist() + [C] * (not own.all())
            slot = key % slots
            found.append(mine[slot] if slot < len(mine) else -1)
        return found

    def with_a_label_that_no_row_is_used_for(self) -> "Labelled":
        """The last label in one row alone, which is used for another of its groups or not at all."""
        for row in range(ROWS):
            present = self.present.clone()
            present[:, -1] = torch.arange(ROWS) == row
            found = Labelled(self.inputs, present)
            if found.groups()[row] != C - 1:
                return found
        raise AssertionError

    def write(self, path: Path) -> None:
        # One row has a label twice.
        lists = [[NAMES[j] for j in np.flatnonzero(own)[::-1]] for own in self.present]
        lists[1] += lists[1]
        labels = pa.array(lists, pa.list_(pa.string()))
        plain = examples.Example(self.inputs, torch.zeros(ROWS, dtype=torch.int64))
        examples.write(plain, path, labels=labels)


@pytest.fixture(scope="module")
def labelled(files: Path) -> Labelled:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(ROWS, 1, 6, 6, generator=generator)
    directions = torch.randn(36, C, generator=generator)
    chance = torch.tensor(FREQUENCIES) * (0.5 + torch.sigmoid(inputs.flatten(1) @ directions / 3))
    found = Labelled(inputs, torch.rand(ROWS, C, generator=generator) < chance)
    assert not found.present.any(1).all()
    assert found.present.all(1).any()
    found.write(files / "labels.parquet")
    return found


def analysed(client: Client, loss: Loss, name: str = "labels.parquet", **changes) -> Result:
    data = rows(name, label="labels", class_names=NAMES, seed=SEED, **changes)
    options = Options(loss=loss, folds=FOLDS, precision="float64")
    return submit(client, data=data, options=options).wait(timeout=60).result()


def terms_of(group: int, present: Tensor) -> Tensor:
    """1 where a term of the row belongs to its group, for one row of ``[1, C]``."""
    return (~present).double() if group == C else torch.eye(C, dtype=torch.float64)[[group]]


def reference(labelled: Labelled, weights: Tensor) -> BruteForce:
    """The rows used, each with the gradient of its group's terms over their mean number."""
    groups = np.array(labelled.groups())
    present = labelled.present
    mean_absent = int((~present).sum()) / int((~present).any(1).sum())

    def loss(logits: Tensor, row: Tensor) -> Tensor:
        group, own = int(row[0, 0]), row[:, 1:].bool()
        terms = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, own.double(), reduction="none"
        )
        kept = (terms * weights * terms_of(group, own)).sum()
        return kept / mean_absent if group == C else kept

    used = groups >= 0
    targets = torch.cat([torch.from_numpy(groups)[:, None], present.long()], dim=1)
    layers = per_sample_gradients(examples.perceptron(), labelled.inputs[used], targets[used], loss)
    gradients = np.concatenate([each for name, each in layers.items() if name != HEAD], axis=1)
    folds = dealt_folds(groups, FOLDS, source="0:labels", seed=SEED)
    return BruteForce(gradients, groups[used], folds[used], C + 1)


@pytest.mark.parametrize("weights", [(), (1.0, 2.0, 0.5, 4.0)])
def test_every_number_equals_brute_force_on_the_rows_used(client: Client, labelled, weights):
    result = analysed(client, Loss("multi_label", class_weights=weights))
    wanted = reference(labelled, torch.tensor(weights or (1.0,) * C).double())
    gram = wanted.gram()
    np.testing.assert_allclose(
        result.matrix("shared/gram"), gram, rtol=0, atol=1e-10 * np.abs(gram).max()
    )
    terms = [*labelled.present.sum(0).tolist(), int((~labelled.present).sum())]
    ratio = wanted.progress_ratio(np.array(terms) / sum(terms))
    found = np.array([each.progress_ratio.value for each in result.classes.values()])
    assert np.isfinite(found).any()
    np.testing.assert_allclose(found[np.isfinite(found)], ratio[np.isfinite(found)], rtol=1e-9)


def test_groups_are_the_labels_and_the_absent_ones_with_the_counts_of_all_rows(client, labelled):
    result = analysed(client, Loss("multi_label"))
    assert list(result.classes) == [*NAMES, "(absent)"]
    present = labelled.present
    carrying = [*present.sum(0).tolist(), int((~present).any(1).sum())]
    assert [each.row_count for each in result.classes.values()] == carrying
    groups = labelled.groups()
    used = [groups.count(group) for group in range(C + 1)]
    assert [each.rows_used for each in result.classes.values()] == used
    terms = np.array([*present.sum(0).tolist(), int((~present).sum())])
    priors = [each.prior for each in result.classes.values()]
    np.testing.assert_allclose(priors, terms / terms.sum())
    assert sum(terms) == ROWS * C


def test_shares_and_minorities_may_name_the_groups(client: Client, labelled):
    data = rows(
        "labels.parquet", label="labels", class_names=NAMES, shares=[0.1, 0.1, 0.1, 0.1, 0.6]
    )
    options = Options(loss=Loss("multi_label"), folds=FOLDS, minorities=["crack", "dust"])
    result = submit(client, data=data, options=options).wait(timeout=60).result()
    assert [each.prior for each in result.classes.values()] == [0.1, 0.1, 0.1, 0.1, 0.6]
    assert [name for name, each in result.classes.items() if each.minority] == ["dust", "crack"]


def test_rounds_end_when_every_row_that_may_be_used_is(client: Client, labelled):
    result = analysed(client, Loss("multi_label"), target_precision=1e-6)
    groups = labelled.groups()
    used = [each.rows_used for each in result.classes.values()]
    assert result.sampling_outcome == "data_exhausted"
    assert all(n <= groups.count(group) for group, n in enumerate(used))


def test_a_label_that_no_row_is_used_for_is_an_undetermined_minority(client, labelled, files):
    # Another directory, for the rows used are a function of the file's name.
    (files / "rare").mkdir()
    labelled.with_a_label_that_no_row_is_used_for().write(files / "rare" / "labels.parquet")
    result = analysed(client, Loss("multi_label"), "rare/labels.parquet")
    rare = result.classes["crack"]
    assert (rare.row_count, rare.rows_used, rare.prior) == (1, 0, 0)
    assert rare.flags == ("EMPTY",)
    assert rare.minority
    assert not rare.judged
    assert not rare.progress_ratio.determined
    assert result.classes["(absent)"].progress_ratio.determined
    assert result.summary["worst_progress_ratio"].estimate.lower == -np.inf
