"""Kinds of arguments that operators take, and the strings among them."""

import re
from collections.abc import Mapping

STRINGS: Mapping[tuple[str, str], frozenset[str]] = {
    ("gelu", "approximate"): frozenset({"none", "tanh"}),
    ("gelu_", "approximate"): frozenset({"none", "tanh"}),
    ("div", "rounding_mode"): frozenset({"floor", "trunc"}),
    ("pad", "mode"): frozenset({"constant", "reflect", "replicate", "circular"}),
    ("conv1d", "padding"): frozenset({"same", "valid"}),
    ("conv2d", "padding"): frozenset({"same", "valid"}),
    ("conv3d", "padding"): frozenset({"same", "valid"}),
    ("meshgrid", "indexing"): frozenset({"ij", "xy"}),
    ("linalg_norm", "ord"): frozenset({"fro", "nuc"}),
    ("linalg_matrix_norm", "ord"): frozenset({"fro", "nuc"}),
    ("index_reduce", "reduce"): frozenset({"prod", "mean", "amax", "amin"}),
    ("scatter_reduce", "reduce"): frozenset({"sum", "prod", "mean", "amax", "amin"}),
    ("searchsorted", "side"): frozenset({"left", "right"}),
}
"""The strings that an argument may be."""
EQUATION = re.compile(r"[A-Za-z., >-]{1,256}")
"""What an equation of einsum is made of."""

_TENSOR = frozenset({"as_tensor", "as_int", "as_float", "as_bool", "as_sym_int", "as_sym_float"})
_INT = frozenset({"as_int", "as_sym_int"})
_INTS = frozenset({"as_ints", "as_sym_ints", "as_int", "as_sym_int"})
_NUMBER = frozenset({"as_int", "as_float", "as_bool", "as_sym_int", "as_sym_float"})
KINDS: Mapping[str, frozenset[str]] = {
    "Tensor": _TENSOR,
    "List[Tensor]": frozenset({"as_tensors"}),
    "List[Optional[Tensor]]": frozenset({"as_tensors", "as_optional_tensors"}),
    "int": _INT,
    "SymInt": _INT,
    "List[int]": _INTS,
    "List[SymInt]": _INTS,
    "float": frozenset({"as_float", "as_int", "as_sym_float"}),
    "List[float]": frozenset({"as_floats"}),
    "number": _NUMBER,
    "bool": frozenset({"as_bool", "as_sym_bool"}),
    "List[bool]": frozenset({"as_bools"}),
    "ScalarType": frozenset({"as_scalar_type"}),
    "Layout": frozenset({"as_layout"}),
    "MemoryFormat": frozenset({"as_memory_format"}),
    "Device": frozenset({"as_device"}),
    "str": frozenset({"as_string"}),
}
"""Kinds of the file's arguments by type of the operator's schema.

A number where an element type is due ends the process, so kinds are checked before a call.
"""


def allowed_kinds(declared: str) -> frozenset[str]:
    """Kinds of the file's arguments where a type of a schema is due; none for a type that is not read."""
    optional = declared.startswith("Optional[")
    wanted = KINDS.get(declared[9:-1] if optional else declared, frozenset())
    return wanted | {"as_none"} if optional and wanted else wanted
