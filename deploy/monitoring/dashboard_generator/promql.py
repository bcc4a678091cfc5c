"""Expressions that the dashboards share."""

MONITOR = ("namespace", "project", "monitor")
CLASS = (*MONITOR, "class")
_NEWEST = "instance:interference_monitor_result_generation:newest"
"""Which replicas tell of a monitor's newest analysis; recorded by the rules."""


def newest(name: str, selection: str, by: tuple[str, ...] = MONITOR) -> str:
    """A series of results as the replicas that know the newest analysis tell it, made one.

    Args:
        name: Without ``interference_``.
        selection: Matchers of labels.
        by: Labels that tell its series apart.
    """
    return (
        f"max by ({', '.join(by)}) (interference_{name}{{{selection}}} "
        f"and on (job, instance, project, monitor) {_NEWEST})"
    )


def minorities(expression: str, selection: str) -> str:
    """Of an expression by class, the minorities."""
    minority = newest("class_minority", selection, CLASS)
    return f"({expression}) and on ({', '.join(CLASS)}) ({minority} == 1)"


def counted(expression: str) -> str:
    """How many series there are; 0 where there is none."""
    return f"count({expression}) or vector(0)"


def quantile(share: float, histogram: str, selection: str, by: str = "") -> str:
    """A quantile of a histogram, for each value of a label."""
    labels = f"le, {by}" if by else "le"
    rate = f"rate({histogram}_bucket{{{selection}}}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by ({labels}) ({rate}))"
