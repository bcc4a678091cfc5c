"""The server's certificate and key."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from interference_service.domain.access import Source
from interference_service.security.certificates import ServerCertificate, open_certificate
from interference_service.security.watched import UnusableFile, Watched
from support.access import Failures, replace
from support.certificates import Certificate, authority

AUTHORITY = authority()


class Files:
    """Certificate, key and authorities in files."""

    def __init__(self, directory: Path, certificate: Certificate) -> None:
        self.certificate, self.key = certificate.write(directory, "server")
        self.authorities = directory / "authorities"
        self.authorities.write_bytes(AUTHORITY.pem)
        self.failures = Failures()

    def open(self, *, mutual: bool = True) -> Watched[ServerCertificate]:
        authorities = self.authorities if mutual else None
        return open_certificate(self.certificate, self.key, authorities, self.failures)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path, AUTHORITY.server())


def test_the_files_are_served_as_they_are(files):
    loaded = files.open().current()
    assert loaded.chain == files.certificate.read_bytes()
    assert loaded.key == files.key.read_bytes()
    assert loaded.client_authorities == AUTHORITY.pem
    assert files.open(mutual=False).current().client_authorities is None
    assert loaded.key.decode() not in repr(loaded)


def test_the_expiry_is_that_of_the_server_s_own_certificate(files):
    server = AUTHORITY.server(until=timedelta(hours=5))
    files.certificate.write_bytes(server.pem + AUTHORITY.pem)
    files.key.write_bytes(server.key)
    assert files.open().current().expires == server.certificate.not_valid_after_utc


def test_a_new_pair_takes_the_place_of_the_old_one_once_both_are_there(files):
    opened, renewed = files.open(), AUTHORITY.server()
    old = opened.current()
    replace(files.certificate, renewed.pem)
    assert opened.current() is old
    assert files.failures == [Source.CERTIFICATE]
    replace(files.key, renewed.key)
    assert (opened.current().chain, opened.current().key) == (renewed.pem, renewed.key)
    assert len(files.failures) == 1


def test_a_half_written_certificate_changes_nothing(files):
    opened = files.open()
    old = opened.current()
    replace(files.certificate, old.chain[: len(old.chain) // 2])
    assert opened.current() is old
    assert files.failures == [Source.CERTIFICATE]


def test_authorities_are_renewed_too(files):
    opened, other = files.open(), authority("other")
    replace(files.authorities, AUTHORITY.pem + other.pem)
    assert opened.current().client_authorities == AUTHORITY.pem + other.pem


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("certificate", b"nonsense", "server.crt: is not a certificate in PEM"),
        ("key", b"nonsense", "server.key: is not a private key in PEM without a password"),
        ("key", authority().key, "server.key: is not the key of the certificate in .*server.crt"),
        ("authorities", b"nonsense", "authorities: is not a certificate in PEM"),
        (
            "key",
            AUTHORITY.key_with(serialization.BestAvailableEncryption(b"password")),
            "server.key: is not a private key in PEM without a password",
        ),
    ],
)
def test_what_cannot_be_served_is_named(files, name, content, told):
    getattr(files, name).write_bytes(content)
    with pytest.raises(UnusableFile, match=told):
        files.open()


def test_a_certificate_that_has_expired_is_not_served(tmp_path: Path):
    expired = AUTHORITY.server(until=-timedelta(hours=1))
    with pytest.raises(UnusableFile, match=r"server.crt: the certificate expired at 20\d\d-"):
        Files(tmp_path, expired).open()
