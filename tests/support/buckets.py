"""Servers that speak as object stores do, each in a process of its own, and what lies in them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from interference_service.references.stores.description import (
    Access,
    GcsDescription,
    S3Description,
)
from interference_service.references.stores.remote import RemoteStore, open_remote
from support.network_ports import free_port, listens
from support.waiting import eventually

BUCKET = "released"
KEYS = {
    "ACCESS_OF_STORE": "an-access-key-of-tests",
    "SECRET_OF_STORE": "a-very-secret-key-of-tests",
}
"""Variables that hold keys; the server of S3 takes any, unless it is told otherwise."""

_SIGNED = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, Signature=0"
"""Somebody's hand; the server looks whether there is one, not whose."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of a server on this machine.

    Attributes:
        kind: ``s3`` or ``gcs``.
        port: Of the server.
    """

    kind: str
    port: int

    def put(self, key: str, content: bytes) -> None:
        """Write an object, or another in its place."""
        if self.kind == "s3":
            self._ask("PUT", f"{BUCKET}/{quote(key)}", content)
        else:
            name = quote(key, safe="")
            self._ask(
                "POST", f"upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={name}", content
            )

    def remove(self, key: str) -> None:
        """Remove an object."""
        if self.kind == "s3":
            self._ask("DELETE", f"{BUCKET}/{quote(key)}")
        else:
            self._ask("DELETE", f"storage/v1/b/{BUCKET}/o/{quote(key, safe='')}")

    def put_all(self, directory: Path, prefix: str) -> None:
        """Write every file below a directory."""
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                self.put(f"{prefix}/{path.relative_to(directory)}", path.read_bytes())

    def let_in(self, everybody: bool) -> None:
        """Whether keys are looked at, of which the server knows none."""
        self._ask("POST", "moto-api/reset-auth", b"inf" if everybody else b"0")

    def said(self, *, port: int = 0, **changes: Any) -> dict[str, Any]:
        """What an operator says of it, as JSON; through another port if one is given."""
        access, secret = KEYS
        keys = {"source": "environment", "access_key": access, "secret_key": secret}
        said = {
            "kind": self.kind,
            "bucket": BUCKET,
            "prefix": "inside",
            "endpoint": f"http://127.0.0.1:{port or self.port}",
            "credentials": keys if self.kind == "s3" else {"source": "anonymous"},
        }
        return said | changes

    def access(self, *, port: int = 0, **changes: Any) -> Access:
        """What a service makes of it that has the variables of the keys."""
        made = S3Description if self.kind == "s3" else GcsDescription
        return made.model_validate(self.said(port=port, **changes)).access(KEYS)

    def store(self, *, port: int = 0, **changes: Any) -> RemoteStore:
        """The store that its keeper makes of it."""
        return open_remote(self.access(port=port, **changes))

    def _ask(self, method: str, path: str, content: bytes | None = None) -> None:
        headers = {"Content-Type": "application/octet-stream", "Authorization": _SIGNED}
        request = Request(f"http://127.0.0.1:{self.port}/{path}", content, headers, method=method)
        with urlopen(request, timeout=10) as answer:
            answer.read()

    def make(self) -> None:
        """Make the bucket."""
        if self.kind == "s3":
            self._ask("PUT", BUCKET, b"")


@contextmanager
def served(kind: str) -> Iterator[Bucket]:
    """A server of that kind with an empty bucket."""
    port = free_port()
    scripts = Path(sys.executable).parent
    commands: Mapping[str, tuple[str, ...]] = {
        "s3": ("moto_server", "-H", "127.0.0.1", "-p", str(port)),
        "gcs": (
            *("gcp-storage-emulator", "start", "--host", "127.0.0.1", "--port", str(port)),
            *("--in-memory", f"--default-bucket={BUCKET}"),
        ),
    }
    name, *arguments = commands[kind]
    quiet = os.environ | {"PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        [str(scripts / name), *arguments],
        env=quiet,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: listens(port), what=f"the {kind} server")
        bucket = Bucket(kind, port)
        bucket.make()
        yield bucket
    finally:
        process.terminate()
        process.wait(30)
