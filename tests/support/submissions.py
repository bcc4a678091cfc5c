"""Submissions against the files of ``support.examples``."""

from typing import Any

from interference_client import Client, Job, ModelReference, Options, ParquetData, tensor

SPECIFICATION = {
    "model": {"uri": "data://mlp.pt2", "format": "MODEL_FORMAT_TORCH_EXPORT"},
    "data": {
        "uris": ["data://rows.parquet"],
        "format": "DATA_FORMAT_PARQUET",
        "label_column": "label",
        "inputs": [{"name": "input", "tensor": {"column": "x", "shape": [1, 6, 6]}}],
    },
}
"""An analysis of ``mlp.pt2`` on ``rows.parquet``, as it is written on the wire."""


def rows(name: str = "rows.parquet", **changes: Any) -> ParquetData:
    """The rows of an example as the argument ``input`` of its model."""
    shape = changes.pop("shape", (1, 6, 6))
    return ParquetData(
        f"data://{name}",
        **{"label": "label", "inputs": {"input": tensor("x", shape=shape)}} | changes,
    )


def slow_rows() -> ParquetData:
    """The rows of the slow example."""
    return rows("slow.parquet", shape=(1, 24, 24))


def submit(client: Client, **changes: Any) -> Job:
    """Submit a job on an example."""
    return client.submit(
        **{
            "model": ModelReference("data://mlp.pt2"),
            "data": rows(),
            "options": Options(folds=4),
        }
        | changes
    )


def submit_slow(client: Client, **changes: Any) -> Job:
    """Submit a job that takes many seconds."""
    slow = {"model": ModelReference("data://slow.pt2"), "data": slow_rows()}
    return submit(client, **slow | changes)


def submit_brief(client: Client, **changes: Any) -> Job:
    """Submit a job of some seconds, with units enough to be seen at one."""
    return submit_slow(client, data=rows("brief.parquet", shape=(1, 24, 24)), **changes)
