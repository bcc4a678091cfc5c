"""Requests that are nearly good: valid ones with fields, bytes and lengths changed at random.

The message of a number is the same whatever others are made, so that one can be made again.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_INTEGERS = (0, 1, -1, 2, 63, 64, 65, 10_000, 10_001, 2**31 - 1, -(2**31))
_LONG = (2**63 - 1, -(2**63), 253_402_300_800, -62_135_596_801, 315_576_000_001)
_UNSIGNED = (0, 1, 2**32 - 1)
_DOUBLES = (
    *(0.0, -0.0, 0.5, 1.0, -1.0, 5e-324, 1e308, -1e308),
    *(float("nan"), float("inf"), -float("inf")),
)
_ENUMERATIONS = (0, 1, 2, 3, 9, 99, -1, 2**31 - 1, -(2**31))
_TEXTS = (
    *("", " ", "a", "A", "-", "_", ".", "..", "/", "//", "0", "nan", "null", "*", "%", "'", '"'),
    *("\0", "\n", "\t", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "\ufffd"),
    *("Müll", "雪", "👩‍🔬", "e\u0301", "\U0010ffff", "İ", "ß", "ﬁ"),
    *("data://mlp.pt2", "data://rows.parquet", "data://none", "data://../x", "file:///etc/passwd"),
    *("models:/net/1", "models:/net@best", "http://169.254.169.254/", "s3://bucket/x", "data://"),
    *("sha256:" + "0" * 64, "sha256:" + "g" * 64),
    *('{"a": "\\ud800"}', '{"hidden": [8], "classes": 4}', "[" * 5000, "{}", "[]", "1e999"),
    *("projects/default", "projects/default/analysisJobs/x", "projects/p/analysisJobs/x/result"),
    *("state = RUNNING", "NOT " * 50, "(" * 50, "labels.a = b AND labels:c", "create_time < 1"),
    *("create_time > 9999-12-31T23:59:59-23:59", "priority >= HIGH", 'monitor = "\0"'),
    *("end_time desc", "create_time", "summary/worst_progress_ratio", "shared/cosine/a/b"),
    *("a" * 64, "a" * 129, "x" * 1025, "é" * 5000, "y" * 70_000),
)
_MOST_GROWN = 3000
_MOST_BYTES = 1_200_000
"""Longest message; a little more than a server reads."""
_FIXED = {
    FieldDescriptor.TYPE_DOUBLE: _DOUBLES,
    FieldDescriptor.TYPE_FLOAT: _DOUBLES,
    FieldDescriptor.TYPE_INT32: _INTEGERS,
    FieldDescriptor.TYPE_INT64: _INTEGERS + _LONG,
    FieldDescriptor.TYPE_UINT32: _UNSIGNED,
    FieldDescriptor.TYPE_FIXED32: _UNSIGNED,
    FieldDescriptor.TYPE_BOOL: (False, True),
    FieldDescriptor.TYPE_ENUM: _ENUMERATIONS,
    FieldDescriptor.TYPE_STRING: _TEXTS,
    FieldDescriptor.TYPE_BYTES: (b"", b"\xff", bytes(100)),
}


class Fuzzer:
    """Draws requests."""

    def __init__(self, seed: int, seeds: Sequence[tuple[str, Message]]) -> None:
        """Draw none yet.

        Args:
            seed: Another one brings other messages.
            seeds: Full names of methods with good requests of them.
        """
        self._seed = seed
        self._seeds = seeds

    def draw(self, number: int) -> tuple[str, bytes]:
        """Full name of a method, and what is sent to it."""
        chosen = random.Random(f"{self._seed} {number}")
        method, seed = chosen.choice(self._seeds)
        made = type(seed)()
        made.CopyFrom(seed)
        if chosen.random() < 0.85:
            for _ in range(chosen.choice((1, 1, 1, 2, 3, 8))):
                _mutate(made, chosen)
        body = made.SerializeToString()
        if chosen.random() < 0.3:
            body = chosen.choice(_OF_BYTES)(body, chosen)
        return method, body[:_MOST_BYTES]


def _mutate(message: Message, chosen: random.Random) -> None:
    """Change one field of a message, or of one within."""
    holders = list(_messages(message))
    holder = chosen.choice(holders)
    fields = holder.DESCRIPTOR.fields
    if not fields:
        return
    present = [field for field, _ in holder.ListFields()]
    field = chosen.choice(present if present and chosen.random() < 0.6 else fields)
    if chosen.random() < 0.15:
        holder.ClearField(field.name)
    elif field.is_repeated:
        _mutate_repeated(holder, field, chosen)
    elif field.message_type is not None:
        _replace(holder, field, holders, chosen)
    else:
        setattr(holder, field.name, chosen.choice(_FIXED[field.type]))


def _messages(message: Message) -> Iterator[Message]:
    """A message and those within it.

    Yields:
        Each, the outermost first.
    """
    yield message
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for each in value if field.is_repeated else (value,):
            yield from _messages(each)


def _mutate_repeated(holder: Any, field: FieldDescriptor, chosen: random.Random) -> None:
    values = getattr(holder, field.name)
    times = chosen.choice((1, 1, 2, 5, 21, 70, _MOST_GROWN))
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        for index in range(times):
            key = chosen.choice(_TEXTS)[:100]
            values[key if times == 1 else f"{key}{index}"] = chosen.choice(_TEXTS)
    elif field.message_type is not None:
        existing = list(values)
        for _ in range(min(times, 200)):
            added = values.add()
            if existing and chosen.random() < 0.8:
                added.CopyFrom(chosen.choice(existing))
    else:
        made = [*values, chosen.choice(_FIXED[field.type])]
        values.extend(chosen.choice(made) for _ in range(times))


def _replace(
    holder: Any, field: FieldDescriptor, others: Sequence[Message], chosen: random.Random
) -> None:
    """Put a copy of what is elsewhere, or a message with one field."""
    child = getattr(holder, field.name)
    child.SetInParent()
    like = [
        each
        for each in others
        if each.DESCRIPTOR.full_name == child.DESCRIPTOR.full_name and each is not child
    ]
    if like and chosen.random() < 0.5:
        copied = chosen.choice(like)
        child.CopyFrom(type(child).FromString(copied.SerializeToString()))
    elif child.DESCRIPTOR.fields:
        _mutate_plain(child, chosen)


def _mutate_plain(message: Any, chosen: random.Random) -> None:
    field = chosen.choice(message.DESCRIPTOR.fields)
    if field.is_repeated or field.message_type is not None:
        return
    setattr(message, field.name, chosen.choice(_FIXED[field.type]))


def _flipped(body: bytes, chosen: random.Random) -> bytes:
    changed = bytearray(body or b"\0")
    for _ in range(chosen.choice((1, 1, 2, 10))):
        changed[chosen.randrange(len(changed))] ^= 1 << chosen.randrange(8)
    return bytes(changed)


def _cut(body: bytes, chosen: random.Random) -> bytes:
    return body[: chosen.randint(0, len(body))]


def _inserted(body: bytes, chosen: random.Random) -> bytes:
    at = chosen.randint(0, len(body))
    return body[:at] + chosen.randbytes(chosen.choice((1, 2, 5, 100))) + body[at:]


def _doubled(body: bytes, chosen: random.Random) -> bytes:
    begin, end = sorted(chosen.randint(0, len(body)) for _ in range(2))
    return body[:end] + body[begin:end] * chosen.choice((1, 3, 50)) + body[end:]


def _drawn(body: bytes, chosen: random.Random) -> bytes:
    return chosen.randbytes(chosen.choice((0, 1, 10, 1000, 100_000)))


_OF_BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flipped,
    _cut,
    _inserted,
    _doubled,
    _drawn,
)
