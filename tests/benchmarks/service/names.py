"""Names of the jobs that a service has from the beginning."""

from collections.abc import Sequence

PROJECT = "default"
LARGE = f"projects/{PROJECT}/analysisJobs/large"
"""Has a result of 100 MB."""
FIRST = f"projects/{PROJECT}/analysisJobs/first"
"""Runs before all others."""


def waiting(count: int) -> Sequence[str]:
    """Of jobs that wait."""
    return [f"projects/{PROJECT}/analysisJobs/waiting-{index}" for index in range(count)]
