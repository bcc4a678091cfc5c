"""All attacks."""

from hostile.clients import (
    bodies,
    computing,
    connections,
    deadlines,
    metadata,
    names,
    streams,
    tokens,
)

ATTACKS = (
    *bodies.ATTACKS,
    *metadata.ATTACKS,
    *connections.ATTACKS,
    *streams.ATTACKS,
    *deadlines.ATTACKS,
    *names.ATTACKS,
    *computing.ATTACKS,
    *tokens.ATTACKS,
)
