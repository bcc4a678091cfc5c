"""Bringing a database to the newest schema, from code: there is no ini file to ship."""

from dataclasses import dataclass

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from interference_service.store.database import migrating
from interference_service.store.failures import told

_log = structlog.get_logger(__name__)


class SchemaTooNew(ConnectionError):
    """A later version of the service has migrated the database."""


@dataclass(frozen=True, slots=True)
class SchemaVersions:
    """Which schema a database has, and which one this version wants."""

    found: str
    """Empty: none yet."""
    newest: str
    known: frozenset[str]
    """Those that can be migrated from."""

    @property
    def too_new(self) -> bool:
        """Whether only a later version knows it."""
        return bool(self.found) and self.found not in self.known


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest schema, in one transaction.

    Services that start at the same time wait for each other.

    Raises:
        SchemaTooNew: It has one that this version does not know.
        StoreUnavailable: The database is away or busy.
    """
    config = _config()
    with told(), migrating(engine) as connection:
        found = _versions(connection)
        if found.too_new:
            raise SchemaTooNew(
                f"the database has the schema {found.found}, and this version of the service knows "
                f"none after {found.newest}; install the version that migrated it, or a later one"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    if found.found != found.newest:
        _log.info("schema_migrated", before=found.found, now=found.newest)


def schema_versions(engine: Engine) -> SchemaVersions:
    """Which schema it has; changes nothing."""
    with engine.begin() as connection:
        return _versions(connection)


def _versions(connection: Connection) -> SchemaVersions:
    scripts = ScriptDirectory.from_config(_config())
    return SchemaVersions(
        found=MigrationContext.configure(connection).get_current_revision() or "",
        newest=scripts.get_current_head() or "",
        known=frozenset(each.revision for each in scripts.walk_revisions()),
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "interference_service.store:migrations")
    return config
