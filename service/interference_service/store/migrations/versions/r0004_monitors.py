"""An index of monitors: their newest analyses, and those that failed since."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Replace the index that knew neither projects nor how an analysis ended."""
    op.drop_index("ix_jobs_monitor_end_time", "jobs")
    op.create_index(
        "ix_jobs_state_project_monitor_end_time",
        "jobs",
        ["state", "project", "monitor", "end_time"],
    )
