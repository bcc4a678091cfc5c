"""A file of ranges reads as any file does, in few requests that fetch little more than is read."""

import io
import random
import tarfile

import pytest
from hypothesis import given, strategies as st

from interference_service.references.stores.ranged import (
    FIRST_BYTES,
    MOST_BYTES,
    Answer,
    open_ranged,
)

CONTENT = random.Random(0).randbytes(3_000_000)


class Server:
    """Bytes, and which ranges of them were asked for."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[tuple[int, int]] = []

    def request(self, offset: int, length: int) -> Answer:
        assert 0 <= offset < offset + length <= len(self.content)
        self.asked.append((offset, length))
        return lambda: self.content[offset : offset + length]

    @property
    def fetched(self) -> int:
        return sum(length for _, length in self.asked)


steps = st.lists(
    st.tuples(st.integers(0, len(CONTENT) + 10), st.sampled_from([0, 1, 500, 70_000, 5_000_000])),
    max_size=8,
)


@given(steps)
def test_any_reads_give_what_a_file_in_memory_gives(wanted):
    found, right = open_ranged(len(CONTENT), Server(CONTENT).request), io.BytesIO(CONTENT)
    for position, length in wanted:
        assert found.seek(position) == right.seek(position)
        assert found.read(length) == right.read(length)
        assert found.tell() == right.tell()


def test_the_end_of_a_large_file_is_read_without_the_rest():
    server = Server(bytes(1 << 26))
    with open_ranged(len(server.content), server.request) as file:
        file.seek(-8, io.SEEK_END)
        file.read()
        file.seek(-FIRST_BYTES, io.SEEK_END)
        file.read(FIRST_BYTES)
    assert server.fetched <= 2 * FIRST_BYTES


def test_a_tar_is_read_in_few_requests():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for number in range(4000):
            member = tarfile.TarInfo(f"{number}.jpg")
            member.size = 5000
            tar.addfile(member, io.BytesIO(bytes(5000)))
    server = Server(packed.getvalue())
    file = open_ranged(len(server.content), server.request)
    with tarfile.open(fileobj=file, mode="r|") as tar:
        names = [each.name for each in tar]
    assert len(names) == 4000
    assert len(server.asked) < 16
    assert server.fetched == len(server.content)


def test_what_comes_next_is_asked_for_before_it_is_needed():
    server = Server(bytes(20 << 20))
    with open_ranged(len(server.content), server.request) as file:
        while file.tell() < 10 << 20:
            file.read(100_000)
    ends = [offset + length for offset, length in server.asked]
    assert ends[-1] > (10 << 20) + 100_000
    assert [offset for offset, _ in server.asked[1:]] == ends[:-1]
    assert max(length for _, length in server.asked) == MOST_BYTES


def test_an_empty_file_is_read_without_a_request():
    server = Server(b"")
    assert open_ranged(0, server.request).read() == b""
    assert server.asked == []


def test_a_failed_request_reaches_the_reader():
    def request(offset: int, length: int) -> Answer:
        def fail() -> bytes:
            raise KeyError("gone")

        return fail

    with pytest.raises(KeyError):
        open_ranged(10, request).read()


def test_no_position_before_the_start():
    with pytest.raises(ValueError, match="before the start"):
        open_ranged(10, Server(bytes(10)).request).seek(-1)
