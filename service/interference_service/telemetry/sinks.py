"""Telling several sinks what happens."""

from interference_service.domain.events import Event
from interference_service.domain.ports import EventSink


class EventSinks:
    """``EventSink`` that passes every event on, in the order of the sinks."""

    def __init__(self, *sinks: EventSink) -> None:
        self._sinks = sinks

    def emit(self, event: Event) -> None:
        """See ``EventSink.emit``."""
        for sink in self._sinks:
            sink.emit(event)
