"""Set-up of structured logs.

Events are constant strings with fields; what surrounds an event, such as the job or the request,
comes from context variables.
"""

import logging
import logging.handlers
import math
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

AUDIT_LOGGER = "interference_service.audit"
_log = structlog.get_logger(__name__)
_WITH_OWN_HANDLERS = ("ray",)
"""Loggers of libraries that write past the root."""
_TALKATIVE = ("alembic",)
"""Those that say at every start what is of no use to an operator."""
_RAYS_OWN_TIME = "_ray_timestamp_ns"
"""Which Ray adds to the records of all libraries."""
_TRACING = "opentelemetry."
_TELLS_SECRETS = "opentelemetry.util."
"""Repeats variables that it cannot read, such as the headers with the collector's token."""
_SELDOM_SECONDS = 60.0


def configure_logging(
    level: str, *, json: bool, audit_file: Path | None = None, traced: bool = False
) -> None:
    """Send every log line to standard error, those of libraries that use ``logging`` included.

    So are warnings, and errors that nobody caught.

    Args:
        level: Least level that is logged, by its name in ``logging``; lines about who changed what
            are logged at every level.
        json: One JSON object a line. Otherwise for people, in colour on a terminal.
        audit_file: Gets those lines, as JSON, in place of standard error.
        traced: Whether a line names the span that surrounds it; needs OpenTelemetry.

    Raises:
        OSError: The file cannot be written.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        *([_name_span()] if traced else []),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _without_rays_time,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(shared, json=json))
    handler.addFilter(Seldom(_TRACING))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    _configure_audit(audit_file, shared)
    for name in _WITH_OWN_HANDLERS:
        _pass_on(logging.getLogger(name))
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))
    logging.captureWarnings(True)
    sys.excepthook = _tell_uncaught
    threading.excepthook = _tell_uncaught_in_thread
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _configure_audit(file: Path | None, shared: list[Processor]) -> None:
    audit = logging.getLogger(AUDIT_LOGGER)
    audit.setLevel(logging.INFO)
    audit.handlers.clear()
    audit.propagate = file is None
    if file is not None:
        handler = logging.handlers.WatchedFileHandler(file, encoding="utf-8")
        handler.setFormatter(_formatter(shared, json=True))
        audit.addHandler(handler)


def _formatter(shared: list[Processor], *, json: bool) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_renderers(json=json),
        ],
    )


def _without_rays_time(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event.pop(_RAYS_OWN_TIME, None)
    return event


def _pass_on(logger: logging.Logger) -> None:
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
    logger.propagate = True


def _tell_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log.critical("uncaught", exc_info=(kind, error, trace))


def _tell_uncaught_in_thread(about: threading.ExceptHookArgs) -> None:
    name = about.thread.name if about.thread is not None else ""
    _log.error("uncaught_in_thread", thread=name, exc_info=about.exc_value)


def _name_span() -> Processor:
    from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

    def named(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        context = get_current_span().get_span_context()
        if context.is_valid:
            event["trace_id"] = format_trace_id(context.trace_id)
            event["span_id"] = format_span_id(context.span_id)
        return event

    return named


class Seldom(logging.Filter):
    """Lets each line of a library pass once in a while: it complains of every try that fails."""

    def __init__(self, library: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._library = library
        self._clock = clock
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line passes."""
        if not record.name.startswith(self._library):
            return True
        if record.name.startswith(_TELLS_SECRETS):
            record.args = None
        now, text = self._clock(), f"{record.name} {record.msg}"
        if now - self._told.get(text, -math.inf) < _SELDOM_SECONDS:
            return False
        self._told[text] = now
        return True


def _renderers(*, json: bool) -> list[Processor]:
    # Local variables never enter the log: they may hold rows of the data, or secrets.
    if json:
        return [
            structlog.processors.StackInfoRenderer(),
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(sort_keys=True, default=str),
        ]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
