"""Rows in files of every format but Parquet."""

from collections.abc import Callable
from typing import Any

from hostile.reference import HostileReference, Site, Submission
from interference_client import (
    ArrowData,
    CsvData,
    ImageFolderData,
    JsonlData,
    NpzData,
    SafetensorsData,
    WebDatasetData,
    columns,
    image,
    tensor,
)
from interference_service.errors import InputUnavailable

_X: dict[str, Any] = {"inputs": {"x": tensor("x")}, "label": "label"}
_FOUR = {"inputs": {"x": columns(["a", "b", "c", "d"])}, "label": "label"}
FOLDER = {"inputs": {"x": image("image", mode="grey", size=(2, 2))}, "label": "label"}
_SAMPLES = {"inputs": {"x": image("png", mode="grey", size=(2, 2))}, "label": "cls"}
_TABLES: dict[type, tuple[str, dict[str, Any]]] = {
    ArrowData: ("rows.arrow", _X),
    CsvData: ("rows.csv", _FOUR),
    JsonlData: ("rows.jsonl", _X),
    ImageFolderData: ("rows/", FOLDER),
    NpzData: ("rows.npz", _X),
    SafetensorsData: ("rows.safetensors", _X),
    WebDatasetData: ("rows.tar", _SAMPLES),
}
Content = Callable[[Site], bytes]


def rows(
    kind: type,
    name: str,
    content: Content,
    words: str,
    error: type | None = InputUnavailable,
    **more: object,
) -> HostileReference:
    """Rows in a file of a format."""
    file, given = _TABLES[kind]

    def builds(site: Site) -> Submission:
        site.path(file).write_bytes(content(site))
        return site.rows(kind(site.uri(file), **given))

    return HostileReference(
        name, builds, error, **({"field": "data.uris[0]", "words": words} | more)
    )
