"""TLS of the metrics port, with a certificate that may be renewed."""

import ssl
from pathlib import Path

from interference_service.domain.access import Source
from interference_service.security.certificates import load_certificate
from interference_service.security.watched import Failed, UnusableFile, Watched


def open_context(
    certificate: Path, key: Path, client_authorities: Path | None, failed: Failed
) -> Watched[ssl.SSLContext]:
    """What handshakes are made with, made again when one of the files changes.

    A client may show a certificate where there are authorities; what it gets without one is up to
    the port.

    Args:
        certificate: File of the chain.
        key: File of the key.
        client_authorities: File of who may have signed a client's certificate; None: no client is
            asked for one.
        failed: Is told when a change cannot be used.

    Raises:
        UnusableFile: A file cannot be read, they do not belong together, or it has expired.
    """
    paths = [path for path in (certificate, key, client_authorities) if path is not None]
    return Watched(
        Source.METRICS_CERTIFICATE,
        paths,
        lambda: _context(certificate, key, client_authorities),
        failed,
    )


def _context(certificate: Path, key: Path, client_authorities: Path | None) -> ssl.SSLContext:
    load_certificate(certificate, key, client_authorities)  # says more of what does not fit
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
        if client_authorities is not None:
            context.load_verify_locations(client_authorities)
            context.verify_mode = ssl.CERT_OPTIONAL
    except OSError as error:
        raise UnusableFile(f"{certificate}: cannot be used for TLS ({error.strerror})") from error
    return context
