"""Data references: one file per format, one line each in ``SOURCES``."""

from collections.abc import Callable
from types import MappingProxyType

from interference_service.domain.specification import DataFormat, DataReference
from interference_service.errors import InputUnsupported
from interference_service.references.data.comma_separated import CsvSource
from interference_service.references.data.image_folder import ImageFolderSource
from interference_service.references.data.ipc import ArrowSource
from interference_service.references.data.json_lines import JsonLinesSource
from interference_service.references.data.npz import NpzSource
from interference_service.references.data.parquet import ParquetSource
from interference_service.references.data.safetensors import SafetensorsSource
from interference_service.references.data.source import DataSource
from interference_service.references.data.webdataset import WebDatasetSource
from interference_service.references.stores import Stores

SOURCES: "MappingProxyType[DataFormat, Callable[[DataReference, Stores], DataSource]]" = (
    MappingProxyType(
        {
            DataFormat.PARQUET: ParquetSource,
            DataFormat.ARROW: ArrowSource,
            DataFormat.CSV: CsvSource,
            DataFormat.JSONL: JsonLinesSource,
            DataFormat.IMAGE_FOLDER: ImageFolderSource,
            DataFormat.WEBDATASET: WebDatasetSource,
            DataFormat.NPZ: NpzSource,
            DataFormat.SAFETENSORS: SafetensorsSource,
        }
    )
)


def open_data(reference: DataReference, stores: Stores) -> DataSource:
    """The data that a reference names.

    Raises:
        InputUnsupported: Its format is not offered.
        InputUnavailable: A file is missing, unreadable or changed.
    """
    source = SOURCES.get(reference.format)
    if source is None:
        offered = ", ".join(SOURCES)
        raise InputUnsupported.at("data.format", f"is {reference.format}; offered are {offered}")
    return source(reference, stores)
