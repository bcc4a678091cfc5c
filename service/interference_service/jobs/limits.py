"""What the service allows; told to clients by GetServerInfo."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on requests and on what is kept."""

    max_classes: int = 10_000
    max_layers: int = 10_000
    max_page_size: int = 200
    default_page_size: int = 50
    max_watch_seconds: float = 1_800.0
    """After it a watch ends with OK and is to be resumed."""
    default_ttl_seconds: float = 90 * 86_400.0
    """Life of a job and its result after its end."""
    max_ttl_seconds: float = 366 * 86_400.0
