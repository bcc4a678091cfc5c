"""Analyses of models that a registry names.

The registry is asked in the service's own process, which alone has its token; what runs on the
cluster sees a file of a store.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from interference_service.domain.job import Job, Progress, ResolvedInputs
from interference_service.domain.ports import Cancellation, Executor, Preflight
from interference_service.domain.result import Analysis
from interference_service.domain.specification import AnalysisSpecification
from interference_service.references.registry import ModelRegistry, resolve_model
from interference_service.references.stores import Stores


class Compute(Executor, Preflight, Protocol):
    """Runs and tries analyses."""


class RegisteredModels:
    """Runs and tries analyses of models that are in a registry, or not; see ``ports.Executor``.

    A registry is asked once at the start of every attempt, so that all of an analysis sees one
    version of the model, whatever becomes of an alias meanwhile.
    """

    def __init__(self, compute: Compute, stores: Stores, registry: ModelRegistry | None) -> None:
        """Ask nothing yet.

        Args:
            compute: Analyses models in stores.
            stores: The operator's stores.
            registry: The operator's registry, if there is one.
        """
        self._compute = compute
        self._stores = stores
        self._registry = registry

    def run(
        self, job: Job, report: Callable[[Progress], None], cancellation: Cancellation
    ) -> Analysis:
        """See ``ports.Executor.run``."""
        specification, version = self._resolved(job.specification)
        found = job.model_copy(update={"specification": specification})
        analysis = self._compute.run(found, report, cancellation)
        return replace(analysis, resolved_inputs=_with(version, analysis.resolved_inputs))

    def check(
        self, specification: AnalysisSpecification, cancellation: Cancellation
    ) -> ResolvedInputs:
        """See ``ports.Preflight.check``."""
        found, version = self._resolved(specification)
        return _with(version, self._compute.check(found, cancellation))

    def _resolved(self, specification: AnalysisSpecification) -> tuple[AnalysisSpecification, str]:
        found = resolve_model(specification.model, self._stores, self._registry)
        return specification.model_copy(update={"model": found.reference}), found.version


def _with(version: str, resolved: ResolvedInputs) -> ResolvedInputs:
    return resolved.model_copy(update={"model_version": version}) if version else resolved
