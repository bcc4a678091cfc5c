"""Connections that say nothing, that are many, or that stay."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from hostile.clients.attack import MOST_FILES, WAITING, Attack, Target
from support.http2 import PREFACE, SETTINGS, Connection, frame
from support.waiting import eventually

MOST = int(WAITING["INTERFERENCE_GRPC__MAX_CONNECTIONS"])
SURPLUS = 300
TLS_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(194)


@contextmanager
def silent(target: Target, number: int, begin: bytes = b"") -> Iterator[list[socket.socket]]:
    """TCP connections that send a beginning and then nothing."""
    with ExitStack() as stack:
        opened = []
        for _ in range(number):
            each = stack.enter_context(socket.create_connection(("127.0.0.1", target.port), 10))
            with suppress(ConnectionError):  # it may be closed already
                each.sendall(begin)
            each.setblocking(False)
            opened.append(each)
        yield opened


def _closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1 << 16) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def all_closed(connections: list[socket.socket]) -> bool:
    left = [each for each in connections if not _closed(each)]
    connections[:] = left
    return not left


def _waiting_for_a_word(target: Target) -> None:
    for begin in (b"", b"PRI * HTTP/2.0\r\n", b"GET / HTTP/1.1\r\n", TLS_HELLO):
        with silent(target, 40, begin) as opened:
            assert target.answers()
            eventually(lambda opened=opened: all_closed(opened), within_seconds=15)


def _flood(target: Target) -> None:
    """Beyond the limit they are closed at once; those of others come through afterwards."""
    before = target.cost().files
    with silent(target, MOST + SURPLUS, PREFACE + frame(SETTINGS, 0, 0)) as opened:
        most = max(target.cost().files for _ in range(5))
        eventually(lambda: sum(map(_closed, opened)) >= SURPLUS, within_seconds=10)
    assert most - before <= MOST + MOST_FILES


def _idle(target: Target) -> None:
    with ExitStack() as stack:
        opened = [stack.enter_context(Connection(target.port, seconds=15)) for _ in range(50)]
        assert all(each.closed() for each in opened)


def _same_port(target: Target) -> None:
    """Nobody else of this machine gets a part of the calls."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            other.bind(("127.0.0.1", target.port))
        except OSError:
            return
    raise AssertionError("a second process could listen at the port")


ATTACKS = (
    Attack("connections that do not begin", _waiting_for_a_word),
    Attack("a flood of connections", _flood),
    Attack("connections without calls", _idle),
    Attack("a second process on the port", _same_port),
)
