"""The tables of the job store.

``migrations`` creates them; a test compares what it creates with what stands here.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
)

from interference_service.domain.job import JobState

GENERATION = "generation"
"""Name of the counter that grows whenever a job succeeds, fails or is deleted."""
COUNTED = frozenset({JobState.SUCCEEDED, JobState.FAILED})
"""States that a job makes it grow by entering."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, kept to the microsecond in UTC and read back aware.

    SQLite has text of fixed width, which compares as the times do.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """The time in UTC; raises ValueError for one without an offset."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no offset; only aware times can be stored")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """The time in UTC, aware where the database does not keep offsets."""
        if value is None or value.tzinfo is not None:
            return value and value.astimezone(UTC)
        return value.replace(tzinfo=UTC)


METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _document(name: str, doc: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, JSON(none_as_null=True), nullable=nullable, doc=doc)


def _time(name: str, doc: str, *, nullable: bool = True) -> Column[datetime]:
    return Column(name, UtcDateTime, nullable=nullable, doc=doc)


jobs = Table(
    "jobs",
    METADATA,
    Column("uid", String, primary_key=True, doc="Unique for ever, also where a name is used again"),
    Column("name", String, nullable=False, unique=True, doc="Resource name"),
    Column("project", String, nullable=False, doc="Project that the job belongs to"),
    Column("id", String, nullable=False, doc="Last segment of the name"),
    Column("state", String, nullable=False, doc="A JobState"),
    Column("attempt", Integer, nullable=False, doc="How often a worker took the job"),
    Column("revision", Integer, nullable=False, doc="Grows with every change but progress"),
    Column("monitor", String, nullable=False, doc="Series of the model, empty for none"),
    Column("priority", Integer, nullable=False, doc="Rank of the priority; higher goes first"),
    Column("display_name", String, nullable=False, doc="As in the settings, for filters"),
    Column("creator", String, nullable=False, doc="Principal that made the job"),
    Column("engine_version", String, nullable=False, doc="Service that made the job"),
    _document("specification", "An AnalysisSpecification"),
    _document("settings", "Settings: display name, labels, annotations, priority"),
    _document("progress", "Progress of the present attempt"),
    _document("error", "JobError of a failed or cancelled job", nullable=True),
    _document("verdict", "Verdict of the gates, once succeeded", nullable=True),
    _document("resolved_inputs", "ResolvedInputs, once succeeded", nullable=True),
    _time("create_time", "When the job became durable", nullable=False),
    _time("update_time", "Last change other than progress", nullable=False),
    _time("start_time", "When a worker took it first"),
    _time("end_time", "When it entered a terminal state"),
    _time("expire_time", "When it may be removed"),
    Column("ttl_seconds", Float, doc="Wanted life after its end; null for the service's default"),
    Column("trace_parent", String, doc="W3C Trace Context of the call that made it, if traced"),
    Column("lease_owner", String, doc="Worker that holds the job"),
    _time("lease_until", "When the hold ends unless it is prolonged"),
    Index(None, "state", "project", "priority", "create_time", "uid"),
    Index(None, "project", "create_time", "id"),
    Index(None, "project", "end_time", "id"),
    Index(None, "state", "project", "monitor", "end_time"),
    Index(None, "expire_time"),
)

projects = Table(
    "projects",
    METADATA,
    Column("name", String, primary_key=True, doc="Project that has ever had a job"),
    _time("turn", "When a job of it was last taken"),
)

request_ids = Table(
    "request_ids",
    METADATA,
    Column("principal", String, primary_key=True, doc="Who asked"),
    Column("request_id", String, primary_key=True, doc="As the caller chose it (AIP-155)"),
    Column("request_digest", String, nullable=False, doc="Digest of the request without its id"),
    Column("job_uid", String, nullable=False, doc="Job that was made; it may be gone since"),
    Column("create_time", UtcDateTime, nullable=False, index=True, doc="When it was asked"),
)

secrets = Table(
    "secrets",
    METADATA,
    Column("name", String, primary_key=True, doc="What the secret is for"),
    Column("value", LargeBinary, nullable=False, doc="32 random bytes"),
)

counters = Table(
    "counters",
    METADATA,
    Column("name", String, primary_key=True, doc="What is counted"),
    Column("value", BigInteger, nullable=False, doc="Never falls"),
)
