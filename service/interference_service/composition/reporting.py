"""Logs and traces."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from interference_service.settings import Settings
from interference_service.telemetry.logs import configure_logging

if TYPE_CHECKING:
    from interference_service.telemetry.traces import Traces


def log_configuration(settings: Settings) -> partial[None]:
    """What sets the log up, here and in workers."""
    telemetry = settings.telemetry
    return partial(
        configure_logging, telemetry.log_level, json=telemetry.log_json, traced=telemetry.traces
    )


def opened_traces(wanted: bool) -> "AbstractContextManager[Traces | None]":
    """Traces while they are wanted; None where they are not."""
    if not wanted:
        return nullcontext()
    # Of the extra [tracing].
    from interference_service.telemetry.traces import opened_traces as opened

    return opened()
