"""Traces: what happened within what, told to whoever records spans."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Protocol

Attributes = Mapping[str, str | int | float | bool]
NO_ATTRIBUTES: Attributes = MappingProxyType({})


class Tracer(Protocol):
    """Records spans; one that is entered surrounds what its thread or task does until it is left.

    Safe to share among threads; never raises, and never waits for who collects the spans.
    """

    def serve(
        self, method: str, metadata: Sequence[tuple[str, str | bytes]]
    ) -> AbstractContextManager[None]:
        """The span of a call, within the span that its caller names in the metadata.

        Args:
            method: Full name, ``/package.Service/Method``.
            metadata: As the caller sent it, with the headers of W3C Trace Context or without.
        """

    def follow(
        self, name: str, trace_parent: str | None, attributes: Attributes = NO_ATTRIBUTES
    ) -> AbstractContextManager[None]:
        """The first span of a new trace, with a link to what led to it.

        Args:
            name: What begins; one of few.
            trace_parent: As ``trace_parent`` gave it then.
            attributes: More about it.
        """

    def span(
        self, name: str, attributes: Attributes = NO_ATTRIBUTES
    ) -> AbstractContextManager[None]:
        """A span within the one that surrounds it."""

    def describe(self, attributes: Attributes) -> None:
        """Say more about what surrounds the caller."""

    def fail(self, reason: str) -> None:
        """Say that what surrounds the caller is an error."""

    def trace_parent(self) -> str | None:
        """What surrounds the caller, as the header of W3C Trace Context; None for nothing."""


class Untraced:
    """Records nothing."""

    def serve(
        self,
        method: str,  # noqa: ARG002 - as the others below, of the protocol
        metadata: Sequence[tuple[str, str | bytes]],  # noqa: ARG002
    ) -> AbstractContextManager[None]:
        """See ``Tracer.serve``."""
        return nullcontext()

    def follow(
        self,
        name: str,  # noqa: ARG002
        trace_parent: str | None,  # noqa: ARG002
        attributes: Attributes = NO_ATTRIBUTES,  # noqa: ARG002
    ) -> AbstractContextManager[None]:
        """See ``Tracer.follow``."""
        return nullcontext()

    def span(
        self,
        name: str,  # noqa: ARG002
        attributes: Attributes = NO_ATTRIBUTES,  # noqa: ARG002
    ) -> AbstractContextManager[None]:
        """See ``Tracer.span``."""
        return nullcontext()

    def describe(self, attributes: Attributes) -> None:
        """See ``Tracer.describe``."""

    def fail(self, reason: str) -> None:
        """See ``Tracer.fail``."""

    def trace_parent(self) -> str | None:
        """See ``Tracer.trace_parent``."""
        return None


UNTRACED = Untraced()
"""What records nothing has no state."""
