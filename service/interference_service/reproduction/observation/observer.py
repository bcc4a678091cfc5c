"""Asks a service about networks while they are trained, as a user's training would."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import nn

from interference_client import (
    Client,
    InterferenceError,
    Job,
    ModelReference,
    Options,
    ParquetData,
    Unavailable,
    image,
)
from interference_service.demo.server import ServiceDied, running_service
from interference_service.reproduction.data.datasets import Dataset
from interference_service.reproduction.observation.findings import analysis_of
from interference_service.reproduction.observation.handover import write_rows, write_weights
from interference_service.reproduction.plan import NETWORKS, analysed_epochs, architecture_of
from interference_service.reproduction.records import Analysis, RunKey, RunRecord
from interference_service.reproduction.stored import directory_of
from interference_service.reproduction.training.losses import class_balanced_weights

STORE = "reproduction"
"""What the service must call the directory of the experiment."""
FOLDS = 8
MAX_ROWS_PER_CLASS = 400
_LONGEST = timedelta(minutes=15)
_GRACE_SECONDS = 60.0
_CANCEL_SECONDS = 5.0
_LONGEST_MONITOR = 63
_DIGEST = 8

Watch = Callable[[RunRecord, nn.Module], RunRecord]


class ServiceUnusable(RuntimeError):
    """There is no service to ask; the message says why, and what to do."""


class Observer:
    """Has networks analysed; one service is started, when the first is, unless one is named.

    A failed analysis is told once and left out: the training matters more, and ``made_up`` has it
    made later of the weights that were kept.

    Args:
        out: Directory of the experiment.
        target: ``host:port`` of a service whose store ``reproduction`` is that directory; None: one
            of its own.
        tell: Takes a note for people.
        device: Where a service of its own computes: ``auto`` or ``cpu``.
    """

    def __init__(
        self, out: Path, target: str | None, tell: Callable[[str], None], device: str = "auto"
    ) -> None:
        self._out, self._target, self._tell, self._device = out, target, tell, device
        self._parts = ExitStack()
        self._client: Client | None = None
        self._lost = False
        self._told: set[tuple[type, str]] = set()
        self._written: set[Path] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._parts.close()

    def watching(self, dataset: Dataset) -> Watch:
        """What a training on the data set calls after every epoch."""

        def watch(record: RunRecord, network: nn.Module) -> RunRecord:
            epoch = record.epochs[-1].epoch
            if epoch not in analysed_epochs(record.budget):
                return record
            path = self._weights(record.key, epoch)
            write_weights(network, record.key.loss, record.training_rows, path)
            return self._analysed(record, dataset, epoch)

        return watch

    def made_up(self, record: RunRecord, dataset: Dataset) -> Iterator[RunRecord]:
        """Make the analyses that a record lacks, of the weights that were kept.

        Yields:
            The record with one more, or as it was where that failed.
        """
        for epoch in self.missing(record):
            record = self._analysed(record, dataset, epoch)
            yield record

    def missing(self, record: RunRecord) -> list[int]:
        """Epochs whose analysis is due and not there, though their weights are."""
        there = {each.epoch for each in record.analyses}
        return [
            epoch
            for epoch in analysed_epochs(record.budget)
            if epoch not in there and self._weights(record.key, epoch).exists()
        ]

    def _weights(self, key: RunKey, epoch: int) -> Path:
        return directory_of(self._out, key) / "epochs" / f"{epoch}.safetensors"

    def _analysed(self, record: RunRecord, dataset: Dataset, epoch: int) -> RunRecord:
        if self._lost:
            return record
        client = self._connected()
        try:
            found = self._analysis(client, record, dataset, epoch)
        except InterferenceError as error:
            self._lost = isinstance(error, Unavailable)
            self._note(error, f"The analysis of {record.key.slug}, epoch {epoch}, failed: {error}")
            return record
        analyses = sorted([*record.analyses, found], key=lambda each: each.epoch)
        return record.model_copy(update={"analyses": tuple(analyses)})

    def _note(self, error: InterferenceError, text: str) -> None:
        why = type(error), error.reason
        if why not in self._told:
            self._told.add(why)
            self._tell(f"{text.rstrip('.')}. All else goes on; the same command makes up for it.")

    def _analysis(
        self, client: Client, record: RunRecord, dataset: Dataset, epoch: int
    ) -> Analysis:
        started = time.monotonic()
        job = client.submit(
            model=self._model(record, dataset, epoch),
            data=self._data(record, dataset),
            options=Options(folds=FOLDS, minorities=record.minorities),
            max_run_duration=_LONGEST,
        )
        _await(job)
        return analysis_of(
            job.result(), epoch=epoch, job=job.name, seconds=time.monotonic() - started
        )

    def _model(self, record: RunRecord, dataset: Dataset, epoch: int) -> ModelReference:
        _, channels, height, width = dataset.training.images.shape
        path = self._weights(record.key, epoch).relative_to(self._out)
        architecture, others = architecture_of(record.key.network)
        return ModelReference(
            f"{STORE}://{path.as_posix()}",
            "state_dict",
            monitor=monitor_of(record.key),
            version=f"epoch {epoch}",
            architecture=architecture,
            architecture_arguments={
                "height": height,
                "width": width,
                "channels": channels,
                "classes": len(dataset.class_names),
                **others,
            },
        )

    def _data(self, record: RunRecord, dataset: Dataset) -> ParquetData:
        """The training rows, with the weights that the loss gives their classes."""
        balanced, counts = record.key.loss == "class_balanced", torch.tensor(record.training_rows)
        grey = dataset.training.images.shape[1] == 1
        return ParquetData(
            f"{STORE}://{self._rows(record.key, dataset).relative_to(self._out).as_posix()}",
            label="label",
            inputs={
                "x": image(
                    "image",
                    mode="grey" if grey else "RGB",
                    mean=dataset.mean,
                    std=dataset.deviation,
                )
            },
            class_names=dataset.class_names,
            class_weights=class_balanced_weights(counts).tolist() if balanced else (),
            max_rows_per_class=MAX_ROWS_PER_CLASS,
        )

    def _rows(self, key: RunKey, dataset: Dataset) -> Path:
        cut = "" if key.imbalance is None else f"-{key.imbalance:g}"
        path = self._out / "rows" / f"{key.dataset}{cut}-seed{key.seed}.parquet"
        if path not in self._written:
            write_rows(dataset.training, path)
            self._written.add(path)
        return path

    def _connected(self) -> Client:
        if self._client is None:
            target = self._target or self._started()
            client = self._parts.enter_context(Client(target))
            try:
                client.server_info()
            except InterferenceError as error:
                raise ServiceUnusable(
                    f"the service at {target} does not answer: {error}"
                ) from error
            self._client = client
        return self._client

    def _started(self) -> str:
        home = self._out / "service"
        home.mkdir(parents=True, exist_ok=True)
        settings = {
            "INTERFERENCE_ARCHITECTURES": json.dumps(
                sorted({architecture_of(each)[0] for each in NETWORKS})
            ),
            "INTERFERENCE_COMPUTE__DEVICE": self._device,
        }
        try:
            running = self._parts.enter_context(running_service(home, {STORE: self._out}, settings))
        except ServiceDied as error:
            raise ServiceUnusable(str(error)) from error
        return running.grpc


def _await(job: Job) -> None:
    """Wait for a job within bounds; one that is not waited for any more is ended."""
    try:
        job.wait(timeout=_LONGEST.total_seconds() + _GRACE_SECONDS)
    except BaseException:
        with suppress(InterferenceError):
            job.cancel("not waited for any more", timeout=_CANCEL_SECONDS)
        raise


def monitor_of(key: RunKey) -> str:
    """The monitor of a training: its name, which is cut and told apart by a digest if too long."""
    if len(key.slug) <= _LONGEST_MONITOR:
        return key.slug
    digest = hashlib.sha256(key.slug.encode()).hexdigest()[:_DIGEST]
    return f"{key.slug[: _LONGEST_MONITOR - _DIGEST - 1]}-{digest}"
