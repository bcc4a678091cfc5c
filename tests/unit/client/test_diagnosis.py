"""Why a service cannot be reached, told in words that say what to do; with real handshakes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

from interference.v1 import analysis_service_pb2 as service_pb2
from interference_client import Client, errors
from support.certificates import DAY, authority, server_credentials
from support.scripted_service import ScriptedService, serving

AUTHORITY, STRANGER = authority(), authority("stranger")
GOOD = AUTHORITY.server()


@pytest.fixture
def info(service: ScriptedService, tmp_path):
    """Asks a server with these credentials."""
    service.script("GetServerInfo", service_pb2.ServerInfo(version="1.2.3"))
    ca, _ = AUTHORITY.write(tmp_path, "ca")
    certificate, key = AUTHORITY.client("user").write(tmp_path, "user")
    own_certificate, own_key = STRANGER.client("user").write(tmp_path, "stranger")
    access = {
        "trusting": {"ca": ca},
        "trusting others": {"ca": STRANGER.write(tmp_path, "others")[0]},
        "plaintext": {},
        "known": {"ca": ca, "certificate": certificate, "key": key},
        "unknown": {"ca": ca, "certificate": own_certificate, "key": own_key},
    }

    def ask(credentials: grpc.ServerCredentials | None, client: str) -> str:
        serve = serving(service, credentials=credentials)
        with serve as port, Client(f"127.0.0.1:{port}", **access[client]) as asking:
            return asking.server_info().version

    return ask


def test_a_service_that_is_trusted_is_spoken_to(info):
    assert info(server_credentials(GOOD), "trusting") == "1.2.3"
    assert info(server_credentials(GOOD, AUTHORITY), "known") == "1.2.3"


@pytest.mark.parametrize(
    ("shown", "client", "message"),
    [
        (GOOD, "trusting others", "signed by nobody that this client trusts"),
        (AUTHORITY.server("other.example"), "trusting", "is for other names"),
        (AUTHORITY.server(since=-2 * DAY, until=-DAY), "trusting", "has expired"),
        (None, "trusting", "there is no TLS on that port"),
    ],
)
def test_a_handshake_that_cannot_succeed_says_why_and_is_tried_once(info, shown, client, message):
    with pytest.raises(errors.HandshakeFailed, match=message):
        info(server_credentials(shown) if shown else None, client)


@pytest.mark.parametrize(
    ("client", "message"),
    [("trusting", "asks for a client certificate"), ("unknown", "does it trust the authority")],
)
def test_a_server_that_hangs_up_on_the_client_is_guessed_at(info, client, message):
    with pytest.raises(errors.Unavailable, match=message):
        info(server_credentials(GOOD, AUTHORITY), client)


def test_plaintext_to_tls_is_guessed_at(info):
    with pytest.raises(errors.Unavailable, match="hung up on plaintext"):
        info(server_credentials(GOOD), "plaintext")


@contextmanager
def web_server() -> Iterator[int]:
    """What answers every connection as a web server would."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    peer, _ = listening.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(100)
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def test_a_web_server_is_told_from_a_service():
    refused = pytest.raises(errors.Unavailable, match="no gRPC service")
    with web_server() as port, Client(f"127.0.0.1:{port}") as client, refused:
        client.server_info()


def test_a_port_where_nobody_listens_is_named():
    refused = pytest.raises(errors.Unavailable, match=r"127\.0\.0\.1:1: nobody listens there")
    with Client("127.0.0.1:1") as client, refused:
        client.server_info()


def test_a_name_that_nobody_has_is_named():
    refused = pytest.raises(errors.Unavailable, match="cannot be resolved")
    with Client("no-such-host.invalid:1", insecure=True) as client, refused:
        client.server_info()
