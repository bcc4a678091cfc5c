"""The compact protocol of Thrift, enough of it to change any number of a Parquet footer."""

import struct
from dataclasses import dataclass
from typing import Any

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = (4, 5, 6)


@dataclass(slots=True)
class Field:
    """A value with its type; a list's value is its element type with its items."""

    kind: int
    value: Any


Struct = dict[int, Field]
"""Fields by their number."""


class Reader:
    """Reads structs."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def struct(self) -> Struct:
        """The struct that begins here."""
        found: Struct = {}
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self._integer()
            found[number] = Field(kind, self._value(kind))
        return found

    def _value(self, kind: int) -> Any:
        if kind in {_TRUE, _FALSE}:
            return kind == _TRUE
        if kind == _BYTE:
            return self._byte()
        if kind in _INTEGERS:
            return self._integer()
        if kind == _DOUBLE:
            return struct.unpack("<d", self._bytes(8))[0]
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind in {_LIST, _SET}:
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._varint()
            element = head & 15
            return element, [self._item(element) for _ in range(count)]
        return self.struct()

    def _item(self, kind: int) -> Any:
        return self._byte() if kind in {_TRUE, _FALSE} else self._value(kind)

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _bytes(self, count: int) -> bytes:
        self._at += count
        return self._raw[self._at - count : self._at]

    def _varint(self) -> int:
        total = shift = 0
        while True:
            byte = self._byte()
            total |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return total

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)


def written(fields: Struct) -> bytes:
    """The bytes of a struct."""
    parts, before = [], 0
    for number, each in sorted(fields.items()):
        kind = each.kind if each.kind not in {_TRUE, _FALSE} else _TRUE if each.value else _FALSE
        step = number - before
        parts.append(
            bytes([step << 4 | kind]) if 0 < step < 16 else bytes([kind]) + _integer(number)
        )
        if kind not in {_TRUE, _FALSE}:
            parts.append(_value(kind, each.value))
        before = number
    return b"".join(parts) + b"\0"


def _value(kind: int, value: Any) -> bytes:
    if kind == _BYTE:
        return bytes([value])
    if kind in _INTEGERS:
        return _integer(value)
    if kind == _DOUBLE:
        return struct.pack("<d", value)
    if kind == _BINARY:
        return _varint(len(value)) + value
    if kind in {_LIST, _SET}:
        element, items = value
        head = bytes([min(len(items), 15) << 4 | element])
        head += _varint(len(items)) if len(items) >= 15 else b""
        return head + b"".join(
            bytes([each]) if element in {_TRUE, _FALSE} else _value(element, each) for each in items
        )
    return written(value)


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value >= 128:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def _integer(value: int) -> bytes:
    return _varint((value << 1 ^ value >> 63) & (1 << 64) - 1)
