"""InfraredSolarModules as Raptor Maps publishes it: a table of pictures and their anomalies."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from interference_service.reproduction.data.layouts.errors import DatasetUnreadable
from interference_service.reproduction.data.layouts.rows import Found, labelled

TABLE = "module_metadata.json"
DESCRIPTION = f"{TABLE} with the pictures that it names"


class _Module(BaseModel):
    image_filepath: Annotated[str, Field(min_length=1)]
    anomaly_class: Annotated[str, Field(min_length=1)]


_MODULES = TypeAdapter(dict[str, _Module])


def present(directory: Path) -> bool:
    """Whether a directory has the table."""
    return (directory / TABLE).is_file()


def read(directory: Path) -> Found:
    """All pictures that the table names.

    Raises:
        DatasetUnreadable: The table is damaged, or names a file that is elsewhere or nowhere.
    """
    table = directory / TABLE
    try:
        modules = _MODULES.validate_json(table.read_bytes())
    except ValidationError as error:
        raise DatasetUnreadable(f"{table} is no table of modules: {error}") from error
    home, listed = directory.resolve(), list(modules.values())
    paths = [(home / each.image_filepath).resolve() for each in listed]
    for path in paths:
        if not (path.is_relative_to(home) and path.is_file()):
            raise DatasetUnreadable(f"{table} names {path}, which is no file below {home}")
    sources = [each.image_filepath for each in listed]
    names = [each.anomaly_class for each in listed]
    return Found(labelled(paths, names, sources, directory))
