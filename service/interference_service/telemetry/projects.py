"""Projects as labels: callers name them, so no more than so many become series."""

import threading
from collections.abc import Mapping

OTHERS = "_others"
"""Label of all projects that have no series of their own; no project is called so."""


class ProjectLabels:
    """Labels of the projects that come first; safe to share among threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def of(self, project: str) -> str:
        """The label of a project, the same for ever."""
        with self._lock:
            if project not in self._known and len(self._known) >= self._most:
                return OTHERS
            self._known.add(project)
            return project


def bounded(counts: Mapping[str, int], most: int) -> dict[str, int]:
    """The largest counts by project, and the sum of all others where there are any."""
    order = sorted(counts, key=lambda project: (-counts[project], project))
    kept = {project: counts[project] for project in order[:most]}
    rest = sum(counts[project] for project in order[most:])
    return kept | ({OTHERS: rest} if rest else {})
