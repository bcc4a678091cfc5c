"""The server's certificate, read again when it is renewed."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from interference_service.domain.access import Source
from interference_service.security.watched import Failed, UnusableFile, Watched, read_bytes


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """What the server shows, and whom it asks."""

    chain: bytes
    """Its certificate and those between it and its authority, PEM."""
    key: bytes = field(repr=False)
    """PEM without a password."""
    client_authorities: bytes | None
    """Who may have signed a client's certificate, PEM; None: clients are not asked for one."""
    expires: datetime


def open_certificate(
    certificate: Path, key: Path, client_authorities: Path | None, failed: Failed
) -> Watched[ServerCertificate]:
    """The certificate in these files, read again when one of them changes.

    Args:
        certificate: File of the chain.
        key: File of the key.
        client_authorities: File of the authorities; None: clients are not asked for a certificate.
        failed: Is told when a change cannot be used.

    Raises:
        UnusableFile: A file cannot be read, they do not belong together, or it has expired.
    """
    paths = [path for path in (certificate, key, client_authorities) if path is not None]
    return Watched(
        Source.CERTIFICATE,
        paths,
        lambda: load_certificate(certificate, key, client_authorities),
        failed,
    )


def load_certificate(
    certificate: Path, key: Path, client_authorities: Path | None
) -> ServerCertificate:
    """The certificate in these files, as of now; see ``open_certificate``.

    Raises:
        UnusableFile: A file cannot be read, they do not belong together, or it has expired.
    """
    chain, secret = read_bytes(certificate), read_bytes(key)
    authorities = None if client_authorities is None else read_bytes(client_authorities)
    own = _certificates(chain, certificate)[0]
    if _public_key_of(own, certificate) != _public_key(secret, key):
        raise UnusableFile(f"{key}: is not the key of the certificate in {certificate}")
    if authorities is not None and client_authorities is not None:
        _certificates(authorities, client_authorities)
    expires = own.not_valid_after_utc
    if expires <= datetime.now(UTC):
        raise UnusableFile(f"{certificate}: the certificate expired at {expires.isoformat()}")
    return ServerCertificate(chain, secret, authorities, expires)


_FORM = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _certificates(pem: bytes, path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise UnusableFile(f"{path}: is not a certificate in PEM") from error


def _public_key_of(certificate: x509.Certificate, path: Path) -> bytes:
    try:
        return certificate.public_key().public_bytes(*_FORM)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UnusableFile(f"{path}: has a key of a kind that is not known") from error


def _public_key(pem: bytes, path: Path) -> bytes:
    try:
        return load_pem_private_key(pem, None).public_key().public_bytes(*_FORM)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnusableFile(f"{path}: is not a private key in PEM without a password") from error
