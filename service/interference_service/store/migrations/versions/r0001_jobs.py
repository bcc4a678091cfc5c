"""Jobs, request ids, secrets and counters."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    _create_jobs()
    op.create_table(
        "request_ids",
        sa.Column("principal", sa.String, nullable=False),
        sa.Column("request_id", sa.String, nullable=False),
        sa.Column("request_digest", sa.String, nullable=False),
        sa.Column("job_uid", sa.String, nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("principal", "request_id", name="pk_request_ids"),
    )
    op.create_index("ix_request_ids_create_time", "request_ids", ["create_time"])
    op.create_table(
        "secrets",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secrets"),
    )
    counters = op.create_table(
        "counters",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )
    op.bulk_insert(counters, [{"name": "generation", "value": 0}])


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("uid", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("project", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("monitor", sa.String, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("display_name", sa.String, nullable=False),
        sa.Column("creator", sa.String, nullable=False),
        sa.Column("engine_version", sa.String, nullable=False),
        sa.Column("specification", sa.JSON, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("progress", sa.JSON, nullable=False),
        sa.Column("error", sa.JSON),
        sa.Column("verdict", sa.JSON),
        sa.Column("resolved_inputs", sa.JSON),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("update_time", _TIME, nullable=False),
        sa.Column("start_time", _TIME),
        sa.Column("end_time", _TIME),
        sa.Column("expire_time", _TIME),
        sa.Column("ttl_seconds", sa.Float),
        sa.Column("lease_owner", sa.String),
        sa.Column("lease_until", _TIME),
        sa.PrimaryKeyConstraint("uid", name="pk_jobs"),
        sa.UniqueConstraint("name", name="uq_jobs_name"),
    )
    for columns in (
        ["state", "priority", "create_time"],
        ["project", "create_time", "id"],
        ["project", "end_time", "id"],
        ["monitor", "end_time"],
        ["expire_time"],
    ):
        op.create_index(f"ix_jobs_{'_'.join(columns)}", "jobs", columns)
