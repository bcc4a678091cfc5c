"""Which layout of a set lies in a directory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from interference_service.reproduction.data.layouts import (
    cifar_batches,
    folders,
    infrared_metadata,
    parquet,
)
from interference_service.reproduction.data.layouts.errors import DatasetMissing
from interference_service.reproduction.data.layouts.rows import Found


class Layout(Protocol):
    """A module that reads one layout."""

    DESCRIPTION: str

    def present(self, directory: Path, /) -> bool:
        """Whether it lies in a directory."""
        ...

    def read(self, directory: Path, /) -> Found:
        """What lies in a directory."""
        ...


LAYOUTS: Mapping[str, Sequence[Layout]] = {
    "cifar10-lt": (parquet, cifar_batches, folders),
    "solar-panels": (parquet, folders),
    "infrared-solar-modules": (parquet, infrared_metadata, folders),
}
"""By set, in the order in which they are looked for."""
HOMES: Mapping[str, Sequence[str]] = {
    "cifar10-lt": ("cifar10", "cifar-10-batches-py"),
    "solar-panels": ("solar_panels", "Faulty_solar_panel"),
    "infrared-solar-modules": ("infrared_solar_modules", "InfraredSolarModules"),
}
"""Folders that a set may lie in, besides the directory itself."""


def find(name: str, data: Path) -> tuple[Layout, Path]:
    """The layout of a set in a directory, and the folder that it lies in.

    Raises:
        DatasetMissing: There is none.
    """
    places = (*(data / home for home in HOMES[name]), data)
    for folder in places:
        for layout in LAYOUTS[name]:
            if folder.is_dir() and layout.present(folder):
                return layout, folder
    wanted = "".join(f"\n  - {each.DESCRIPTION}" for each in LAYOUTS[name])
    raise DatasetMissing(
        f"{name} was not found in any of {', '.join(map(str, places))}; looked for was{wanted}"
    )
