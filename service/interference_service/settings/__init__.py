"""Configuration of the service, read once from the environment; every other part gets values.

Every variable begins with ``INTERFERENCE_``; nested ones are joined by two underscores, for
instance ``INTERFERENCE_STORES='{"models": "/srv/models"}'`` or ``INTERFERENCE_COMPUTE__DEVICE=cpu``.
"""

import os
from pathlib import Path
from typing import Annotated

from packaging.version import Version
from pydantic import (
    AliasChoices,
    Field,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from interference_service.domain.quotas import Quotas
from interference_service.references.policy import ModelPolicy
from interference_service.references.registry.description import ARTIFACTS, MlflowDescription
from interference_service.references.stores.description import Access
from interference_service.security.description import SecurityDescription, is_loopback
from interference_service.settings.parts import (
    AuditPart,
    ComputePart,
    DrainPart,
    GrpcPart,
    HealthPart,
    JobsPart,
    Port,
    TelemetryPart,
)
from interference_service.settings.stores import StoreName, StoreSetting
from interference_service.store.database import database_url

_ANNOUNCE_SECONDS = 5.0
"""Load balancers of Kubernetes take so long to notice."""


class Settings(BaseSettings):
    """Everything that an operator can set."""

    model_config = SettingsConfigDict(
        env_prefix="INTERFERENCE_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    host: str = "127.0.0.1"
    """Interface of the gRPC port."""
    port: Port = 50051
    """gRPC port; 0: any free one."""
    reflection: bool = True
    """Whether the server tells its methods to tools."""
    minimum_client_version: str = ""
    """Older versions of our own client are refused, such as those before 1.2.0; empty: none is."""
    stores: dict[StoreName, StoreSetting] = Field(default_factory=dict)
    """Directories and buckets that references may name, by store name; nothing else is ever read."""
    architectures: tuple[str, ...] = ModelPolicy().architectures
    """Networks that weights are read for: ours, and entry points of installed packages."""
    allow_checkpoints: bool = False
    """Whether weights are read from checkpoints of torch.save too; safetensors are safer."""
    hugging_face_classes: tuple[str, ...] = ()
    """Model classes of transformers that are loaded, beside those known to work."""
    mlflow: MlflowDescription | None = None
    """Tracking server whose registered models references may name, such as ``models:/net@champion``."""
    state_directory: Path = Path("interference-state")
    """Home of the SQLite database and of results."""
    artifacts_directory: Path | None = None
    """Home of results; else below the state directory. Replicas share it."""
    database_url: str = Field(default="", repr=False)
    """``postgresql://user@host:5432/name``; empty: SQLite in the state directory."""
    database_password_file: Path | None = None
    """Has the password of PostgreSQL, read again for every connection."""
    database_connections: Annotated[int, Field(ge=2)] = 10
    """Connections of this process to PostgreSQL, at most."""
    ray_address: str = Field(
        default="", validation_alias=AliasChoices("INTERFERENCE_RAY_ADDRESS", "RAY_ADDRESS")
    )
    """Address of a Ray cluster; empty: a local one is started."""
    start_seconds: Annotated[float, Field(ge=0)] = 60.0
    """How long the start waits for a database server that does not answer yet."""
    compute: ComputePart = ComputePart()
    drain: DrainPart = DrainPart()
    grpc: GrpcPart = GrpcPart()
    health: HealthPart = HealthPart()
    jobs: JobsPart = JobsPart()
    quotas: Quotas = Quotas()
    """What each project may have at once and ask for; see ``domain.quotas``."""
    telemetry: TelemetryPart = TelemetryPart()
    security: SecurityDescription = Field(default=SecurityDescription(), validate_default=True)
    audit: AuditPart = AuditPart()

    @field_validator("stores")
    @classmethod
    def _stores_are_there(cls, stores: dict[str, StoreSetting]) -> dict[str, StoreSetting]:
        for name in stores.keys() & {"file", ARTIFACTS}:
            raise ValueError(f"a store must not be named {name!r}; that scheme has a meaning")
        for name, store in stores.items():
            if not isinstance(store, Path):
                store.access(os.environ)
            elif not store.is_dir():
                raise ValueError(f"store {name!r} is {str(store)!r}, which is not a directory")
        return {
            name: store.resolve() if isinstance(store, Path) else store
            for name, store in stores.items()
        }

    @field_validator("minimum_client_version")
    @classmethod
    def _is_a_version(cls, text: str) -> str:
        if text:
            Version(text)  # its error is a ValueError that repeats the text
        return text

    @field_validator("mlflow")
    @classmethod
    def _token_is_there(cls, mlflow: MlflowDescription | None) -> MlflowDescription | None:
        if mlflow is not None:
            mlflow.secret()
        return mlflow

    @field_validator("security")
    @classmethod
    def _nobody_is_exposed_unasked(
        cls, security: SecurityDescription, others: ValidationInfo
    ) -> SecurityDescription:
        security.check_exposed(others.data.get("host", ""))
        return security

    @field_validator("database_url")
    @classmethod
    def _database_is_known(cls, url: str) -> str:
        if url:
            database_url(url)
        return url

    @field_validator("database_password_file")
    @classmethod
    def _password_is_there(cls, file: Path | None) -> Path | None:
        if file is not None and not os.access(file, os.R_OK):
            raise ValueError(f"is {str(file)!r}, which cannot be read")
        return file

    @property
    def directories(self) -> dict[str, Path]:
        """The stores of this machine."""
        return {name: each for name, each in self.stores.items() if isinstance(each, Path)}

    @property
    def remote_stores(self) -> dict[str, Access]:
        """The stores on the network, with their secrets."""
        return {
            name: each.access(os.environ)
            for name, each in self.stores.items()
            if not isinstance(each, Path)
        }

    @property
    def secret_variables(self) -> frozenset[str]:
        """Variables that hold secrets of stores."""
        remote = (each for each in self.stores.values() if not isinstance(each, Path))
        return frozenset().union(*(each.variables for each in remote))

    @property
    def model_policy(self) -> ModelPolicy:
        """What is allowed of models."""
        return ModelPolicy(self.architectures, self.allow_checkpoints, self.hugging_face_classes)

    @property
    def announce_seconds(self) -> float:
        """How long the service answers though it says that it is not ready."""
        if self.drain.announce_seconds is not None:
            return self.drain.announce_seconds
        return 0.0 if is_loopback(self.host) else _ANNOUNCE_SECONDS

    @property
    def database(self) -> str:
        """URL of the database."""
        return self.database_url or f"sqlite:///{(self.state_directory / 'jobs.sqlite').resolve()}"

    @property
    def spilled(self) -> Path:
        """Directory of what the object store of the local cluster has no room for."""
        return self.state_directory.resolve() / "spilled"

    @property
    def artifacts(self) -> Path:
        """Directory of results."""
        return (self.artifacts_directory or self.state_directory / "results").resolve()
