"""Calls of operators with arguments that are tame or hostile, as a file would have them."""

import random
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from interference_service.references.models.element_types import DTYPES
from interference_service.references.models.operators import OPERATORS, STRINGS
from support.archives import tensor
from support.good_calls import good_call

GOOD = 0.5
"""Share of the calls that begin with a good one, where there is one."""
WILDNESS = (0.0, 0.05, 0.3)
"""Shares of hostile arguments, of which each call draws one."""
_TAME = (0, 1, 1, 2, 2, 3)
_WILD = (-1, -2, -7, 5, 64, 40_000, (1 << 31) - 1, 1 << 31, -(1 << 31), 1 << 40, 1 << 62)
_WILD_MORE = ((1 << 63) - 1, 1 - (1 << 63))
_FLOATS = (0.0, 0.5, 1.0, 2.0, -1.0, 1e-5, 1e308, "Infinity", "-Infinity", "NaN")
_EQUATIONS = (
    "ij,jk->ik",
    "bij,bjk->bik",
    "ij->ji",
    "ii->i",
    "i,j->ij",
    "ij,ij->",
    "bhij,bhjd->bhid",
)
_FILE_KINDS = {
    "Tensor": "as_tensor",
    "int": "as_int",
    "SymInt": "as_int",
    "float": "as_float",
    "bool": "as_bool",
    "ScalarType": "as_scalar_type",
    "Layout": "as_layout",
    "MemoryFormat": "as_memory_format",
    "Device": "as_device",
    "str": "as_string",
}


class Hostile:
    """Draws one call of an operator: most arguments tame, so that some of them reach its kernel."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.random = random.Random(f"{name} {seed}")
        self.torch = torch.Generator().manual_seed(self.random.getrandbits(32))
        self.wildness = self.random.choice(WILDNESS)
        rank = self.random.randint(0, 5)
        self.shape = [self.random.choice((1, 2, 3, 4)) for _ in range(rank)]
        self.dtype = self.random.choice(
            (torch.float32, torch.float32, torch.int64, *DTYPES.values())
        )
        self.values: dict[str, Any] = {}

    def node(self) -> dict[str, Any]:
        """The call as a file has it; the tensors that it names are in ``values``."""
        schema = OPERATORS[self.name]._schema
        good = good_call(self.name) if self.random.random() < GOOD else {}
        inputs = [
            {"name": each.name, "arg": self._kept_or_drawn(each, good)}
            for each in schema.arguments
            if not each.has_default_value() or (not good and self.random.random() < 0.5)
        ]
        outputs = [self._output(number, each) for number, each in enumerate(schema.returns)]
        return {"target": self.name, "inputs": inputs, "outputs": outputs, "metadata": {}}

    def _output(self, number: int, each: Any) -> dict[str, Any]:
        match str(each.real_type):
            case "Tensor":
                return tensor(f"result{number}")
            case "List[Tensor]":
                return {"as_tensors": [{"name": f"result{number}_{i}"} for i in range(3)]}
            case _:
                return {"as_sym_int": {"as_name": f"result{number}"}}

    def _kept_or_drawn(self, declared: Any, good: Mapping[str, Any]) -> dict[str, Any]:
        if declared.name not in good or self._wild():
            return self._argument(declared)
        return self._written(good[declared.name])

    def _written(self, value: Any) -> dict[str, Any]:
        """A value as a file has it."""
        match value:
            case None:
                return {"as_none": True}
            case Tensor():
                return {"as_tensor": self._named(value)}
            case [Tensor(), *_]:
                return {"as_tensors": [self._named(each) for each in value]}
            case list():
                return {"as_ints": value}
            case bool() | int() | float() | str():
                kinds = {bool: "as_bool", int: "as_int", float: "as_float", str: "as_string"}
                return {kinds[type(value)]: value}
        raise TypeError(f"no file has a {type(value).__name__}")

    def _named(self, value: Any) -> dict[str, str]:
        name = f"x{len(self.values)}"
        self.values[name] = value
        return {"name": name}

    def _argument(self, declared: Any) -> dict[str, Any]:
        kind = str(declared.real_type)
        if kind.startswith("Optional["):
            kind = kind[9:-1]
            if self.random.random() < 0.4 or kind == "Generator":
                return {"as_none": True}
        if kind.startswith("List["):
            return self._list(kind, declared)
        drawn = {
            "Tensor": self._tensor,
            "int": self._int,
            "SymInt": self._int,
            "float": lambda: self.random.choice(_FLOATS),
            "bool": lambda: self.random.random() < 0.5,
            "number": lambda: self.random.choice((self._int(), self.random.choice(_FLOATS))),
            "ScalarType": lambda: self.random.choice([*DTYPES]),
            "Layout": lambda: 7,
            "MemoryFormat": lambda: self.random.randint(1, 4),
            "Device": lambda: {"type": "cpu", "index": None},
            "str": lambda: self._string(declared.name),
        }[kind]()
        return {_FILE_KINDS.get(kind) or ("as_int" if type(drawn) is int else "as_float"): drawn}

    def _list(self, kind: str, declared: Any) -> dict[str, Any]:
        match kind:
            case "List[Tensor]":
                return {"as_tensors": [self._tensor() for _ in range(self.random.randint(0, 4))]}
            case "List[Optional[Tensor]]":
                given = [{"as_tensor": self._tensor()} for _ in range(self.random.randint(0, 3))]
                some = [{"as_none": True} if self._wild() else each for each in given]
                return {"as_optional_tensors": some}
            case "List[float]":
                return {"as_floats": [self.random.choice(_FLOATS) for _ in range(2)]}
            case "List[bool]":
                return {"as_bools": [self.random.random() < 0.5 for _ in range(3)]}
            case _:
                return {"as_ints": [self._int() for _ in range(self._count(declared))]}

    def _string(self, name: str) -> str:
        allowed = sorted(STRINGS.get((self.name.split(".")[3], name), _EQUATIONS))
        return self.random.choice(allowed)

    def _count(self, declared: Any) -> int:
        fixed = declared.N
        if fixed is not None and not self._wild():
            return int(fixed)
        return self.random.choice((len(self.shape), self.random.randint(0, 5)))

    def _wild(self) -> bool:
        return self.random.random() < self.wildness

    def _int(self) -> int:
        if self._wild():
            return self.random.choice(_WILD + _WILD_MORE)
        return self.random.choice((*_TAME, *self.shape))

    def _tensor(self) -> dict[str, str]:
        return self._named(self._number() if self.random.random() < 0.03 else self._drawn())

    def _number(self) -> Any:
        return self.random.choice((self._int(), 0.5, True, [self._int()]))

    def _drawn(self) -> Tensor:
        shape = self._related()
        dtype = self.dtype
        if self.random.random() < 0.2:
            dtype = self.random.choice([*DTYPES.values()])
        drawn = torch.randn(shape, generator=self.torch, dtype=torch.float64) * 2
        made = (drawn.abs() if self.random.random() < 0.5 else drawn).to(dtype)
        if self._wild() and made.numel() and dtype is not torch.bool:
            made.view(-1)[0] = _extreme(dtype, self.random)
        if self._wild() and made.dim() > 1:
            made = made.transpose(0, -1)
        elif self._wild() and made.dim() and made.shape[0]:
            made = made[:1].expand(2, *made.shape[1:])
        if made.is_floating_point() and self.random.random() < 0.5:
            # Not a leaf, into which nothing may be written.
            made = made.requires_grad_().clone() if made.is_contiguous() else made
        return made

    def _related(self) -> list[int]:
        """Shapes of a call have sizes in common, or nothing would ever fit."""
        shape = list(self.shape)
        match self.random.randint(0, 7):
            case 0:
                self.random.shuffle(shape)
            case 1:
                shape = shape[self.random.randint(0, len(shape)) :]
            case 2 if shape:
                shape = [self.random.choice(shape)]
            case 3:
                shape = [self.random.choice((1, each)) for each in shape]
            case 4 if self._wild():
                shape = [self.random.choice((0, 1, 2, 40_000)), *shape[:1]]
            case 5 if shape and self._wild():
                shape[self.random.randrange(len(shape))] = self.random.choice((0, 1, 7, 33))
        return shape


def _extreme(dtype: torch.dtype, chosen: random.Random) -> float | int:
    if dtype.is_floating_point:
        return chosen.choice((float("nan"), float("inf"), -float("inf"), 1e4, -1e4))
    limits = torch.iinfo(dtype)
    return chosen.choice((limits.min, limits.max, limits.max - 1))
