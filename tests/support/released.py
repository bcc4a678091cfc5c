"""Contracts as they were released, from their descriptor images alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

DIRECTORY = Path(__file__).parents[2] / "proto" / "released"
VERSIONS = sorted(path.stem for path in DIRECTORY.glob("*.binpb"))
_PACKAGE = "interference.v1"


class ReleasedContract:
    """The messages and methods that a client of a release knows."""

    def __init__(self, version: str) -> None:
        image = (DIRECTORY / f"{version}.binpb").read_bytes()
        self._pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(image).file:
            self._pool.Add(file)

    def message(self, name: str) -> type[Message]:
        """The class of a message by its name in the package."""
        found = self._pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")
        return message_factory.GetMessageClass(found)

    def reasons(self) -> Mapping[str, int]:
        """Values of ErrorReason."""
        values = self._pool.FindEnumTypeByName(f"{_PACKAGE}.ErrorReason").values
        return {value.name: value.number for value in values}

    def call(self, channel: Any, method: str) -> Any:
        """A method as that client calls it: with a message, or with bytes recorded from it."""
        service = self._pool.FindServiceByName(f"{_PACKAGE}.AnalysisService")
        found = service.FindMethodByName(method)
        kind = "unary_stream" if found.server_streaming else "unary_unary"
        answer = message_factory.GetMessageClass(found.output_type)
        return getattr(channel, kind)(
            f"/{service.full_name}/{method}",
            request_serializer=_serialised,
            response_deserializer=answer.FromString,
        )


def _serialised(request: Message | bytes) -> bytes:
    return request if isinstance(request, bytes) else request.SerializeToString()


def differences(known: Message, whole: Message, path: str = "") -> list[str]:
    """Fields in which a message differs from what an older contract reads of it.

    Args:
        known: As the older contract reads it.
        whole: As it was sent.
        path: Of the message in the one that is compared.
    """
    found: list[str] = []
    for field in known.DESCRIPTOR.fields:
        here = f"{path}.{field.name}"
        told, sent = getattr(known, field.name), getattr(whole, field.name)
        if field.has_presence and known.HasField(field.name) != whole.HasField(field.name):
            found.append(here)
        elif _is_map(field):
            found += [here] * (dict(told) != dict(sent))
        elif field.is_repeated:
            found += [here] * (len(told) != len(sent))
            for index, pair in enumerate(zip(told, sent, strict=False)):
                found += _different(field, *pair, f"{here}[{index}]")
        else:
            found += _different(field, told, sent, here)
    return found


def _different(field: FieldDescriptor, told: Any, sent: Any, path: str) -> list[str]:
    if field.message_type is not None:
        return differences(told, sent, path)
    return [path] * (repr(told) != repr(sent))  # NaN is like NaN


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry
