"""Authorities and certificates, made for a test."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key."""

    certificate: x509.Certificate
    private: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key(self) -> bytes:
        return self.key_with(serialization.NoEncryption())

    def key_with(self, encryption: serialization.KeySerializationEncryption) -> bytes:
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )

    def write(self, directory: Path, name: str) -> tuple[Path, Path]:
        """Files of certificate and key."""
        paths = directory / f"{name}.crt", directory / f"{name}.key"
        paths[0].write_bytes(self.pem)
        paths[1].write_bytes(self.key)
        return paths


class Authority(Certificate):
    """Signs certificates."""

    def server(self, *names: str, **times: timedelta) -> Certificate:
        """For a server of these host names, or of this machine."""
        hosts: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        local = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        return _signed("server", self, hosts or local, **times)

    def client(self, name: str, spiffe_id: str = "", **times: timedelta) -> Certificate:
        """For a client of the subject ``CN=name``."""
        ids = [x509.UniformResourceIdentifier(spiffe_id)] if spiffe_id else []
        return _signed(name, self, ids, **times)


def authority(name: str = "authority") -> Authority:
    """One that nobody has signed."""
    made = _signed(name, None, [])
    return Authority(made.certificate, made.private)


def channel_credentials(
    trusted: Certificate, own: Certificate | None = None
) -> grpc.ChannelCredentials:
    """Of a client that trusts an authority, and may have a certificate of its own."""
    if own is None:
        return grpc.ssl_channel_credentials(trusted.pem)
    return grpc.ssl_channel_credentials(trusted.pem, own.key, own.pem)


def server_credentials(
    shown: Certificate, clients_by: Certificate | None = None
) -> grpc.ServerCredentials:
    """Of a server; with an authority, of one that asks its clients for certificates."""
    return grpc.ssl_server_credentials(
        [(shown.key, shown.pem)],
        clients_by.pem if clients_by else None,
        require_client_auth=clients_by is not None,
    )


def _signed(
    name: str,
    signer: Certificate | None,
    names: Sequence[x509.GeneralName],
    *,
    since: timedelta = -DAY,
    until: timedelta = DAY,
) -> Certificate:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.certificate.subject if signer else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + since)
        .not_valid_after(now + until)
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    by = signer.private if signer else private
    return Certificate(builder.sign(by, hashes.SHA256()), private)
