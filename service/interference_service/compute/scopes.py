"""Worker side of the findings: of the scopes first, then of the layers within them.

With many classes the estimates of one layer take much memory, so no process has those of all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from interference_service.compute.reduction import LayerPart, ScopeSums, by_layer
from interference_service.core.analysis import LayerFindings, layer_findings
from interference_service.core.scope import Scope, Setting, scope_of
from interference_service.domain.result import Matrix
from interference_service.errors import InputUnsupported

LayerMatrices: TypeAlias = dict[str, Mapping[str, Matrix]]
"""Matrices of layers, by the layer's name and the metric."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """Estimates of the scopes.

    Attributes:
        shared: All layers but the class head.
        everything: All layers; the same object where there is no head.
    """

    shared: Scope
    everything: Scope


def shared_scope(sums: ScopeSums, setting: Setting) -> Scope:
    """Estimates of the layers that all classes use (Mathematics §1).

    Raises:
        InputUnsupported: There are none.
    """
    if sums.shared is None:
        raise InputUnsupported.at(
            "options.head", "leaves no layer that the classes share; name another head, or none"
        )
    return scope_of(sums.shared, setting)


def scopes_of(sums: ScopeSums, setting: Setting) -> Scopes:
    """Estimates of both scopes.

    Args:
        sums: Of all layers.
        setting: Priors, minorities and levels.

    Raises:
        InputUnsupported: No layer is shared by the classes.
    """
    shared, everything = shared_scope(sums, setting), sums.everything
    if sums.head is None or everything is None:
        return Scopes(shared, shared)
    return Scopes(shared, scope_of(everything, setting))


@dataclass(frozen=True, slots=True)
class LayerTask:
    """What is known of the layers of a block.

    Attributes:
        names: Of all layers of the model.
        parameter_norms: ‖θ^l‖ of all of them.
    """

    names: tuple[str, ...]
    parameter_norms: tuple[float, ...]


def find_in_layers(
    task: LayerTask, scopes: Scopes, parts: Sequence[LayerPart]
) -> tuple[list[LayerFindings], LayerMatrices]:
    """Say what the statistics of some layers mean.

    Args:
        task: What is known of the layers.
        scopes: Of all layers.
        parts: Statistics of whole layers.

    Returns:
        The findings without their matrices, and for every layer its matrices by metric.
    """
    findings: list[LayerFindings] = []
    matrices: LayerMatrices = {}
    for index, statistics in by_layer(parts).items():
        name, norm = task.names[index], task.parameter_norms[index]
        found = layer_findings(scopes.shared, statistics, name, norm)
        findings.append(replace(found, pairs={}))
        matrices[name] = found.pairs
    return findings, matrices
