"""Checks of what says who may call: certificate, access file, keys of an issuer."""

from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path

from cryptography import x509

from interference_service.diagnosis.check import Unwell
from interference_service.domain.access import Source
from interference_service.security.access_file import open_access_file
from interference_service.security.certificates import open_certificate
from interference_service.security.description import OidcDescription
from interference_service.security.keys import fetcher, open_keys, parse_keys
from interference_service.security.watched import UnusableFile

_LEAST_PART = 0.1
"""Of a certificate's life; what has less of it left should have been renewed."""


def certificate(
    chain: Path,
    key: Path,
    client_authorities: Path | None,
    variables: str = "INTERFERENCE_SECURITY__",
) -> str:
    """Whether the files belong together, and for how long they hold.

    Args:
        chain: File of the certificate.
        key: File of its key.
        client_authorities: File of who may have signed a client's; None: nobody is asked.
        variables: How the names of those begin that say where the files are.
    """
    try:
        found = open_certificate(chain, key, client_authorities, _nobody_is_told).current()
    except UnusableFile as error:
        raise Unwell(
            str(error),
            f"see {variables}CERTIFICATE, …KEY and …CLIENT_AUTHORITIES",
        ) from None
    own = x509.load_pem_x509_certificates(found.chain)[0]
    life = own.not_valid_after_utc - own.not_valid_before_utc
    left = found.expires - datetime.now(UTC)
    until = f"{chain} holds until {found.expires.isoformat()}"
    if left < _LEAST_PART * life:
        raise Unwell(
            f"{until}, which is soon", "renew it; a service that runs takes it up by itself"
        )
    asked = "" if client_authorities is None else "; clients need a certificate too"
    return until + asked


def access_file(path: Path) -> str:
    """Whether every line fits."""
    try:
        access = open_access_file(path, _nobody_is_told).current()
    except UnusableFile as error:
        raise Unwell(
            str(error), "mend the line, or see INTERFERENCE_SECURITY__ACCESS_FILE"
        ) from None
    return (
        f"{path}: tokens {len(access.tokens)}, certificates {len(access.certificates)}, "
        f"claims {len(access.claims)}"
    )


def issuer_keys(described: OidcDescription) -> str:
    """Whether there are keys that the issuer's tokens can be verified by."""
    remedy = "see that the issuer answers, and what INTERFERENCE_SECURITY__OIDC__… says of its keys"
    where = described.keys_file or described.keys_url
    try:
        if described.keys_file is not None:
            open_keys(described, _nobody_is_told)
        else:
            url, authorities = str(described.keys_url), described.keys_authorities
            fetch = fetcher(url, authorities, described.timeout_seconds)
            parse_keys(fetch(), described.algorithms)
    except UnusableFile as error:
        raise Unwell(str(error), remedy) from None
    except ValueError as error:
        raise Unwell(f"{where}: {error}", remedy) from None
    except (OSError, HTTPException) as error:
        raise Unwell(f"{where}: cannot be read ({type(error).__name__})", remedy) from None
    return f"{where} has keys of {described.issuer}"


def _nobody_is_told(_: Source) -> None:
    """Of a later change, for the files are read once."""
