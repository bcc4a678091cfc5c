"""What strangers try at a service that asks who calls: handshakes, certificates, tokens."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import grpc

from hostile.clients.attack import MIB, SERVICE, Attack, Target, code_of
from hostile.clients.bodies import good_request
from hostile.clients.connections import all_closed, silent
from support.certificates import DAY, authority, channel_credentials
from support.http2 import PREFACE, SETTINGS, frame
from support.issuer import SigningKey
from support.secured import Secured
from support.waiting import eventually

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
INFO = f"{SERVICE}/GetServerInfo"
ISSUER_SECONDS = 10.0
"""The issuer is asked for its keys once in so long."""
MANY, AT_ONCE = 40, 8
ROUNDS, CALLS = 20, 16

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Guarded(Target):
    """A service that asks who calls, with a job of somebody whom it knows."""

    secured: Secured

    @contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        """A connection whose calls are those of somebody known."""
        token = grpc.access_token_call_credentials(self.secured.tokens["alice"])
        with self.connection(grpc.composite_channel_credentials(self._machine, token)) as channel:
            yield channel

    def stranger(self) -> grpc.Channel:
        """A connection of a machine that is known, whose calls show nothing."""
        return self.connection(self._machine)

    def connection(self, credentials: grpc.ChannelCredentials) -> grpc.Channel:
        options = (("grpc.use_local_subchannel_pool", 1),)
        return grpc.secure_channel(self.grpc, credentials, options)

    @property
    def _machine(self) -> grpc.ChannelCredentials:
        return channel_credentials(self.secured.authority, self.secured.machine)

    def tls(self) -> ssl.SSLContext:
        """What a client needs that shakes hands by itself."""
        context = ssl.create_default_context(cafile=self.secured.authorities)
        home = self.secured.home
        context.load_cert_chain(home / "machine.crt", home / "machine.key")
        context.set_alpn_protocols(["h2"])
        return context


def _codes(target: Guarded, shown: Sequence[Headers], body: bytes = b"") -> set[grpc.StatusCode]:
    """What a method answers to calls with these headers, several at once."""
    with target.stranger() as channel, ThreadPoolExecutor(AT_ONCE) as threads:
        call = channel.unary_unary(f"{SERVICE}/CreateAnalysisJob" if body else INFO)
        return set(
            threads.map(
                lambda headers: code_of(lambda: call(body, metadata=headers, timeout=30)), shown
            )
        )


def _bearer(*tokens: str) -> Headers:
    return tuple(("authorization", f"Bearer {each}") for each in tokens)


def _several_tokens(target: Guarded) -> None:
    alice, bob = target.secured.tokens["alice"], target.secured.tokens["bob"]
    issued = target.secured.signing.token()
    shown = [_bearer(alice, other) for other in (alice, bob, issued, "x")]
    shown += [_bearer(other, alice) for other in (bob, issued, "x")]
    assert _codes(target, shown) == {UNAUTHENTICATED}
    assert _codes(target, [_bearer(alice)]) == {grpc.StatusCode.OK}


def large_bodies(target: Guarded) -> None:
    """They take what the transport takes; the service keeps none of them."""
    request = good_request()
    request.analysis_job.spec.data.class_names.extend([""] * 400_000)
    body, before, most = request.SerializeToString(), target.cost().memory, 0
    for _ in range(ROUNDS):
        assert _codes(target, [()] * CALLS, body) == {UNAUTHENTICATED}
        most = max(most, target.cost().memory)
    assert most - before < ROUNDS * CALLS * len(body) / 2, f"{(most - before) / MIB:.0f} MiB"


def _hello(target: Guarded) -> bytes:
    """The beginning of a handshake."""
    said = ssl.MemoryBIO()
    handshake = target.tls().wrap_bio(ssl.MemoryBIO(), said, server_hostname="localhost")
    try:
        handshake.do_handshake()
    except ssl.SSLWantReadError:
        return said.read()
    raise AssertionError("a handshake without anybody")


def _stalled_handshakes(target: Guarded) -> None:
    hello = _hello(target)
    for begin in (b"", hello[: len(hello) // 2], hello):
        with silent(target, MANY, begin) as opened:
            assert target.answers()
            eventually(lambda opened=opened: all_closed(opened), within_seconds=15)


def _plain_text(target: Guarded) -> None:
    for begin in (PREFACE + frame(SETTINGS, 0, 0), b"GET / HTTP/1.1\r\n\r\n", bytes(100_000)):
        with silent(target, MANY, begin) as opened:
            assert target.answers()
            eventually(lambda opened=opened: all_closed(opened), within_seconds=15)


def _after_the_handshake(*words: bytes) -> Callable[[Guarded], None]:
    """Say something that is no HTTP/2 once the handshake is done; the connection ends."""

    def run(target: Guarded) -> None:
        for word in words:
            with ExitStack() as stack:
                opened = []
                for _ in range(MANY):
                    plain = socket.create_connection(("127.0.0.1", target.port), 15)
                    secure = target.tls().wrap_socket(plain, server_hostname="localhost")
                    opened.append(stack.enter_context(secure))
                    with suppress(OSError):  # it may be closed already
                        secure.sendall(word)
                assert target.answers()
                assert all(_ends(each) for each in opened)

    return run


def _ends(connection: ssl.SSLSocket) -> bool:
    try:
        while connection.recv(1 << 16):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass  # it is cut, without the words that TLS has for the end
    return True


def _bad_tokens(target: Guarded) -> None:
    """Of an issuer that is known, as they say; it is not asked for every one of them."""
    known, own = target.secured.signing, SigningKey("one")
    good = known.token()
    tokens = [SigningKey(f"unknown-{each}").token() for each in range(100)]
    tokens += [own.token(jti=str(each)) for each in range(100)]
    tokens += [known.token(exp=each) for each in (0, -1, 2**40 * -1)]
    tokens += [known.token(aud="another"), known.token(iss="https://another"), good[:-4], "a.b.c"]
    tokens += ["..", "e30.e30.", f"{'A' * 5000}.{'A' * 1000}.A"]
    asked, begin = len(target.secured.issuer.requests), time.monotonic()
    assert _codes(target, [_bearer(each) for each in tokens]) == {UNAUTHENTICATED}
    most = 1 + (time.monotonic() - begin) // ISSUER_SECONDS
    assert len(target.secured.issuer.requests) - asked <= most
    assert target.secured.issuer.requests


def _certificates(target: Guarded) -> None:
    """Who has none, or one that is over, not yet valid or another authority's, is not let in."""
    ours, other = target.secured.authority, authority()
    shown = (
        None,
        ours.client("machine", since=-2 * DAY, until=-DAY),
        ours.client("machine", since=DAY, until=2 * DAY),
        other.client("machine"),
    )
    for each in shown:
        with target.connection(channel_credentials(ours, each)) as channel:
            code = code_of(lambda c=channel: c.unary_unary(INFO)(b"", timeout=10))
            assert code is grpc.StatusCode.UNAVAILABLE, code


ATTACKS = (
    Attack("several tokens in a call", _several_tokens),
    Attack("large bodies without a token", large_bodies),
    Attack("handshakes that are not finished", _stalled_handshakes),
    Attack("plain text where TLS is spoken", _plain_text),
    Attack("nothing after the handshake", _after_the_handshake(b"")),
    Attack(
        "garbage after the handshake",
        _after_the_handshake(b"\xff" * 10_000, b"GET / HTTP/1.1\r\n\r\n", bytes(100_000)),
    ),
    Attack("a flood of tokens that nobody issued", _bad_tokens),
    Attack("certificates that are not good", _certificates),
)
