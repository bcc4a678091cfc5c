"""Trainings: what they keep, that they repeat themselves, and that they learn."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix
from torch import nn

from interference_service.architectures.registry import architecture
from interference_service.reproduction import records
from interference_service.reproduction.data.datasets import Dataset, open_dataset
from interference_service.reproduction.data.inputs import normalisation
from interference_service.reproduction.records import Budget, RunKey, RunRecord
from interference_service.reproduction.report import confusion
from interference_service.reproduction.training.checkpoints import CheckpointUnusable
from interference_service.reproduction.training.loop import TrainingDiverged, train
from interference_service.reproduction.training.schedule import learning_rate, optimiser_of

CPU = torch.device("cpu")
BUDGET = Budget(epochs=2, batch=64)
KEY = RunKey(dataset="digits", network="multi_branch_cnn", imbalance=10)
RULES = ["mean", "per_class_normalised", "projected"]


def small(key: RunKey, dataset: Dataset) -> nn.Module:
    """With all that has a state of its own: dropout draws, normalisation counts."""
    torch.manual_seed(key.seed)
    found = architecture("plain_cnn")
    classes = len(dataset.class_names)
    return found.build(
        found.arguments(height=8, width=8, channels=1, classes=classes, widths=(8, 8), dropout=0.2)
    )


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return open_dataset(KEY, None)


class Kept:
    """Sees every epoch, and may interrupt one."""

    def __init__(self, interrupt_at: int | None = None) -> None:
        self.weights: dict[int, dict[str, torch.Tensor]] = {}
        self.interrupt_at = interrupt_at

    def __call__(self, record: RunRecord, network: nn.Module) -> RunRecord:
        assert not network.training
        epoch = record.epochs[-1].epoch
        if epoch == self.interrupt_at:
            raise KeyboardInterrupt
        self.weights[epoch] = {name: each.clone() for name, each in network.state_dict().items()}
        return record


def run(digits: Dataset, directory: Path, seen: Kept, key: RunKey = KEY, budget: Budget = BUDGET):
    return train(digits, key, budget, directory, CPU, seen, small)


def without_clock(record: RunRecord) -> list[dict]:
    return [each.model_dump(exclude={"seconds"}) for each in record.epochs]


def assert_same_bits(left: Kept, right: Kept, epoch: int) -> None:
    for name, each in left.weights[epoch].items():
        assert torch.equal(each, right.weights[epoch][name]), name


@pytest.mark.parametrize("gradient", RULES)
def test_a_training_that_was_interrupted_ends_at_the_same_bits(digits, tmp_path, gradient):
    key, budget = KEY.model_copy(update={"gradient": gradient}), Budget(epochs=3, batch=64)
    whole, first, second = Kept(), Kept(interrupt_at=2), Kept()
    wanted = run(digits, tmp_path / "whole", whole, key, budget)
    with pytest.raises(KeyboardInterrupt):
        run(digits, tmp_path / "parts", first, key, budget)
    torch.manual_seed(123)  # another process begins with other chance
    record = run(digits, tmp_path / "parts", second, key, budget)
    assert sorted(first.weights) == [0, 1]
    assert sorted(second.weights) == [2, 3]
    assert_same_bits(whole, second, 3)
    assert without_clock(record) == without_clock(wanted)


def test_another_seed_trains_another_network(digits, tmp_path):
    seen = {seed: Kept() for seed in (0, 1)}
    for seed, kept in seen.items():
        run(digits, tmp_path / str(seed), kept, KEY.model_copy(update={"seed": seed}))
    assert not torch.equal(*(kept.weights[2]["head.weight"] for kept in seen.values()))


def test_the_callers_chance_is_left_alone(digits, tmp_path):
    before = torch.get_rng_state()
    run(digits, tmp_path, Kept())
    assert torch.equal(torch.get_rng_state(), before)


def test_a_record_tells_every_epoch_and_is_kept(digits, tmp_path):
    record = run(digits, tmp_path, Kept())
    assert records.load(tmp_path / "record.json") == record
    assert record.finished
    assert [each.epoch for each in record.epochs] == [0, 1, 2]
    assert record.epochs[0].training_loss is None
    assert record.epochs[2].training_loss < record.epochs[1].training_loss
    assert record.training_rows == digits.counts(digits.training)
    assert record.evaluation_rows == digits.counts(digits.evaluation)
    for each in record.epochs:
        assert tuple(map(sum, each.scores.confusion)) == record.evaluation_rows


def test_what_is_observed_is_kept_and_comes_back(digits, tmp_path):
    def observe(record: RunRecord, network: nn.Module) -> RunRecord:
        return record.model_copy(update={"device": f"{record.device}+{record.epochs[-1].epoch}"})

    train(digits, KEY, BUDGET, tmp_path, CPU, observe, small)
    again = train(digits, KEY, BUDGET, tmp_path, CPU, Kept(), small)
    assert again.device == "cpu+0+1+2"


def test_a_finished_training_is_not_repeated(digits, tmp_path):
    record, seen = run(digits, tmp_path, Kept()), Kept()
    assert run(digits, tmp_path, seen) == record
    assert not seen.weights


def test_a_record_that_fell_behind_its_checkpoint_catches_up(digits, tmp_path):
    record = run(digits, tmp_path, Kept())
    (tmp_path / "record.json").write_text(
        record.model_copy(update={"epochs": record.epochs[:2]}).model_dump_json()
    )
    assert run(digits, tmp_path, Kept()) == record
    assert records.load(tmp_path / "record.json") == record


@pytest.mark.parametrize(
    "other", [{"key": KEY.model_copy(update={"seed": 4})}, {"budget": Budget(epochs=9)}]
)
def test_a_checkpoint_of_another_training_is_refused(digits, tmp_path, other):
    run(digits, tmp_path, Kept())
    with pytest.raises(CheckpointUnusable, match="another training"):
        run(digits, tmp_path, Kept(), **other)


def test_a_damaged_checkpoint_is_refused_by_name(digits, tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"PK damaged")
    with pytest.raises(CheckpointUnusable, match=r"checkpoint\.pt is damaged"):
        run(digits, tmp_path, Kept())


def test_a_loss_that_is_not_finite_ends_the_training(digits, tmp_path):
    with pytest.raises(TrainingDiverged, match="epoch 1"):
        run(digits, tmp_path, Kept(), budget=Budget(epochs=2, learning_rate=1e30))


@pytest.mark.parametrize(
    ("loss", "gradient"),
    [
        ("cross_entropy", "mean"),
        ("class_balanced", "mean"),
        ("logit_adjusted", "mean"),
        ("cross_entropy", "per_class_normalised"),
        ("class_balanced", "projected"),
    ],
)
def test_every_loss_and_every_rule_learns(digits, tmp_path, loss, gradient):
    key = KEY.model_copy(update={"loss": loss, "gradient": gradient})
    record = run(digits, tmp_path, Kept(), key, Budget(epochs=6, batch=64))
    first, last = (confusion.accuracy(np.array(record.epochs[e].scores.confusion)) for e in (0, 6))
    assert last > max(0.3, first + 0.15)


def test_scores_are_those_of_the_network(digits, tmp_path):
    networks = []

    def observe(record: RunRecord, network: nn.Module) -> RunRecord:
        networks.append(network)
        return record

    record = train(digits, KEY, BUDGET, tmp_path, CPU, observe, small)
    held_out = digits.evaluation
    with torch.no_grad():
        logits = networks[-1](normalisation(digits, CPU)(held_out.images)).double()
    scores, labels = record.epochs[-1].scores, held_out.labels
    np.testing.assert_array_equal(
        scores.confusion, confusion_matrix(labels, logits.argmax(1), labels=range(10))
    )
    for label, loss in enumerate(scores.losses):
        mine = labels == label
        wanted = nn.functional.cross_entropy(logits[mine], labels[mine])
        assert loss == pytest.approx(float(wanted), rel=1e-5)


def test_inputs_of_the_training_have_mean_0_and_deviation_1(digits):
    inputs = normalisation(digits, CPU)(digits.training.images)
    assert float(inputs.mean()) == pytest.approx(0, abs=1e-4)
    assert float(inputs.std(correction=0)) == pytest.approx(1, abs=1e-4)


def test_the_learning_rate_warms_up_and_falls_to_nothing_by_a_cosine():
    budget = Budget(epochs=11, learning_rate=0.4, warm_up_epochs=1)
    rates = [learning_rate(step, 10, budget) for step in range(110)]
    assert rates[:10] == pytest.approx([0.04 * step for step in range(1, 11)])
    assert rates[10] == 0.4
    assert rates[60] == pytest.approx(0.2)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.2 * (1 + math.cos(math.pi * 0.99)))


def test_a_budget_that_is_all_warm_up_has_a_learning_rate():
    budget = Budget(epochs=1, learning_rate=0.1, warm_up_epochs=5)
    assert learning_rate(3, 4, budget) == pytest.approx(0.1)


def test_what_normalises_and_biases_do_not_decay():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    decays = {
        tuple(parameter.shape): group["weight_decay"]
        for group in optimiser_of(network, BUDGET).param_groups
        for parameter in group["params"]
    }
    assert decays == {(2, 1, 3, 3): 5e-4, (2,): 0.0}


@pytest.mark.parametrize("device", [CPU, pytest.param(torch.device("cuda"), marks=pytest.mark.gpu)])
@pytest.mark.parametrize("gradient", RULES)
def test_mixed_precision_learns_repeats_itself_and_resumes(
    digits, tmp_path, device, gradient, monkeypatch
):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    key = KEY.model_copy(update={"gradient": gradient})
    budget = Budget(epochs=6, batch=64, mixed_precision=True)
    whole, rest = Kept(), Kept()
    record = train(digits, key, budget, tmp_path / "whole", device, whole, small)
    with pytest.raises(KeyboardInterrupt):
        train(digits, key, budget, tmp_path / "parts", device, Kept(interrupt_at=3), small)
    train(digits, key, budget, tmp_path / "parts", device, rest, small)
    assert_same_bits(whole, rest, 6)
    assert confusion.accuracy(np.array(record.epochs[-1].scores.confusion)) > 0.3
