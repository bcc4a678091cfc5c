"""TLS on a real socket: who gets through, and what happens when files change."""

from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from interference.v1 import analysis_service_pb2 as wire, analysis_service_pb2_grpc
from interference_service.domain.access import Credentials, Principal, Role
from interference_service.rpc.interceptors import interceptors
from interference_service.rpc.server import RpcServer
from interference_service.rpc.tls import server_credentials
from interference_service.security.certificates import open_certificate
from support.access import Failures, replace
from support.certificates import DAY, Authority, Certificate, authority, channel_credentials
from support.rpc_fakes import FakeJobs, ignore, refused, servicer

AUTHORITY, OTHER = authority(), authority("other")
ALICE = AUTHORITY.client("alice", "spiffe://acme/alice")


class Witness:
    """Lets everybody in, and notes what they show."""

    def __init__(self) -> None:
        self.seen: list[Credentials] = []

    async def authenticate(self, shown):
        self.seen.append(shown)
        return Principal("somebody", {"*": Role.READER})


class Port:
    """A server with TLS, and what it is made of."""

    def __init__(self, directory: Path, certificate: Certificate, *, mutual: bool) -> None:
        self.certificate, self.key = certificate.write(directory, "server")
        self.authorities = directory / "authorities"
        self.authorities.write_bytes(AUTHORITY.pem)
        self.failures, self.witness = Failures(), Witness()
        opened = open_certificate(
            self.certificate, self.key, self.authorities if mutual else None, self.failures
        )
        self.server = RpcServer(
            servicer(FakeJobs()),
            interceptors=interceptors(ignore, self.witness),
            address="127.0.0.1:0",
            credentials=server_credentials(opened),
        )

    @asynccontextmanager
    async def reached(self, credentials: grpc.ChannelCredentials, host: str = "127.0.0.1"):
        """A connection of its own."""
        options = (("grpc.use_local_subchannel_pool", 1),)
        address = f"{host}:{self.server.port}"
        async with grpc.aio.secure_channel(address, credentials, options) as channel:
            yield analysis_service_pb2_grpc.AnalysisServiceStub(channel)

    async def answers(self, credentials: grpc.ChannelCredentials) -> None:
        async with self.reached(credentials) as stub:
            await asks(stub)

    async def refuses(self, credentials: grpc.ChannelCredentials) -> None:
        async with self.reached(credentials) as stub:
            error = await refused(stub.GetServerInfo(wire.GetServerInfoRequest(), timeout=60))
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert self.witness.seen == []


async def asks(stub) -> None:
    assert (await stub.GetServerInfo(wire.GetServerInfoRequest(), timeout=60)).version == "1.2.3"


@pytest.fixture
async def listening(tmp_path: Path):
    """Starts servers, and stops them."""
    started = []

    async def start(certificate: Certificate | None = None, *, mutual: bool = True) -> Port:
        port = Port(tmp_path, certificate or AUTHORITY.server(), mutual=mutual)
        await port.server.start()
        started.append(port)
        return port

    yield start
    for port in started:
        await port.server.stop(0)


async def test_a_client_with_a_certificate_is_known_by_its_spiffe_id(listening):
    port = await listening()
    await port.answers(channel_credentials(AUTHORITY, ALICE))
    assert port.witness.seen == [Credentials((), "spiffe://acme/alice")]


async def test_a_client_without_a_spiffe_id_is_known_by_its_subject(listening):
    port = await listening()
    await port.answers(channel_credentials(AUTHORITY, AUTHORITY.client("bob")))
    assert port.witness.seen == [Credentials((), "CN=bob")]


async def test_without_authorities_of_clients_none_shows_a_certificate(listening):
    port = await listening(mutual=False)
    await port.answers(channel_credentials(AUTHORITY))
    await port.answers(channel_credentials(AUTHORITY, ALICE))
    assert [shown.certificate for shown in port.witness.seen] == ["", ""]


@pytest.mark.parametrize(
    "credentials",
    [
        channel_credentials(AUTHORITY),
        channel_credentials(AUTHORITY, OTHER.client("alice", "spiffe://acme/alice")),
        channel_credentials(AUTHORITY, AUTHORITY.client("alice", since=-2 * DAY, until=-DAY)),
        channel_credentials(AUTHORITY, AUTHORITY.client("alice", since=DAY, until=2 * DAY)),
        channel_credentials(
            AUTHORITY, Authority(ALICE.certificate, ALICE.private).client("mallory")
        ),
        channel_credentials(OTHER, ALICE),
    ],
    ids=["none", "of another authority", "expired", "early", "signed by a client", "distrustful"],
)
async def test_a_client_whose_certificate_does_not_fit_gets_no_connection(listening, credentials):
    port = await listening()
    await port.refuses(credentials)


async def test_a_client_that_speaks_in_the_clear_gets_no_connection(listening):
    port = await listening()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port.server.port}") as channel:
        stub = analysis_service_pb2_grpc.AnalysisServiceStub(channel)
        error = await refused(stub.GetServerInfo(wire.GetServerInfoRequest(), timeout=60))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert port.witness.seen == []


async def test_a_server_of_another_name_is_not_trusted(listening):
    port = await listening(AUTHORITY.server("elsewhere.example"))
    await port.refuses(channel_credentials(AUTHORITY, ALICE))


async def test_a_server_whose_certificate_expires_is_not_trusted(listening):
    # It is loaded a moment before its end, as it would be that runs beyond it.
    port = await listening(AUTHORITY.server(since=-2 * DAY, until=timedelta(seconds=3)))
    credentials = channel_credentials(AUTHORITY, ALICE)

    async def answers_for_ever() -> None:
        while True:
            await port.answers(credentials)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await answers_for_ever()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_is_renewed_while_connections_are_open(listening):
    port = await listening()
    old = channel_credentials(AUTHORITY, ALICE)
    renewed = OTHER.server()
    async with port.reached(old) as open_before:
        await asks(open_before)
        replace(port.certificate, renewed.pem)
        # The key is not there yet: the old pair serves on.
        await port.answers(old)
        assert len(port.failures) == 1
        replace(port.key, renewed.key)
        await port.answers(channel_credentials(OTHER, ALICE))
        await asks(open_before)
    async with port.reached(old) as stub:
        error = await refused(stub.GetServerInfo(wire.GetServerInfoRequest(), timeout=60))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert len(port.failures) == 1


async def test_authorities_of_clients_are_exchanged_while_connections_are_open(listening):
    port = await listening()
    bob = channel_credentials(AUTHORITY, OTHER.client("bob"))
    alice = channel_credentials(AUTHORITY, ALICE)
    await port.refuses(bob)
    async with port.reached(alice) as open_before:
        await asks(open_before)
        replace(port.authorities, OTHER.pem)
        await port.answers(bob)
        await asks(open_before)
    async with port.reached(alice) as stub:
        error = await refused(stub.GetServerInfo(wire.GetServerInfoRequest(), timeout=60))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
