"""From what does not fit a domain model to violations that name the request's own fields."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from interference_service.errors import InvalidRequest, Violation

ModelT = TypeVar("ModelT", bound=BaseModel)
T = TypeVar("T")

MAX_VIOLATIONS = 20
"""More of them would not fit into the metadata of a call."""
MAX_VALUES = 65_536
"""Most values that a message may have in lists and maps, all of them together.

Each may be wrong and is then told of by itself, so a message is read no further than that.
"""
_MAX_SHOWN = 80
"""Characters of a value that a description repeats."""
_SUBJECT = re.compile(r"^(?:Input|String|Tuple|List|Dictionary|Value) should\b")


def invalid(violations: Sequence[Violation]) -> InvalidRequest:
    """The error for several fields; its message tells the first, and the caller hears of a few."""
    first = violations[0]
    rest = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
    message = f"{first.field}: {first.description}{rest}"
    return InvalidRequest(message, violations=violations[:MAX_VIOLATIONS])


def attempt(convert: Callable[[], T], violations: list[Violation]) -> T | None:
    """The converted value; None after noting its violations, so that others can be noted too."""
    try:
        return convert()
    except InvalidRequest as error:
        violations.extend(error.violations)
        return None


def validated(
    kind: type[ModelT], message: Message, path: str, converted: Mapping[str, object] | None = None
) -> ModelT:
    """The domain model of a message.

    Args:
        kind: The model; its fields are named as those of the message.
        message: As the caller sent it; what is not set takes the model's default.
        path: Path of the message in the request.
        converted: Fields that are not in the message, by their paths in it, because they were
            converted before.

    Raises:
        InvalidRequest: Some do not fit; every violation names the field as the request has it.
    """
    # The model cannot tell NaN from a number within bounds everywhere, and calls an enumeration's
    # number a wrong type, so both are looked for on the message itself.
    unfit = list(islice(_unfit_values(message, path), MAX_VIOLATIONS))
    if len(unfit) == MAX_VIOLATIONS:
        raise invalid(unfit)
    values = MessageToDict(message, preserving_proto_field_name=True)
    for field, value in (converted or {}).items():
        *parents, name = field.split(".")
        inner = values
        for parent in parents:
            inner = inner[parent]
        inner[name] = value
    try:
        model = kind.model_validate(values)
    except ValidationError as error:
        told = {each.field for each in unfit}
        found = (_violation(each, message, path) for each in error.errors(include_url=False))
        untold = (each for each in found if each.field not in told)
        raise invalid([*unfit, *islice(untold, MAX_VIOLATIONS)]) from error
    if unfit:
        raise invalid(unfit)
    return model


def choices(field: FieldDescriptor) -> str:
    """Names of the values that a caller may send in a field, for a description."""
    values = field.enum_type.values if field.enum_type is not None else ()
    return ", ".join(value.name for value in values if value.number)


def is_known(field: FieldDescriptor, number: int) -> bool:
    """Whether the enumeration of a field has a number."""
    return field.enum_type is not None and number in field.enum_type.values_by_number


def _unfit_values(message: Message, path: str) -> Iterator[Violation]:
    """Find numbers that are not finite and enumeration values that the contract does not have.

    Yields:
        One violation for each.

    Raises:
        InvalidRequest: There are more values than are read.
    """
    room = MAX_VALUES
    for field, value, here in _parts(message, path):
        room -= _most_violations(field, value)
        if room < 0:
            raise InvalidRequest.field(
                here, f"is one value too many; all lists together may have {MAX_VALUES}"
            )
        if field.enum_type is not None and not is_known(field, value):
            yield Violation(here, f"is {value}; must be one of {choices(field)}")
        elif isinstance(value, float) and not math.isfinite(value):
            yield Violation(here, f"is {value}; must be a finite number")


def _parts(message: Message, path: str) -> Iterator[tuple[FieldDescriptor, Any, str]]:
    """Walk through what is set in a message; maps are taken as a whole.

    Yields:
        The field, a value of it, and the path of that; a message before what is within.
    """
    for field, value in message.ListFields():
        here = f"{path}.{field.name}" if path else field.name
        whole = _is_map(field) or not field.is_repeated
        for index, each in enumerate((value,) if whole else value):
            at = here if whole else f"{here}[{index}]"
            yield field, each, at
            if field.message_type is not None and not _is_map(field):
                yield from _parts(each, at)


def _most_violations(field: FieldDescriptor, value: Any) -> int:
    """How many violations there can be of a value, besides those of messages within."""
    if field.message_type is None:
        return 1
    return len(value) if _is_map(field) else len(field.message_type.fields)


def _violation(error: ErrorDetails, root: Message, path: str) -> Violation:
    # Descriptors are of one of two types, by the runtime that protobuf was built with.
    message: Any = root.DESCRIPTOR
    field: FieldDescriptor | None = None
    for part in error["loc"]:
        if part == "[key]":  # how pydantic marks that a key does not fit, not its value
            continue
        if isinstance(part, int) or message is None:
            path = f"{path}[{part}]"
            continue
        path = f"{path}.{part}" if path else part
        field = message.fields_by_name.get(part)
        message = field.message_type if field is not None and not _is_map(field) else None
    text = _text(error, field)
    # A rule about several fields of a message begins with the path of the first of them.
    subject = text.split(" ", 1)[0]
    if message is not None and _has(message, subject):
        path = f"{path}.{subject}"
    return Violation(path, text)


def _has(message: Any, subject: str) -> bool:
    """Whether a path names a field of the descriptor of a message, or one within."""
    for name in subject.split("."):
        field = message.fields_by_name.get(name) if message is not None else None
        if field is None:
            return False
        message = field.message_type
    return True


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _text(error: ErrorDetails, field: FieldDescriptor | None) -> str:
    if error["type"] == "missing":
        names = choices(field) if field is not None else ""
        return "is not set; " + (f"must be one of {names}" if names else "it is required")
    if error["type"] == "value_error":
        text = str(error["ctx"]["error"])
    else:
        text = _SUBJECT.sub("must", error["msg"]).replace(" after validation", "")
    found = error["input"]
    if isinstance(found, (str, int, float)):
        shown = repr(found)
        return f"is {shown if len(shown) <= _MAX_SHOWN else shown[:_MAX_SHOWN] + '…'}; {text}"
    return text
