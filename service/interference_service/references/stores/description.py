"""What an operator says of a store on the network; holds no secret, only where each is found."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from interference_service.references.stores.store import is_plain

_ENDPOINT = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_PLATFORM = re.compile(r"^(AWS|CLOUDSDK|GOOGLE)_")
_ACCOUNT_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"

VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Bucket = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,221}$")]
Seconds = Annotated[float, Field(gt=0, le=600)]
Secrets = dict[str, SecretStr]
"""Of one store, by the name of the argument that takes each."""


class SecretMissing(ValueError):
    """A variable or file that should hold a secret does not; says which, never what."""


class _Described(BaseModel):
    # What stands in the wrong place may be a secret.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Ambient(_Described):
    """What the platform gives: its variables, its files, the identity of the machine."""

    source: Literal["ambient"] = "ambient"


class Anonymous(_Described):
    """None: the bucket is public."""

    source: Literal["anonymous"]


class KeysInVariables(_Described):
    """Keys in variables of the service."""

    source: Literal["environment"]
    access_key: VariableName
    """Name of the variable that has it."""
    secret_key: VariableName
    session_token: VariableName | None = None


class KeysInFiles(_Described):
    """Keys in files of the service's machine, one each."""

    source: Literal["files"]
    access_key: Path
    secret_key: Path
    session_token: Path | None = None


class ServiceAccountFile(_Described):
    """A JSON file of a service account, on the service's machine."""

    source: Literal["file"]
    path: Path


class _Remote(_Described):
    scheme: ClassVar[str]
    """Of the URIs by which other systems know its objects."""
    bucket: Bucket
    prefix: str = ""
    """Directory of the bucket that holds all that references may name; empty: the whole bucket."""
    endpoint: str = ""
    """``https://host:port`` or ``http://…``; empty: the public one of its kind."""

    @field_validator("prefix")
    @classmethod
    def _prefix_is_plain(cls, prefix: str) -> str:
        plain = prefix.strip("/")
        if plain and not all(map(is_plain, plain.split("/"))):
            raise ValueError("must be plain names with / between them, such as models/released")
        return plain

    @field_validator("endpoint")
    @classmethod
    def _endpoint_is_a_host(cls, endpoint: str) -> str:
        if endpoint and not _ENDPOINT.fullmatch(endpoint):
            raise ValueError(
                "must be https://host:port or http://host:port, without a path and a password"
            )
        return endpoint

    @property
    def root(self) -> tuple[str, ...]:
        """Bucket and directories that every key begins with."""
        return (self.bucket, *self.prefix.split("/")) if self.prefix else (self.bucket,)

    @property
    def location(self) -> str:
        """What other systems call its root."""
        return f"{self.scheme}://{'/'.join(self.root)}"

    @property
    def address(self) -> dict[str, str]:
        """Where it is, as Arrow takes it; empty: the public place."""
        scheme, _, host = self.endpoint.partition("://")
        return {"scheme": scheme, "endpoint_override": host} if host else {}


class S3Description(_Remote):
    """A bucket of S3, or of what speaks as S3 does."""

    scheme: ClassVar[str] = "s3"

    kind: Literal["s3"]
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,63}$")] = "us-east-1"
    credentials: Annotated[
        Ambient | Anonymous | KeysInVariables | KeysInFiles, Field(discriminator="source")
    ] = Ambient()
    connect_timeout: Seconds = 5.0
    """Seconds for a connection."""
    request_timeout: Seconds = 10.0
    """Seconds without a byte, after which a request is given up."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """Tries of a request that fails for a passing cause."""

    @property
    def variables(self) -> frozenset[str]:
        """Variables of the service that hold secrets of it."""
        named = self.credentials
        if not isinstance(named, KeysInVariables):
            return frozenset()
        names = (named.access_key, named.secret_key, named.session_token)
        return frozenset(name for name in names if name is not None)

    def access(self, environment: Mapping[str, str]) -> "Access":
        """Read the secrets.

        Args:
            environment: Of the service.

        Raises:
            SecretMissing: A variable or file has it not.
        """
        named = self.credentials
        if not isinstance(named, KeysInVariables | KeysInFiles):
            return Access(self, {}, _platform(environment) if isinstance(named, Ambient) else {})
        wanted = {
            "access_key": named.access_key,
            "secret_key": named.secret_key,
            "session_token": named.session_token,
        }
        secrets = {
            name: _secret(where, environment) for name, where in wanted.items() if where is not None
        }
        return Access(self, secrets, {})


class GcsDescription(_Remote):
    """A bucket of Google Cloud Storage."""

    scheme: ClassVar[str] = "gs"

    kind: Literal["gcs"]
    credentials: Annotated[
        Ambient | Anonymous | ServiceAccountFile, Field(discriminator="source")
    ] = Ambient()
    retry_seconds: Annotated[int, Field(ge=1, le=600)] = 30
    """How long requests that fail for a passing cause are tried again."""

    @property
    def variables(self) -> frozenset[str]:
        """None."""
        return frozenset()

    def access(self, environment: Mapping[str, str]) -> "Access":
        """Look whether the file of the account can be read, which the client reads itself.

        Args:
            environment: Of the service.

        Raises:
            SecretMissing: It cannot.
        """
        named = self.credentials
        if isinstance(named, ServiceAccountFile):
            _secret(named.path, environment)
            return Access(self, {}, {_ACCOUNT_VARIABLE: str(named.path)})
        return Access(self, {}, _platform(environment) if isinstance(named, Ambient) else {})


RemoteDescription = S3Description | GcsDescription


@dataclass(frozen=True, slots=True)
class Access:
    """All that is needed to read a store; goes to its keeper alone.

    Attributes:
        description: Where it is.
        secrets: Its credentials.
        environment: Variables that its client looks for in its process.
    """

    description: RemoteDescription
    secrets: Secrets
    environment: dict[str, str] = field(repr=False)


def _platform(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if _PLATFORM.match(name)}


def _secret(where: str | Path, environment: Mapping[str, str]) -> SecretStr:
    if isinstance(where, Path):
        try:
            value = where.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecretMissing(f"the file {str(where)!r} of a store cannot be read") from error
        called = f"the file {str(where)!r}"
    else:
        value, called = environment.get(where, ""), f"the variable {where}"
    if not value:
        raise SecretMissing(f"{called}, which should hold a secret of a store, is empty or missing")
    return SecretStr(value)
