"""Looks whether what a specification points at is there and can be read, without reading it."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from interference_service.domain.ports import Cancellation
from interference_service.domain.specification import (
    AnalysisSpecification,
    DataFormat,
    ModelFormat,
)
from interference_service.errors import Cancelled, InputUnsupported, Overloaded
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

CHECKS_AT_ONCE = 128
"""Each waits for the answer of a store most of the time."""
LOOKS_AT_A_STORE = 32
"""How many of them may wait for the same one."""


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
        self._looks: Counter[str] = Counter()
        self._lock = threading.Lock()

    def check(self, specification: AnalysisSpecification, cancellation: Cancellation) -> None:
        """See ``ports.ReferenceChecker.check``."""

        def look(uri: str, field: str) -> None:
            if cancellation.is_set():
                raise Cancelled("nobody waits for the answer any more")
            with self._looking_at(uri):
                self._stores.check(uri, field)

        with self._looking_at(specification.model.uri):
            resolved = resolve_model(specification.model, self._stores, self._registry)
        model = resolved.reference
        data = specification.data
        if model.format not in MODEL_FORMATS:
            raise _unsupported("model.format", model.format, MODEL_FORMATS)
        if data.format not in DATA_FORMATS:
            raise _unsupported("data.format", data.format, DATA_FORMATS)
        self._stores.policy.check(model)
        look(model.uri, "model.uri")
        for index, uri in enumerate(data.uris):
            look(uri, f"data.uris[{index}]")
        for index, each in enumerate(data.inputs):
            if each.image is not None and each.image.preprocessor_uri:
                field = f"data.inputs[{index}].image.preprocessor_uri"
                look(each.image.preprocessor_uri, field)

    @contextmanager
    def _looking_at(self, uri: str) -> Iterator[None]:
        """Take a place of the store, of which one that hangs keeps all, and none of the others'."""
        store = uri.partition(":")[0]
        with self._lock:
            if self._looks[store] >= LOOKS_AT_A_STORE:
                raise Overloaded(
                    f"{LOOKS_AT_A_STORE} submissions wait for the store {store!r}, as many as this "
                    "server lets wait at once; try again in a moment"
                )
            self._looks[store] += 1
        try:
            yield
        finally:
            with self._lock:
                self._looks[store] -= 1
                self._looks += Counter()  # without those that are 0


def _unsupported(field: str, found: str, offered: tuple[str, ...]) -> Exception:
    return InputUnsupported.at(
        field, f"is {found}, which this server does not offer; it offers {', '.join(offered)}"
    )
