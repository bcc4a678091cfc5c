"""Zip files that unfold, lie, repeat and nest, in the place of an exported program."""

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable

from hostile.pickles import raw, refused
from hostile.reference import HostileReference, Site
from support.archives import Draft, draft, zipped

GRAPH = "models/model.json"
_NO_JSON = "has no readable JSON in 'models/model.json'"
_OUTSIDE = "has members outside one root folder"


def written(
    name: str, content: Callable[[], bytes], words: str, **more: object
) -> HostileReference:
    """Bytes in the place of an archive."""
    return raw(name, lambda _: content(), words, **more)


def _members(**added: bytes) -> dict[str, bytes]:
    return draft().all_members() | added


def _graph(content: bytes) -> Callable[[Draft, Site], None]:
    return lambda changed, _: changed.members.update({GRAPH: content})


def _named(name: str) -> Callable[[], bytes]:
    """A good archive with a member of that full name."""
    whole = {f"model/{each}": content for each, content in draft().all_members().items()}
    return lambda: zipped(whole | {name: b"\x7fELF"}, root="")


def _deflated(size: int) -> Callable[[], bytes]:
    return lambda: zipped(
        _members(**{GRAPH: b" " * size}), compression=zipfile.ZIP_DEFLATED, compresslevel=9
    )


def _twice() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        for content in (json.dumps(draft().document).encode(), b"{}"):
            archive.writestr(f"model/{GRAPH}", content)
    return buffer.getvalue()


def _overlapping() -> bytes:
    """Many members that are the same bytes of the file."""
    good = zipped({"data/weights/weight_0": bytes(1 << 20)}, root="model/")
    end = good.index(b"PK\x05\x06")
    start = good.index(b"PK\x01\x02")
    entries = []
    for number in range(1000):
        entry = bytearray(good[start:end])
        at = entry.index(b"weight_0")
        length = len(f"weight_{number}") - len("weight_0")
        entry[at : at + 8] = f"weight_{number}".encode()
        struct.pack_into("<H", entry, 28, struct.unpack_from("<H", entry, 28)[0] + length)
        entries.append(bytes(entry))
    directory = b"".join(entries)
    tail = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1000, 1000, len(directory), start, 0)
    return good[:start] + directory + tail


def _end(**changes: int) -> Callable[[], bytes]:
    """A good archive whose end claims something else."""

    def content() -> bytes:
        good = bytearray(zipped(draft().all_members()))
        at = good.index(b"PK\x05\x06")
        form, offset = {"entries": ("<H", 10), "size": ("<I", 12), "start": ("<I", 16)}[
            next(iter(changes))
        ]
        struct.pack_into(form, good, at + offset, next(iter(changes.values())))
        return bytes(good)

    return content


def _patched(record: bytes, offset: int, form: str, value: int) -> Callable[[], bytes]:
    def content() -> bytes:
        good = bytearray(zipped(draft().all_members()))
        struct.pack_into(form, good, good.index(record) + offset, value)
        return bytes(good)

    return content


def _crowded(count: int) -> Callable[[], bytes]:
    """An archive of many empty members, whose directory alone is large."""

    def content() -> bytes:
        name = b"model/extra/"
        head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, len(name) + 8, 0)
        local = head + name + b"00000000"
        one = struct.pack(
            "<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, len(name) + 8, 0, 0, 0, 0, 0, 0
        )
        directory = b"".join(one + name + b"%08d" % each for each in range(count))
        tail = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 65535, 65535, len(directory), len(local), 0)
        return local + directory + tail

    return content


def _truncated(tenths: int) -> HostileReference:
    def content() -> bytes:
        whole = zipped(draft().all_members())
        return whole[: len(whole) * tenths // 10]

    return written(f"an archive cut after {tenths} tenths", content, "is not an archive")


REFERENCES = (
    written(
        "a bomb of 1 GiB",
        _deflated(1 << 30),
        "has the compressed or encrypted member",
        end_to_end=True,
    ),
    written("members that are the same bytes", _overlapping, "claims to hold"),
    written("a graph that is there twice", _twice, "has the member 'models/model.json' twice"),
    written("two roots", _named("other/models/model.json"), _OUTSIDE),
    written("a member above the root", _named("../../evil.so"), _OUTSIDE, end_to_end=True),
    written(
        "a member above the root, below it", _named("model/../../evil.so"), "which is not read"
    ),
    written("an absolute member", _named("/etc/cron.d/evil"), _OUTSIDE),
    written("a member with backslashes", _named("model\\..\\evil"), "outside one root folder"),
    written(
        "a member with an endless name", _named("model/" + "n" * 60_000), "has the member 'nnn"
    ),
    written("100,000 members", _crowded(100_000), "members; 1 to 20000 are read", end_to_end=True),
    written("a million members", _crowded(1_000_000), "bytes of names of its members"),
    written("an end that claims a larger directory", _end(size=0xFFFFFFF0), "is not an archive"),
    written("an end that claims another place", _end(start=0xFFFFFFF0), "has the damaged member"),
    written("an encrypted member", _patched(b"PK\x01\x02", 8, "<H", 1), "compressed or encrypted"),
    written(
        "a member that claims 2 GiB",
        _patched(b"PK\x01\x02", 24, "<I", 1 << 31),
        "compressed or encrypted",
    ),
    written(
        "a member of an unknown compression",
        _patched(b"PK\x01\x02", 10, "<H", 99),
        "compressed or encrypted",
    ),
    written(
        "a member behind the file", _patched(b"PK\x01\x02", 42, "<I", 1 << 31), "damaged member"
    ),
    written("a member of another checksum", _patched(b"PK\x01\x02", 16, "<I", 7), "damaged member"),
    written(
        "a member of another name in its place",
        _patched(b"PK\x03\x04", 30, "<B", 65),
        "damaged member",
    ),
    *(_truncated(tenths) for tenths in range(10)),
    refused("a graph nested a million deep", _graph(b"[" * 1_000_000), _NO_JSON, end_to_end=True),
    refused(
        "objects nested 100,000 deep", _graph(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), _NO_JSON
    ),
    refused(
        "a graph with a key twice", _graph(b'{"graph_module": {}, "graph_module": {}}'), _NO_JSON
    ),
    refused("a graph of 65 MiB", _graph(b" " * (65 << 20)), "of models/model.json; at most"),
    refused(
        "a graph of 60 MiB of empty lists",
        _graph(b"[" + b"[]," * (20 << 20) + b"[]]"),
        "20971522 lists and objects; at most",
    ),
    refused("a graph that is no text", _graph(b"\xff\xfe\xfd"), _NO_JSON),
    refused("a graph that is a number of a million digits", _graph(b"9" * 1_000_000), _NO_JSON),
    refused(
        "a version that is not a number",
        _graph(b'{"schema_version": {"major": NaN}}'),
        "has version nan of the format",
    ),
    refused(
        "a version beyond numbers",
        _graph(b'{"schema_version": {"major": 1e999}}'),
        "has version inf of the format",
    ),
)
