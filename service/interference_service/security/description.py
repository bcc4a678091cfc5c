"""What an operator says of who may call; holds no secret, only where each is found."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Signature = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
"""Those by a private key: who can verify a token cannot make one."""
_KEYS_URL = (
    r"^(https://[A-Za-z0-9.:\[\]-]+|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?)(/[!-~]*)?$"
)


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class OidcDescription(_Described):
    """Tokens of an issuer (JWT, as of OpenID Connect)."""

    issuer: Annotated[str, Field(min_length=1)]
    """What they must have as ``iss``."""
    audience: Annotated[str, Field(min_length=1)]
    """What they must have as, or among, ``aud``."""
    keys_url: Annotated[str, Field(pattern=_KEYS_URL)] | None = None
    """Where the issuer's keys are (its ``jwks_uri``); over HTTPS, or on this machine."""
    keys_authorities: Path | None = None
    """Who may have signed the certificate of that place, PEM; none: those of the system."""
    keys_file: Path | None = None
    """A file of the keys, in place of ``keys_url``; read again when it changes."""
    refresh_seconds: Annotated[float, Field(gt=0)] = 300.0
    """Keys that are older are asked for again; keys that are missing at once."""
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    """For one answer of the issuer."""
    algorithms: Annotated[tuple[Signature, ...], Field(min_length=1)] = ("RS256", "ES256")
    """Signatures that are accepted."""
    leeway_seconds: Annotated[float, Field(ge=0, le=300)] = 30.0
    """How much the clocks of the issuer and of this machine may differ."""
    principal_claim: str = "sub"
    """Claim that says who calls."""
    grants_claim: str = "groups"
    """Claim whose values the access file gives roles to."""

    @model_validator(mode="after")
    def _keys_are_somewhere(self) -> Self:
        if (self.keys_url is None) == (self.keys_file is None):
            raise ValueError("set one of keys_url and keys_file")
        return self


class SecurityDescription(_Described):
    """Who may call, and how they show it."""

    certificate: Path | None = None
    """The server's certificate and those between it and its authority, PEM; none: no TLS."""
    key: Path | None = None
    """Its key, PEM without a password."""
    client_authorities: Path | None = None
    """Who may have signed a client's certificate, PEM; then every client must have one."""
    access_file: Path | None = None
    """Who may do what, a JSON object a line; none: nobody is told from another."""
    oidc: OidcDescription | None = None
    """An issuer whose tokens are accepted too."""
    allow_plaintext: bool = False
    """Whether tokens and data may cross the network in the clear."""
    allow_anonymous: bool = False
    """Whether everybody on the network may do everything."""

    @model_validator(mode="after")
    def _parts_belong_together(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key are set together")
        if self.client_authorities is not None and self.certificate is None:
            raise ValueError("client_authorities needs certificate and key")
        if self.access_file is None and (self.client_authorities or self.oidc):
            raise ValueError(
                "client_authorities and oidc say who calls, but not what each may do; set access_file"
            )
        return self

    def check_exposed(self, host: str) -> None:
        """Whether the service may listen there.

        Args:
            host: Interface that it listens on.

        Raises:
            ValueError: Other machines would reach it unprotected, and nobody asked for that.
        """
        if is_loopback(host):
            return
        if self.certificate is None and not self.allow_plaintext:
            raise ValueError(
                f"host {host} is reached from other machines, in the clear; set "
                "INTERFERENCE_SECURITY__CERTIFICATE and INTERFERENCE_SECURITY__KEY, or "
                "INTERFERENCE_SECURITY__ALLOW_PLAINTEXT=true where something else encrypts"
            )
        if self.access_file is None and not self.allow_anonymous:
            raise ValueError(
                f"host {host} is reached from other machines, and everybody there could do "
                "everything; set INTERFERENCE_SECURITY__ACCESS_FILE, or "
                "INTERFERENCE_SECURITY__ALLOW_ANONYMOUS=true where something else keeps others out"
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
