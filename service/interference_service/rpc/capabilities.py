"""What a server can do, by names that a client may ask for."""

from collections.abc import Collection

from interference.v1 import analysis_job_pb2, analysis_result_pb2

_CHOICES = (
    analysis_job_pb2.ModelFormat,
    analysis_job_pb2.DataFormat,
    analysis_job_pb2.LossKind,
    analysis_job_pb2.EngineKind,
    analysis_job_pb2.Precision,
    analysis_result_pb2.ElementType,
)


def capabilities(refused: Collection[str] = ()) -> tuple[str, ...]:
    """Formats, losses, engines, precisions and element types, such as ``torch_export``, sorted.

    Args:
        refused: Values of the contract that this server does not take, by their names.
    """
    found: set[str] = set()
    for choice in _CHOICES:
        unset, *names = choice.keys()
        prefix = unset.removesuffix("UNSPECIFIED")
        found.update(name.removeprefix(prefix).lower() for name in names if name not in refused)
    return tuple(sorted(found))
