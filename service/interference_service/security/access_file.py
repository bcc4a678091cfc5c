"""The operator's file of who may call: a JSON object a line, each for one kind of credentials.

::

    # The pipeline of one project, by a token of which only the hash is here.
    {"name": "solar-pipeline", "token": "sha256:4f…", "grants": {"solar": "writer"}}
    {"name": "dashboards", "certificate": "spiffe://acme/dashboards", "grants": {"*": "reader"}}
    {"claim": "ml-platform", "grants": {"*": "admin"}}
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from interference_service.domain.access import EVERY_PROJECT, Grants, Role, Source, joined
from interference_service.domain.texts import ID
from interference_service.security.watched import Failed, UnusableFile, Watched, read_bytes

PrincipalName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,126}$")]
"""Without a colon, so that it is never that of a principal of an issuer."""
ProjectName = Annotated[str, Field(pattern=rf"^(\*|{ID})$")]


class _Line(BaseModel):
    # What stands in the wrong place may be a token.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    grants: Annotated[dict[ProjectName, Role], Field(min_length=1)]
    """Roles by project; ``*`` for every one."""

    @field_validator("grants")
    @classmethod
    def _admins_are_so_everywhere(cls, grants: dict[str, Role]) -> dict[str, Role]:
        for project, role in grants.items():
            if role is Role.ADMIN and project != EVERY_PROJECT:
                raise ValueError(f"{role} is a role in every project; write it for {EVERY_PROJECT}")
        return grants


class TokenLine(_Line):
    """Whom a token stands for; several lines may name one principal, while its token is renewed."""

    name: PrincipalName
    token: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    """Hash of the token."""
    expires: AwareDatetime | None = None


class CertificateLine(_Line):
    """Whom a client's certificate stands for."""

    name: PrincipalName
    certificate: Annotated[str, Field(min_length=1)]
    """Its SPIFFE id, where it has one; else its subject, as in ``CN=pipeline,O=Acme``."""


class ClaimLine(_Line):
    """What a value in the tokens of the issuer grants."""

    claim: Annotated[str, Field(min_length=1)]


_KINDS = ("token", "certificate", "claim")


def _kind(line: Any) -> str | None:
    found = [kind for kind in _KINDS if isinstance(line, dict) and kind in line]
    return found[0] if len(found) == 1 else None


_LINE: TypeAdapter[TokenLine | CertificateLine | ClaimLine] = TypeAdapter(
    Annotated[
        Annotated[TokenLine, Tag("token")]
        | Annotated[CertificateLine, Tag("certificate")]
        | Annotated[ClaimLine, Tag("claim")],
        Discriminator(
            _kind,
            custom_error_type="kind_of_line",
            custom_error_message="must have one of token, certificate and claim",
        ),
    ]
)


@dataclass(frozen=True, slots=True)
class Access:
    """What the lines of the file say."""

    tokens: Mapping[str, TokenLine]
    certificates: Mapping[str, CertificateLine]
    claims: Mapping[str, ClaimLine]

    def granted(self, values: Iterable[str]) -> Grants:
        """What the values of a claim grant together."""
        return joined(self.claims[value].grants for value in values if value in self.claims)


def open_access_file(path: Path, failed: Failed) -> Watched[Access]:
    """The file, read again when it changes.

    Args:
        path: Of the file.
        failed: Is told when a change cannot be used.

    Raises:
        UnusableFile: It cannot be read, or a line does not fit.
    """
    return Watched(Source.ACCESS_FILE, [path], lambda: _read(path), failed)


def _read(path: Path) -> Access:
    try:
        text = read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise UnusableFile(f"{path}: is not UTF-8") from error
    found: dict[str, dict[str, Any]] = {kind: {} for kind in _KINDS}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            entry = _LINE.validate_json(line)
        except ValidationError as error:
            raise UnusableFile(f"{path}: line {number}: {_told(error)}") from error
        kind, key = _key(entry)
        if key in found[kind]:
            raise UnusableFile(f"{path}: line {number}: {kind}: an earlier line has the same")
        found[kind][key] = entry
    return Access(found["token"], found["certificate"], found["claim"])


def _key(entry: TokenLine | CertificateLine | ClaimLine) -> tuple[str, str]:
    match entry:
        case TokenLine():
            return "token", entry.token
        case CertificateLine():
            return "certificate", entry.certificate
        case ClaimLine():
            return "claim", entry.claim


def _told(error: ValidationError) -> str:
    """The first thing that is wrong, without what the line holds."""
    first = error.errors(include_input=False)[0]
    # The first part of a path is the kind of the line.
    path = ".".join(map(str, first["loc"][1:]))
    return f"{path}: {first['msg']}" if path else first["msg"]
