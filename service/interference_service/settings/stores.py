"""A store as an operator describes it."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    Discriminator,
    Field,
    Tag,
)

from interference_service.references.stores.description import (
    GcsDescription,
    S3Description,
)

StoreName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]


def _kind_of_store(value: Any) -> str | None:
    if isinstance(value, str | Path):
        return "directory"
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) else None


StoreSetting = Annotated[
    Annotated[Path, Tag("directory")]
    | Annotated[S3Description, Tag("s3")]
    | Annotated[GcsDescription, Tag("gcs")],
    Discriminator(
        _kind_of_store,
        custom_error_type="kind_of_store",
        custom_error_message="A store is a directory, or an object whose kind is s3 or gcs",
    ),
]
