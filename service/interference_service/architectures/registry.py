"""Networks by name: ours, and those of packages that the operator installed."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

from interference_service.architectures.architecture import Architecture
from interference_service.architectures.branch_attention import CsbaCnn, SharedAttentionCnn
from interference_service.architectures.mlp import Mlp
from interference_service.architectures.multi_branch_cnn import MultiBranchCnn
from interference_service.architectures.plain_cnn import PlainCnn
from interference_service.architectures.residual_cnn import ResidualCnn
from interference_service.errors import InputUnsupported

GROUP = "gradient_interference.architectures"
"""Group of the entry points of other packages."""
OURS: Mapping[str, Architecture[Any]] = MappingProxyType(
    {
        "csba_cnn": CsbaCnn(),
        "mlp": Mlp(),
        "multi_branch_cnn": MultiBranchCnn(),
        "plain_cnn": PlainCnn(),
        "residual_cnn": ResidualCnn(),
        "shared_attention_cnn": SharedAttentionCnn(),
    }
)
"""One line for each of ours."""

_FIELD = "model.architecture"


def architecture(name: str) -> Architecture[Any]:
    """The network of a name that the operator listed.

    Raises:
        InputUnsupported: No installed package brings it.
    """
    return OURS[name] if name in OURS else _of_a_package(name)


def _of_a_package(name: str) -> Architecture[Any]:
    entries = tuple(entry_points(group=GROUP, name=name))
    if len(entries) != 1:
        raise InputUnsupported.at(
            _FIELD,
            f"is {name!r}, which {len(entries)} packages of a worker bring as an entry point of "
            f"{GROUP!r}; exactly one must be installed on every node: ask the operator",
        )
    try:
        found = entries[0].load()
    except Exception as error:
        raise InputUnsupported.at(
            _FIELD,
            f"is {name!r}, whose package cannot be imported on a worker: "
            f"{str(error).partition(chr(10))[0][:200]}; ask the operator",
        ) from error
    lacking = [
        each for each in ("arguments", "build", "example_inputs") if not hasattr(found, each)
    ]
    if lacking:
        raise InputUnsupported.at(
            _FIELD, f"is {name!r}, whose entry point lacks {', '.join(lacking)}; ask the operator"
        )
    return found  # type: ignore[no-any-return]
