"""What every model format offers, and the format that is the model itself."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from interference_service.domain.specification import ModelReference
from interference_service.references.models.archive import MAX_BYTES
from interference_service.references.models.refusal import need
from interference_service.references.stores import Stores, open_verified


class ModelSource(Protocol):
    """A format: what it names, and how that becomes an exported program."""

    def digest(self, reference: ModelReference, stores: Stores) -> str:
        """``sha256:…`` of everything that the reference names; the model is not loaded.

        Raises:
            InputUnsupported: It is larger than what is read.
            InputUnavailable: It is missing, unreadable, or has another digest than the reference.
        """

    def program(self, reference: ModelReference, stores: Stores) -> NDArray[np.uint8]:
        """The archive of an exported program. Has shape ``[bytes]``.

        Raises:
            InputUnsupported: Something in it is refused.
            InputUnavailable: See ``digest``.
        """


class ExportedProgram:
    """An archive of ``torch.export.save``; see ``ModelSource``."""

    def digest(self, reference: ModelReference, stores: Stores) -> str:
        """See ``ModelSource.digest``."""
        # What is too large to be read need not be read for its digest.
        size = stores.entry(reference.uri, "model.uri").size
        need(size <= MAX_BYTES, f"has {size} bytes; at most {MAX_BYTES} are read")
        file, digest = open_verified(stores, reference.uri, reference.digest, "model.uri")
        file.close()
        return digest

    def program(self, reference: ModelReference, stores: Stores) -> NDArray[np.uint8]:
        """See ``ModelSource.program``."""
        file, _ = open_verified(stores, reference.uri, reference.digest, "model.uri")
        with file:
            return np.frombuffer(file.read(), dtype=np.uint8)
