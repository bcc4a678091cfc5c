"""Models of recent jobs, kept on the cluster so that the next job of one need not read it."""

import threading
from collections import OrderedDict

from interference_service.compute.calls import Ref


class ModelCache:
    """References of models' files in the object store by digest; for any thread.

    The service owns what they refer to, so it outlives the jobs that read it, for as long as it is
    kept here. Those used last stay.
    """

    def __init__(self, max_bytes: int) -> None:
        """Keep nothing yet.

        Args:
            max_bytes: Memory of all that is kept; a larger model is not.
        """
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Ref, int]] = OrderedDict()

    def get(self, digest: str) -> "Ref | None":
        """A model's file, as far as is known; it may have been lost meanwhile."""
        with self._lock:
            if digest not in self._kept:
                return None
            self._kept.move_to_end(digest)
            return self._kept[digest][0]

    def keep(self, digest: str, ref: Ref, size: int) -> None:
        """Keep a model in the place of an older reference, and of others if need be.

        Args:
            digest: Of the file.
            ref: Its content.
            size: Its bytes.
        """
        with self._lock:
            self._kept.pop(digest, None)
            if size > self._max_bytes:
                return
            self._kept[digest] = (ref, size)
            while sum(kept for _, kept in self._kept.values()) > self._max_bytes:
                self._kept.popitem(last=False)
