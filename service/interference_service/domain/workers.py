"""What is told of the processes that compute gradients."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Workers:
    """How many there are, by what they do."""

    starting: int = 0
    idle: int = 0
    """Started, and without work."""
    busy: int = 0


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Memory of the device that a worker computes on, whoever uses it."""

    used_bytes: int
    total_bytes: int
