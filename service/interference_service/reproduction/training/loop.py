"""Trains a network for a budget, so that the same key gives the same bits on a device."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from interference_service.reproduction.data.augmentation import AUGMENTATIONS
from interference_service.reproduction.data.datasets import Dataset, Images
from interference_service.reproduction.data.inputs import Normalisation, normalisation, on_device
from interference_service.reproduction.records import Budget, Epoch, RunKey, RunRecord
from interference_service.reproduction.training import gradients, networks, schedule, seeds
from interference_service.reproduction.training.checkpoints import Progress
from interference_service.reproduction.training.evaluation import evaluate
from interference_service.reproduction.training.losses import LOSSES

OnEpoch = Callable[[RunRecord, nn.Module], RunRecord]
Build = Callable[[RunKey, Dataset], nn.Module]


_HALF = {"cuda": torch.float16, "cpu": torch.bfloat16}


class TrainingDiverged(ArithmeticError):
    """A loss is NaN or infinite; the message says in which epoch."""


def train(
    dataset: Dataset,
    key: RunKey,
    budget: Budget,
    directory: Path,
    device: torch.device,
    on_epoch: OnEpoch,
    build: Build = networks.build,
) -> RunRecord:
    """Train a run, or go on where it was interrupted.

    Every epoch derives its order and its augmentation from the key's seed and its own number, so an
    interruption, which costs the epoch that it falls into, changes no bit of the outcome. On a GPU
    that holds if ``CUBLAS_WORKSPACE_CONFIG=:4096:8`` is in the environment.

    Args:
        dataset: Of the key.
        key: What to train.
        budget: For how long, and how.
        directory: Home of ``checkpoint.pt`` and ``record.json``; it is made.
        device: Where to compute.
        on_epoch: Called before the first epoch and after every one with the record so far and the
            network in evaluation mode; the record that it returns is kept.
        build: Makes the untrained network.

    Returns:
        The record of all epochs.

    Raises:
        CheckpointUnusable: The directory holds another training.
        TrainingDiverged: A loss is not finite any more.
    """
    with _reproducible(device):
        run = _Run.of(dataset, key, budget, device, build(key, dataset))
        record = run.progress.resume(directory, run.fresh_record(), device)
        while not record.finished:
            epoch = run.epoch(record.epochs[-1].epoch + 1) if record.epochs else run.untrained()
            record = record.model_copy(update={"epochs": (*record.epochs, epoch)})
            record = on_epoch(record, run.progress.network)
            run.progress.save(directory, record)
    return record


@dataclass(frozen=True, slots=True)
class _Run:
    dataset: Dataset
    key: RunKey
    budget: Budget
    device: torch.device
    progress: Progress
    training: Images
    evaluation: Images
    normalise: Normalisation
    counts: Tensor

    @classmethod
    def of(
        cls, dataset: Dataset, key: RunKey, budget: Budget, device: torch.device, network: nn.Module
    ) -> "_Run":
        network = network.to(device)
        scaled = budget.mixed_precision and _HALF[device.type] == torch.float16
        return cls(
            dataset,
            key,
            budget,
            device,
            Progress(
                network,
                schedule.optimiser_of(network, budget),
                torch.amp.GradScaler(device.type, enabled=scaled),
            ),
            on_device(dataset.training, device),
            on_device(dataset.evaluation, device),
            normalisation(dataset, device),
            torch.tensor(dataset.counts(dataset.training), device=device),
        )

    def fresh_record(self) -> RunRecord:
        return RunRecord(
            key=self.key,
            budget=self.budget,
            class_names=self.dataset.class_names,
            training_rows=self.dataset.counts(self.dataset.training),
            evaluation_rows=self.dataset.counts(self.dataset.evaluation),
            parameters=sum(each.numel() for each in self.progress.network.parameters()),
            device=device_name(self.device),
        )

    def untrained(self) -> Epoch:
        return self._evaluated(0, time.monotonic(), None, None)

    def epoch(self, number: int) -> Epoch:
        """Train one epoch, and evaluate after it."""
        started = time.monotonic()
        self.progress.network.train()
        order = torch.randperm(
            len(self.training), generator=seeds.generator("order", self.key.seed, number)
        )
        # Batches differ by a row at most: none is so small that it has no variance to normalise by.
        steps = math.ceil(len(order) / self.budget.batch)
        chance = seeds.generator("chance", self.key.seed, number)
        total, rate = torch.zeros((), dtype=torch.float64, device=self.device), 0.0
        torch.manual_seed(seeds.derived("dropout", self.key.seed, number))
        for step, rows in enumerate(order.tensor_split(steps)):
            rate = schedule.learning_rate((number - 1) * steps + step, steps, self.budget)
            schedule.set_learning_rate(self.progress.optimiser, rate)
            total += self._step(rows.to(self.device), chance)
        mean = float(total) / len(order)
        if not math.isfinite(mean):
            raise TrainingDiverged(
                f"the loss of epoch {number} of {self.key.slug} is {mean}; try a learning rate "
                f"below {self.budget.learning_rate:g}"
            )
        return self._evaluated(number, started, mean, rate)

    def _step(self, rows: Tensor, chance: torch.Generator) -> Tensor:
        """One step; returns the sum of the rows' losses."""
        images, labels = self.training.images[rows], self.training.labels[rows]
        if self.budget.augment:
            images = AUGMENTATIONS[self.key.dataset](images, chance)
        network, optimiser = self.progress.network, self.progress.optimiser
        scaler = self.progress.scaler
        with self._precision():
            logits = network(self.normalise(images))
        losses = LOSSES[self.key.loss](logits.float(), labels, self.counts)
        optimiser.zero_grad()
        parameters = list(network.parameters())
        gradients.backward(losses, labels, parameters, self.key.gradient, chance, scaler)
        scaler.step(optimiser)
        scaler.update()
        return losses.detach().double().sum()

    def _precision(self) -> torch.autocast:
        kind = self.device.type
        return torch.autocast(kind, _HALF[kind], enabled=self.budget.mixed_precision)

    def _evaluated(
        self, number: int, started: float, loss: float | None, rate: float | None
    ) -> Epoch:
        with self._precision():
            scores, attention = evaluate(
                self.progress.network,
                self.evaluation,
                self.normalise,
                len(self.dataset.class_names),
            )
        return Epoch(
            epoch=number,
            seconds=time.monotonic() - started,
            training_loss=loss,
            learning_rate=rate,
            scores=scores,
            attention=attention,
        )


@contextmanager
def _reproducible(device: torch.device) -> Iterator[None]:
    """Leave the caller's chance alone, and have a GPU add in one order; a CPU does anyway."""
    if device.type != "cuda":
        with torch.random.fork_rng(devices=[]):
            yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    lenient = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with torch.random.fork_rng(devices=[device]):
            yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=lenient)


def device_name(device: torch.device) -> str:
    """What a record calls a device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
