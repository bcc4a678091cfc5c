"""Projects that take turns, and an index for their queue."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table of projects, fill it, and replace the index of the queue."""
    projects = op.create_table(
        "projects",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("turn", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("name", name="pk_projects"),
    )
    jobs = sa.table("jobs", sa.column("project"))
    op.execute(projects.insert().from_select(["name"], sa.select(jobs.c.project).distinct()))
    op.drop_index("ix_jobs_state_priority_create_time", "jobs")
    op.create_index(
        "ix_jobs_state_project_priority_create_time_uid",
        "jobs",
        ["state", "project", "priority", "create_time", "uid"],
    )
