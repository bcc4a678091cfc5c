"""Analyses without a service, on rows in memory: mathematics, summary, and what scrapes show."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import numpy as np
import torch
from prometheus_client.samples import Sample
from torch import nn
from torch.nn import functional

from interference_service.compute.context import Inspection
from interference_service.compute.plan import units_of
from interference_service.compute.scopes import Scopes
from interference_service.compute.summary import SummaryTask, summarise
from interference_service.core.analysis import layer_findings, shared_statistics
from interference_service.core.folds import FoldLayout, fold_layout
from interference_service.core.layers import layers_of
from interference_service.core.minorities import minority_mask, priors
from interference_service.core.scope import Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from interference_service.domain.job import ResolvedInputs
from interference_service.domain.result import Analysis
from interference_service.jobs.previous import with_changes
from interference_service.store.artifacts import MemoryArtifactStore
from interference_service.store.memory import MemoryJobStore
from interference_service.telemetry.results import ResultCollector
from support.examples import Example, class_order
from support.jobs import START, FixedClock, job, specification, succeed

FOLDS = 8


def analysed(model: nn.Module, rows: Example, class_names: Sequence[str]) -> Analysis:
    """What the service finds in a network that is used by all rows of a batch alike."""
    shapes = {name: tuple(each.shape) for name, each in model.named_parameters()}
    layers = layers_of(shapes, num_outputs=len(class_names))
    counts = np.bincount(rows.labels, minlength=len(class_names))
    layout = fold_layout(counts, FOLDS)
    means = _means_of_folds(model, rows, layout)
    blocks = np.split(means, np.cumsum([each.parameter_count for each in layers])[:-1], axis=1)
    statistics = [sufficient_statistics(layout, block) for block in blocks]
    π = priors(counts)
    setting = Setting(π, minority_mask(π))
    shared = scope_of(shared_statistics(statistics, layers), setting)
    everything = scope_of(sum(statistics[1:], start=statistics[0]), setting)
    task = SummaryTask(
        specification=specification(),
        inspection=Inspection(shapes, _squared_norms(model), len(class_names), 0, ()),
        resolved=ResolvedInputs(
            model_digest="", data_digest="", class_count=0, layer_count=0, row_count=0, rows_used=0
        ),
        layers=tuple(layers),
        setting=setting,
        class_ids=tuple(class_names),
        rows_used=counts,
        rows_in_data=counts,
        engine_version="test",
        device="cpu",
        sampling_outcome="ALL_ROWS",
        rounds=1,
        sketch_width=0,
    )
    found = [
        layer_findings(shared, each, layer.name, 1.0)
        for each, layer in zip(statistics, layers, strict=True)
    ]
    return summarise(task, Scopes(shared, everything), [found])


def scrapes(monitor: str, analyses: Iterable[Analysis]) -> list[list[Sample]]:
    """What is scraped after each of the analyses, which are versions of one monitor."""
    store, artifacts, now = MemoryJobStore(FixedClock()), MemoryArtifactStore(), START
    collector = ResultCollector(store, artifacts, seconds=START.timestamp)
    found = []
    for number, analysis in enumerate(analyses):
        now += timedelta(hours=1)
        version = f"v{number}"
        wanted = job(version, spec=specification(monitor=monitor, version=version))
        previous = store.latest_of(wanted.project, monitor)
        result = with_changes(artifacts, wanted, analysis.result, previous)
        # Written under the number of the attempt that is about to succeed.
        running = wanted.model_copy(update={"attempt": 1})
        artifacts.write(running, result, analysis.matrices)
        succeed(store, wanted, now)
        found.append([sample for family in collector.collect() for sample in family.samples])
    return found


def _means_of_folds(model: nn.Module, rows: Example, layout: FoldLayout) -> np.ndarray:
    """Mean gradient of every fold of every class. Has shape ``[R, P]``."""
    order = class_order(rows.labels)
    means = [np.empty(0)] * layout.num_segments
    for unit in units_of(layout, len(order), layout.num_segments):
        for segment in unit.segments:
            chosen = torch.from_numpy(order[segment.rows])
            loss = functional.cross_entropy(model(rows.inputs[chosen]), rows.labels[chosen])
            parts = torch.autograd.grad(loss, list(model.parameters()))
            means[segment.index] = torch.cat([each.reshape(-1) for each in parts]).double().numpy()
    return np.stack(means)


def _squared_norms(model: nn.Module) -> dict[str, float]:
    return {name: float(each.detach().square().sum()) for name, each in model.named_parameters()}
