"""Archives of exported programs written by hand, so that any part of them can be made hostile."""

import io
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.references.models import load_model
from interference_service.references.models.exported_program import GraphModel
from interference_service.references.stores import Stores

DYNAMIC = {"as_expr": {"expr_str": "Symbol('s0', positive=True, integer=True)"}}
"""Size of an axis that is not fixed."""
FLOAT32 = 7


def tensor(name: str) -> dict[str, Any]:
    """A reference to a tensor."""
    return {"as_tensor": {"name": name}}


def node(target: str, outputs: list[Any], /, **inputs: Any) -> dict[str, Any]:
    """A call of an operator; a target without dots is short for one of torch's with that overload."""
    return {
        "target": target if "." in target else f"torch.ops.aten.{target}.default",
        "inputs": [{"name": name, "arg": each, "kind": 1} for name, each in inputs.items()],
        "outputs": outputs,
        "metadata": {},
    }


def meta(*sizes: Any, dtype: int = FLOAT32, strides: list[int] | None = None) -> dict[str, Any]:
    """Shape of a tensor; contiguous unless strides are given."""
    if strides is None:
        plain = [each if isinstance(each, int) else 1 for each in sizes]
        strides = [int(torch.tensor(plain[axis + 1 :]).prod()) for axis in range(len(plain))]
    return {
        "dtype": dtype,
        "sizes": [{"as_int": each} if isinstance(each, int) else deepcopy(each) for each in sizes],
        "strides": [{"as_int": each} for each in strides],
        "storage_offset": {"as_int": 0},
        "layout": 7,
        "requires_grad": True,
        "device": {"type": "cpu", "index": None},
    }


@dataclass(slots=True)
class Draft:
    """An archive before it is written.

    Attributes:
        document: The graph and its signature.
        weights: Table of the weights, by name.
        members: All other members, by their names below the root.
    """

    document: dict[str, Any]
    weights: dict[str, Any]
    members: dict[str, bytes] = field(default_factory=dict)

    @property
    def graph(self) -> dict[str, Any]:
        return self.document["graph_module"]["graph"]

    @property
    def signature(self) -> dict[str, Any]:
        return self.document["graph_module"]["signature"]

    def all_members(self) -> dict[str, bytes]:
        written = {
            "models/model.json": json.dumps(self.document).encode(),
            "data/weights/model_weights_config.json": json.dumps({"config": self.weights}).encode(),
            "data/constants/model_constants_config.json": b'{"config": {}}',
        }
        return written | self.members

    def write(self, path: Path) -> Path:
        path.write_bytes(zipped(self.all_members()))
        return path


def draft() -> Draft:
    """``y = x W^T + b`` with ``x`` of shape ``[B, 4]``, ``W`` of shape ``[3, 4]``."""
    weight, bias = linear_tensors()
    graph = {
        "inputs": [tensor("p_w"), tensor("p_b"), tensor("x")],
        "outputs": [tensor("y")],
        "nodes": [
            node(
                "linear", [tensor("y")], input=tensor("x"), weight=tensor("p_w"), bias=tensor("p_b")
            )
        ],
        "tensor_values": {"p_w": meta(3, 4), "p_b": meta(3), "x": meta(DYNAMIC, 4)},
        "custom_obj_values": {},
    }
    signature = {
        "input_specs": [
            {"parameter": {"arg": {"name": "p_w"}, "parameter_name": "w"}},
            {"parameter": {"arg": {"name": "p_b"}, "parameter_name": "b"}},
            {"user_input": {"arg": tensor("x")}},
        ],
        "output_specs": [{"user_output": {"arg": tensor("y")}}],
    }
    return Draft(
        {
            "schema_version": {"major": 8, "minor": 1},
            "graph_module": {"graph": graph, "signature": signature},
        },
        {"w": entry("weight_0", meta(3, 4)), "b": entry("weight_1", meta(3))},
        {
            "data/weights/weight_0": weight.numpy().tobytes(),
            "data/weights/weight_1": bias.numpy().tobytes(),
        },
    )


def entry(path: str, tensor_meta: Mapping[str, Any]) -> dict[str, Any]:
    """A tensor's line in the table."""
    return {
        "path_name": path,
        "is_param": True,
        "use_pickle": False,
        "tensor_meta": dict(tensor_meta),
    }


def linear_tensors() -> tuple[Tensor, Tensor]:
    """Weight and bias of the draft."""
    return torch.arange(12.0).reshape(3, 4) / 8 - 0.5, torch.tensor([0.5, -1.0, 2.0])


def zipped(members: Mapping[str, bytes], root: str = "model/", **options: Any) -> bytes:
    """The members below a root folder as a zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(root + name, content)
    return buffer.getvalue()


def members_of(path: Path) -> dict[str, bytes]:
    """What an archive holds, by the names below its root folder."""
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def load_file(
    path: Path, dtype: torch.dtype = torch.float32, digest: str = "", output: str = ""
) -> GraphModel:
    """Load an archive as the service does, from a store that is its directory."""
    reference = ModelReference(
        uri=f"data://{path.name}", format=ModelFormat.TORCH_EXPORT, digest=digest, output=output
    )
    stores = Stores({"data": path.parent})
    return load_model(reference, stores, device=torch.device("cpu"), dtype=dtype)


class Marker:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def sharing(raw: bytes, name: bytes, others: Sequence[bytes]) -> bytes:
    """A zip file whose last member, of that name, is there under others too, with the same bytes."""
    start, end = raw.index(b"PK\x01\x02"), raw.index(b"PK\x05\x06")
    entry = raw[raw.rindex(b"PK\x01\x02") : end]
    directory = raw[start:end] + b"".join(entry.replace(name, each) for each in others)
    count = directory.count(b"PK\x01\x02")
    return (
        raw[:start]
        + directory
        + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(directory), start, 0)
    )
