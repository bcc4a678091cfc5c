"""TLS of the server's port, with a certificate that may be renewed."""

import grpc

from interference_service.security.certificates import ServerCertificate
from interference_service.security.watched import Watched


def server_credentials(certificate: Watched[ServerCertificate]) -> grpc.ServerCredentials:
    """Credentials whose every handshake shows the certificate as it is then.

    Connections that are open keep what they began with.
    """
    served = certificate.current()

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal served
        now = certificate.current()
        if now is served:
            return None  # what gRPC has is good
        served = now
        return _configuration(now)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(served),
        renewed,  # type: ignore[arg-type]  # the stubs do not know that it may return None
        # gRPC for Python either demands a client's certificate or does not ask for one.
        require_client_authentication=served.client_authorities is not None,
    )


def _configuration(certificate: ServerCertificate) -> grpc.ServerCertificateConfiguration:
    pair = certificate.key, certificate.chain
    return grpc.ssl_server_certificate_configuration([pair], certificate.client_authorities)
