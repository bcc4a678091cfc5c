"""Processes of a service, found by what Ray calls them."""

import psutil

from interference_service.demo.server import Running


def actors(service: Running, doing: str = "") -> list[psutil.Process]:
    """Processes of the gradient actors that belong to the service.

    Args:
        service: The service.
        doing: Name of the method that they run now; empty: any, or none.
    """
    return actors_below(service.process.pid, doing)


def actors_below(pid: int, doing: str = "") -> list[psutil.Process]:
    """Those that a process or its children have started."""
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        try:
            title = " ".join(process.cmdline())
        except psutil.NoSuchProcess:
            continue
        if f"ray::GradientActor{'.' if doing else ''}{doing}" in title:
            found.append(process)
    return found


def gone(processes: list[psutil.Process]) -> bool:
    """Whether none of the processes runs any more."""
    return not any(
        process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes
    )
