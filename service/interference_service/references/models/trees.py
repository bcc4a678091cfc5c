"""Names of the outputs of a program: its nested containers, read as data.

Names of types in the file say how a container's keys are written down; no type is ever imported.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from interference_service.references.models.refusal import need, refuse

MAX_TREE_CHARACTERS = 1 << 20
MAX_DEPTH = 16
"""Containers within containers."""
_SEQUENCES = frozenset({"builtins.tuple", "builtins.list", "collections.deque"})
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]")


def leaf_names(module: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """Names of the values in what forward returns, in order.

    A value of a mapping is named by its key, one of a sequence by its position, and one further
    inside by all keys on the way to it, with underscores between them.

    Args:
        module: The graph and its signature.
        count: How many values there are.

    Raises:
        InputUnsupported: The file tells of other values, or is malformed.
    """
    calls = [each for each in module.get("module_call_graph", ()) if each["fqn"] == ""]
    signature = calls[0]["signature"] if calls else None
    if signature is None:
        return tuple(map(str, range(count)))
    text = signature["out_spec"]
    need(len(text) <= MAX_TREE_CHARACTERS, "has outputs in too large a container")
    version, tree = json.loads(text)
    need(version == 1, "writes its outputs down in a version that is not read")
    fields = module.get("treespec_namedtuple_fields") or {}
    names: list[str] = []
    _walk(tree, (), fields, names)
    need(len(names) == count, f"returns {count} values, but describes {len(names)}")
    return tuple(names)


def _walk(
    tree: Mapping[str, Any], path: tuple[str, ...], fields: Mapping[str, Any], names: list[str]
) -> None:
    need(len(path) <= MAX_DEPTH, f"nests its outputs deeper than {MAX_DEPTH}")
    kind, children = tree["type"], tree["children_spec"]
    if kind is None:
        names.append("_".join(path) or "0")
        return
    keys = _keys(kind, tree["context"], fields, len(children))
    for key, child in zip(keys, children, strict=True):
        _walk(child, (*path, _NOT_IN_NAMES.sub("_", key)), fields, names)


def _keys(kind: str, context: Any, fields: Mapping[str, Any], count: int) -> Sequence[str]:
    """Keys of a container; positions where it has none, or none that can be made out."""
    if kind in _SEQUENCES:
        return _positions(count)
    if kind == "collections.defaultdict":
        found = context["dict_context"] if isinstance(context, dict) else None
    elif kind == "collections.namedtuple":
        found = fields.get(str(context), {}).get("field_names")
    else:
        found = _listed(context)
    if not isinstance(found, list) or len(found) != count:
        return _positions(count)
    return [str(each) for each in found]


def _listed(context: Any) -> Any:
    """Keys as dictionaries, mappings of Hugging Face and registered data classes write them."""
    try:
        found = json.loads(context) if isinstance(context, str) else None
    except ValueError as error:
        raise refuse("has a damaged container of outputs; export the model again") from error
    # A data class lists the fields that hold something, then those that hold nothing.
    nested = isinstance(found, list) and len(found) == 2 and isinstance(found[0], list)
    return found[0] if nested and isinstance(found, list) else found


def _positions(count: int) -> list[str]:
    return [str(each) for each in range(count)]
