"""Who may do what: principals, their roles, and why a call is refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

EVERY_PROJECT = "*"
"""Stands for the name of a project in what is granted."""


class Role(StrEnum):
    """What a principal may do in a project; each role includes those before it."""

    READER = "reader"
    """Get, list and watch jobs, read results."""
    WRITER = "writer"
    """Make, change, cancel and delete jobs."""
    ADMIN = "admin"
    """Ask the server for its contract; held in every project or not at all."""

    def includes(self, other: "Role") -> bool:
        """Whether who has this role may do what the other one may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


Grants = Mapping[str, Role]
"""A role by the project in which it is held, or for every one of them."""


def joined(grants: Iterable[Grants]) -> Grants:
    """All that is granted at once: in each project the role that includes the others."""
    highest: dict[str, Role] = {}
    for each in grants:
        for project, role in each.items():
            if project not in highest or role.includes(highest[project]):
                highest[project] = role
    return MappingProxyType(highest)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, and what was granted to them; nothing unless it is said."""

    name: str
    grants: Grants = field(default_factory=dict)

    def has(self, role: Role, project: str | None) -> bool:
        """Whether the principal has a role in a project.

        Args:
            role: That role, or one that includes it.
            project: Id of the project; None: any one will do.
        """
        if project is None:
            return any(held.includes(role) for held in self.grants.values())
        held_here = (self.grants.get(project), self.grants.get(EVERY_PROJECT))
        return any(held is not None and held.includes(role) for held in held_here)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a caller shows."""

    authorization: tuple[str, ...] = field(default=(), repr=False)
    """Values of the header of that name, as they were sent."""
    certificate: str = ""
    """SPIFFE id of the client's certificate, which was verified; else its subject; empty: none."""


class Refusal(StrEnum):
    """Why a call is refused before it is looked at."""

    NO_CREDENTIALS = "no_credentials"
    SEVERAL_CREDENTIALS = "several_credentials"
    MALFORMED_CREDENTIALS = "malformed_credentials"
    UNKNOWN_CREDENTIALS = "unknown_credentials"
    INVALID_CREDENTIALS = "invalid_credentials"
    """A token of the issuer whose signature, times or claims do not fit."""
    EXPIRED_CREDENTIALS = "expired_credentials"
    KEYS_UNAVAILABLE = "keys_unavailable"
    """The issuer's keys cannot be read, so nothing is known of its token."""
    PERMISSION_DENIED = "permission_denied"


class Source(StrEnum):
    """What says who may call, and may change while the service runs."""

    ACCESS_FILE = "access_file"
    CERTIFICATE = "certificate"
    METRICS_CERTIFICATE = "metrics_certificate"
    ISSUER_KEYS = "issuer_keys"
