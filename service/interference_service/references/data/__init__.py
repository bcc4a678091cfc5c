"""Data references: one file per format, one line each in ``SOURCES``."""

from collections.abc import Callable
from types import MappingProxyType

from interference_service.domain.specification import DataFormat, DataReference
from interference_service.errors import InputUnsupported
from interference_service.references.data.parquet import ParquetSource
from interference_service.references.data.source import DataSource
from interference_service.references.stores import Stores

SOURCES: "MappingProxyType[DataFormat, Callable[[DataReference, Stores], DataSource]]" = (
    MappingProxyType({DataFormat.PARQUET: ParquetSource})
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
