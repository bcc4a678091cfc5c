"""What the service keeps: jobs in a database, results in a directory."""

from dataclasses import dataclass
from datetime import UTC, datetime

from interference_service.domain.ports import ArtifactStore, JobStore
from interference_service.settings import Settings
from interference_service.store.artifacts import FileArtifactStore
from interference_service.store.connecting import connected
from interference_service.store.database import open_database
from interference_service.store.migrations import upgrade
from interference_service.store.sql import SqlJobStore


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class State:
    """What the service keeps."""

    store: JobStore
    artifacts: ArtifactStore
    clock: SystemClock


def open_state(settings: Settings) -> State:
    """Open the database, bring it to the newest schema, and find the results.

    Raises:
        DatabaseUnavailable: The database does not answer in time.
        SchemaTooNew: A later version has migrated it.
        OSError: The state directory cannot be written.
    """
    settings.state_directory.mkdir(parents=True, exist_ok=True)
    engine = open_database(
        settings.database,
        password_file=settings.database_password_file,
        connections=settings.database_connections,
    )
    connected(engine, settings.start_seconds)
    upgrade(engine)
    clock = SystemClock()
    store = SqlJobStore(engine, clock)
    return State(store, FileArtifactStore(settings.artifacts, store.secret("results").hex()), clock)
