"""Code where a loader of models would unpickle, evaluate or load it."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch

from hostile.payloads import expression, pickled, saved, shared_object
from hostile.reference import HostileReference, Site, Submission
from interference_service.errors import InputUnsupported
from support.archives import Draft, draft, entry, meta, node, tensor, zipped

Change = Callable[[Draft, Site], object]
"""Changes an archive before it is written, or returns all of its members."""


def archive(change: Change) -> Callable[[Site], Submission]:
    """Builds a good archive after a change."""

    def builds(site: Site) -> Submission:
        changed = draft()
        members = change(changed, site)
        content = zipped(members if isinstance(members, dict) else changed.all_members())
        site.path("model.pt2").write_bytes(content)
        return site.model("model.pt2")

    return builds


def refused(name: str, change: Change, words: str, **more: object) -> HostileReference:
    """A changed archive that is refused."""
    return HostileReference(name, archive(change), InputUnsupported, words=words, **more)


def harmless(name: str, change: Change, **more: object) -> HostileReference:
    """A changed archive whose change lies where nothing looks."""
    return HostileReference(name, archive(change), None, **more)


def raw(
    name: str, content: Callable[[Path], bytes], words: str, **more: object
) -> HostileReference:
    """Bytes in the place of an archive."""

    def builds(site: Site) -> Submission:
        site.path("model.pt2").write_bytes(content(site.canary))
        return site.model("model.pt2")

    return HostileReference(name, builds, InputUnsupported, words=words, **more)


def _member(name: str, content: Callable[[Path], bytes]) -> Change:
    return lambda changed, site: changed.members.update({name: content(site.canary)})


def _old_weights(content: Callable[[Path], bytes]) -> Change:
    """The payload of torch up to 2.8 in the place of the table of weights."""

    def change(changed: Draft, site: Site) -> dict[str, bytes]:
        members = changed.all_members()
        del members["data/weights/model_weights_config.json"]
        return members | {"data/weights/model.pt": content(site.canary)}

    return change


def _pickled_weight(changed: Draft, site: Site) -> None:
    changed.weights["w"]["use_pickle"] = True
    changed.members["data/weights/weight_0"] = pickled(site.canary)


def _constants(table: dict[str, object]) -> Change:
    def change(changed: Draft, site: Site) -> None:
        changed.members["data/constants/model_constants_config.json"] = json.dumps(
            {"config": table}
        ).encode()
        changed.members["data/constants/tensor_0"] = pickled(site.canary)

    return change


def _old_constants(changed: Draft, site: Site) -> dict[str, bytes]:
    members = changed.all_members()
    del members["data/constants/model_constants_config.json"]
    return members | {"data/constants/model.pt": saved(site.canary)}


def _expression_in_a_size(changed: Draft, site: Site) -> None:
    sizes = changed.graph["tensor_values"]["x"]["sizes"]
    sizes[0] = {"as_expr": {"expr_str": expression(site.canary), "hint": {"as_int": 2}}}


def _expression_in_a_weight(changed: Draft, site: Site) -> None:
    sizes = changed.weights["w"]["tensor_meta"]["sizes"]
    sizes[0] = {"as_expr": {"expr_str": expression(site.canary)}}


def _expression_as_an_argument(changed: Draft, site: Site) -> None:
    shape = {"as_sym_ints": [{"as_expr": {"expr_str": expression(site.canary)}}]}
    changed.graph["nodes"].insert(0, node("view", [tensor("v")], self=tensor("x"), size=shape))


def _symbols(changed: Draft, site: Site) -> None:
    changed.document["range_constraints"] = {
        expression(site.canary): {"min_val": expression(site.canary), "max_val": None}
    }
    changed.graph["sym_int_values"] = {
        "s0": {"as_expr": {"expr_str": expression(site.canary), "hint": None}}
    }


def _guards(changed: Draft, site: Site) -> None:
    changed.document["guards_code"] = [f"{expression(site.canary)} or True"]


def _tree_specs(changed: Draft, site: Site) -> None:
    site.path("hostile_module.py").write_text(expression(site.canary))
    tree = json.dumps(
        [1, {"type": "hostile_module.Anything", "context": "null", "children_spec": []}]
    )
    signature = {"in_spec": tree, "out_spec": tree, "inputs": [], "outputs": []}
    changed.document["graph_module"]["module_call_graph"] = [{"fqn": "", "signature": signature}]
    changed.document["graph_module"]["metadata"] = {"in_spec": tree, "out_spec": tree}


def _legacy(canary: Path) -> bytes:
    return saved(canary, _use_new_zipfile_serialization=False)


def _torchscript(canary: Path) -> bytes:
    code = f"def forward(self, x):\n  {expression(canary)}\n  return x\n".encode()
    return zipped({"data.pkl": pickled(canary), "code/__torch__.py": code, "version": b"3"})


def _deflated(canary: Path) -> bytes:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(saved(canary))) as plain,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
        packed.writestr("archive/data/9", bytes(256 << 20))
    return buffer.getvalue()


def _expanded(_: Path) -> bytes:
    buffer = io.BytesIO()
    torch.save({"w": torch.ones(1).expand(1 << 40), "b": torch.zeros(3)}, buffer)
    return buffer.getvalue()


def _on_no_device(_: Path) -> bytes:
    buffer = io.BytesIO()
    torch.save({"w": torch.empty(1 << 40, device="meta"), "b": torch.zeros(3)}, buffer)
    return buffer.getvalue()


_NO_TENSOR = "which is no tensor"
_NOT_READ = "which is not read: only graphs and plain tensors are"
REFERENCES = (
    harmless(
        "pickled sample inputs", _member("data/sample_inputs/model.pt", saved), end_to_end=True
    ),
    refused("a pickled weight", _pickled_weight, "holds w as a pickle", end_to_end=True),
    refused(
        "a pickled constant",
        _constants({"c": entry("tensor_0", meta(3)) | {"use_pickle": True}}),
        "holds c as a pickle",
    ),
    refused(
        "an opaque object as a constant",
        _constants({"c": entry("opaque_obj_0", meta(3))}),
        "names a record 'opaque_obj_0'",
    ),
    refused("an opaque object", _member("data/constants/opaque_obj_0", pickled), _NOT_READ),
    refused("a custom object", _member("data/constants/custom_obj_0", saved), _NOT_READ),
    refused("old weights that are a pickle", _old_weights(saved), _NO_TENSOR, end_to_end=True),
    refused("old weights that are a bare pickle", _old_weights(pickled), "never opened"),
    refused("old weights of the oldest layout", _old_weights(_legacy), "never opened"),
    refused("old weights that are a bomb", _old_weights(_deflated), "compressed or encrypted"),
    refused("old weights that are expanded", _old_weights(_expanded), "outside its bytes"),
    refused("old weights without bytes", _old_weights(_on_no_device), _NO_TENSOR),
    refused("old constants that are a pickle", _old_constants, _NO_TENSOR),
    raw("a pickle", pickled, "is not an archive of torch.export.save", end_to_end=True),
    raw("a checkpoint", saved, _NOT_READ),
    raw("a checkpoint of the oldest layout", _legacy, "is not an archive"),
    raw("a script module", _torchscript, _NOT_READ),
    raw("a shared object", shared_object, "is not an archive"),
    refused(
        "a compiled model",
        _member("data/aotinductor/model/model.so", shared_object),
        _NOT_READ,
        end_to_end=True,
    ),
    refused(
        "a module of Python",
        _member("models/model.py", lambda c: expression(c).encode()),
        _NOT_READ,
    ),
    harmless("a shared object among the extra files", _member("extra/a.so", shared_object)),
    harmless("an expression as the batch's size", _expression_in_a_size, end_to_end=True),
    refused("an expression as a weight's size", _expression_in_a_weight, "not plain numbers"),
    refused(
        "an expression as an argument",
        _expression_as_an_argument,
        "argument that is not a number",
        end_to_end=True,
    ),
    harmless("expressions as symbols", _symbols),
    harmless("guards that are code", _guards, end_to_end=True),
    refused("tree specifications that import", _tree_specs, "returns 1 values, but describes 0"),
)
