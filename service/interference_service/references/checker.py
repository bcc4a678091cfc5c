"""Looks whether what a specification points at is there and can be read, without reading it."""

from interference_service.domain.specification import (
    AnalysisSpecification,
    DataFormat,
    ModelFormat,
)
from interference_service.errors import InputUnsupported
from interference_service.references.registry import ModelRegistry, resolve_model
from interference_service.references.stores import Stores

MODEL_FORMATS = (
    ModelFormat.TORCH_EXPORT,
    ModelFormat.STATE_DICT,
    ModelFormat.CHECKPOINT,
    ModelFormat.HUGGING_FACE,
)
"""Those that are read; ``MODEL_FORMAT_MLFLOW`` becomes one of them before."""
DATA_FORMATS = (
    DataFormat.PARQUET,
    DataFormat.ARROW,
    DataFormat.CSV,
    DataFormat.JSONL,
    DataFormat.IMAGE_FOLDER,
    DataFormat.WEBDATASET,
    DataFormat.NPZ,
    DataFormat.SAFETENSORS,
)


class StoreReferenceChecker:
    """Checks formats and existence; imports no torch, so that the service's process stays light."""

    def __init__(self, stores: Stores, registry: ModelRegistry | None = None) -> None:
        """Check nothing yet.

        Args:
            stores: The operator's stores.
            registry: The operator's registry of models, if there is one.
        """
        self._stores = stores
        self._registry = registry

    def check(self, specification: AnalysisSpecification) -> None:
        """See ``ports.ReferenceChecker.check``."""
        model = resolve_model(specification.model, self._stores, self._registry).reference
        data = specification.data
        if model.format not in MODEL_FORMATS:
            raise _unsupported("model.format", model.format, MODEL_FORMATS)
        if data.format not in DATA_FORMATS:
            raise _unsupported("data.format", data.format, DATA_FORMATS)
        self._stores.policy.check(model)
        self._stores.check(model.uri, "model.uri")
        for index, uri in enumerate(data.uris):
            self._stores.check(uri, f"data.uris[{index}]")
        for index, each in enumerate(data.inputs):
            if each.image is not None and each.image.preprocessor_uri:
                field = f"data.inputs[{index}].image.preprocessor_uri"
                self._stores.check(each.image.preprocessor_uri, field)


def _unsupported(field: str, found: str, offered: tuple[str, ...]) -> Exception:
    return InputUnsupported.at(
        field, f"is {found}, which this server does not offer; it offers {', '.join(offered)}"
    )
