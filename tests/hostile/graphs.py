"""Graphs that name what is not theirs, lie about tensors, or ask for more than there is."""

from typing import Any

from hostile.payloads import expression
from hostile.pickles import Change, harmless, refused
from hostile.reference import HostileReference, Site
from support.archives import Draft, entry, meta, node, tensor

X, Y = tensor("x"), tensor("y")
HUGE = 10**12


def _int(value: object) -> dict[str, Any]:
    return {"as_int": value}


def _ints(*values: object) -> dict[str, Any]:
    return {"as_ints": list(values)}


def first(*nodes: dict[str, Any]) -> Change:
    """Nodes before those of the good graph."""

    def change(changed: Draft, _: Site) -> None:
        changed.graph["nodes"][:0] = nodes

    return change


def _called(target: str, **inputs: Any) -> dict[str, Any]:
    return node(target, [tensor("made")], **inputs)


def operator(name: str, target: str, end_to_end: bool = False, **inputs: Any) -> HostileReference:
    """A call of an operator that is not on the list."""
    change = first(_called(target, **inputs or {"self": X}))
    words = "calls the"
    return refused(name, change, words, end_to_end=end_to_end)


def _from_file(changed: Draft, site: Site) -> None:
    inputs = {
        "filename": {"as_string": str(site.canary)},
        "shared": {"as_bool": True},
        "size": _int(10),
    }
    changed.graph["nodes"].insert(0, _called("from_file", **inputs))


def _everywhere(name: Any) -> Change:
    """Calls the input ``name`` wherever it is named."""

    def change(changed: Draft, site: Site) -> None:
        told = name(site.canary) if callable(name) else name
        changed.graph["inputs"][2] = tensor(told)
        changed.graph["nodes"][0]["inputs"][0]["arg"] = tensor(told)
        changed.graph["tensor_values"][told] = changed.graph["tensor_values"].pop("x")
        changed.signature["input_specs"][2]["user_input"]["arg"] = tensor(told)

    return change


def _node_called(name: str) -> Change:
    return first(node("relu", [tensor(name)], self=X))


def _parameter_called(name: str) -> Change:
    def change(changed: Draft, _: Site) -> None:
        changed.signature["input_specs"][0]["parameter"]["parameter_name"] = name
        changed.weights[name] = changed.weights.pop("w")

    return change


def _tensor_of(**changes: Any) -> Change:
    """Changes the entry of the weight in its table."""

    def change(changed: Draft, _: Site) -> None:
        changed.weights["w"]["tensor_meta"].update(changes)

    return change


def _sizes(*sizes: Any) -> list[dict[str, Any]]:
    return [{"as_int": each} for each in sizes]


def _empty(changed: Draft, _: Site) -> None:
    changed.weights["w"] = entry("weight_0", meta(0, HUGE, HUGE, strides=[1, 1, 1]))
    changed.members["data/weights/weight_0"] = b""


def _region(inputs: list[str], outputs: list[str], depth: int = 0) -> dict[str, Any]:
    """A region without gradients, whose graph is relu or another region."""
    inner = node("relu", [tensor("inner")], self=tensor("given"))
    if depth:
        inner = _region(["given"], ["inner"], depth - 1)
    graph = {
        "inputs": [tensor(each) for each in ["given"] * len(inputs)],
        "outputs": [tensor(each) for each in ["inner"] * len(outputs)],
        "nodes": [inner],
    }
    arguments = [{"as_bool": False}, {"as_graph": {"name": "inner", "graph": graph}}]
    arguments += [tensor(each) for each in inputs]
    return {
        "target": "torch.ops.higher_order.wrap_with_set_grad_enabled",
        "inputs": [{"name": "", "arg": each, "kind": 1} for each in arguments],
        "outputs": [tensor(each) for each in outputs],
        "metadata": {},
    }


def _region_of(code: str) -> Change:
    """A region whose graph's input has a hostile name."""

    def change(changed: Draft, _: Site) -> None:
        region = _region(["x"], ["r"])
        graph = region["inputs"][1]["arg"]["as_graph"]
        graph["name"], graph["graph"]["inputs"] = code, [tensor(code)]
        changed.graph["nodes"].insert(0, region)

    return change


def _many(count: int) -> Change:
    def change(changed: Draft, _: Site) -> None:
        one = _called("relu", self=X)
        changed.graph["nodes"][:0] = [one] * count

    return change


_NAME = "has a node whose name is not an identifier"
_OUTSIDE = "holds w with a shape that reaches outside its bytes"
_NUMBERS = "holds a tensor whose sizes are not plain numbers"
_ALLOWED = "is not on the list"

REFERENCES = (
    refused("an operator that opens files", _from_file, _ALLOWED, end_to_end=True),
    operator("an operator that writes files", "torch.ops.aten.save.default"),
    operator("an operator that replaces storage", "torch.ops.aten.set_.source_Tensor"),
    operator("an operator that resizes storage", "torch.ops.aten.resize_.default"),
    operator("a view of any memory", "torch.ops.aten.as_strided.default", end_to_end=True),
    operator("an unchecked sparse tensor", "torch.ops.aten._sparse_coo_tensor_unsafe.default"),
    operator("an operator of quantisation", "torch.ops.quantized.linear.default"),
    operator("an operator of a library", "torch.ops.torchvision.decode_image.default"),
    operator("an operator that prints", "torch.ops.aten._print.default"),
    operator("an operator of primitives", "torch.ops.prims.rng_prims.default"),
    operator("a kernel that is compiled", "torch.ops.higher_order.triton_kernel_wrapper_mutation"),
    operator("a higher-order operator", "torch.ops.higher_order.cond"),
    operator("a function of the system", "os.system", end_to_end=True),
    operator("a builtin", "builtins.eval"),
    operator("an attribute of everything", "_operator.attrgetter"),
    operator("a loader of torch", "torch.load"),
    operator("an attribute of an operator", "torch.ops.aten.relu.default.__class__"),
    operator("an attribute of the operators", "torch.ops.aten.__class__.__subclasses__"),
    operator("a very long operator", "torch.ops." + "a" * 1_000_000),
    refused(
        "a callable as an argument",
        first(_called("relu", self={"as_operator": "os.system"})),
        "gives relu a self of the kind 'as_operator', where Tensor is due",
    ),
    refused(
        "a custom object as an argument",
        first(_called("relu", self={"as_custom_obj": {"name": "o", "class_fqn": "os.system"}})),
        "of the kind 'as_custom_obj'",
    ),
    refused(
        "a graph where a tensor is due",
        first(_called("relu", self={"as_graph": {"name": "g", "graph": {"nodes": []}}})),
        "of the kind 'as_graph'",
    ),
    refused(
        "a number where an element type is due",
        first(_called("torch.ops.aten.to.dtype", self=X, dtype=_int(7))),
        "gives to a dtype of the kind 'as_int', where ScalarType is due",
        end_to_end=True,
    ),
    refused(
        "an equation that is code",
        first(
            _called(
                "einsum",
                equation={"as_string": "__import__('os')"},
                tensors={"as_tensors": [{"name": "x"}]},
            )
        ),
        "gives einsum a string for equation that is not allowed",
    ),
    refused("an input called like code", _everywhere(expression), _NAME, end_to_end=True),
    refused("an input called like an import", _everywhere("x; import os"), _NAME),
    refused("an input with a line break", _everywhere("x\n    import os\n    y"), _NAME),
    refused("an input called like a keyword", _everywhere("lambda"), _NAME),
    refused("a node with an endless name", _node_called("n" * 1_000_000), _NAME),
    refused("a node with a name of NUL", _node_called("n\x00"), _NAME),
    refused("a node with a name beyond ASCII", _node_called("\uff4e"), _NAME),
    harmless("a node called like a class", _node_called("__class__")),
    harmless("a parameter called like a class", _parameter_called("__class__.__init__")),
    refused(
        "a parameter called like an import",
        _parameter_called("w = 1\nimport os"),
        "names a tensor 'w = 1\\nimport os'",
    ),
    refused(
        "a parameter with an endless name",
        _parameter_called("w" * 1_000_000),
        "names a tensor 'www",
    ),
    refused("a region's input called like code", _region_of("g):\n import os\ndef f("), _NAME),
    refused(
        "a region that is given what is not there",
        first(_region(["nobody"], ["r"])),
        "passes nobody across a region",
    ),
    refused(
        "regions within regions",
        first(_region(["x"], ["r"], depth=50)),
        "nests regions deeper than 2",
    ),
    refused(
        "a weight that is larger than its bytes",
        _tensor_of(sizes=_sizes(3, 5), strides=_sizes(5, 1)),
        _OUTSIDE,
        end_to_end=True,
    ),
    refused("a weight of negative size", _tensor_of(sizes=_sizes(-3, 4)), _NUMBERS),
    refused("a weight of a size that is no number", _tensor_of(sizes=_sizes("3", 4)), _NUMBERS),
    refused("a weight of a size beyond numbers", _tensor_of(sizes=_sizes(1 << 70, 4)), _NUMBERS),
    refused(
        "a weight with strides beyond its bytes", _tensor_of(strides=_sizes(1000, 1)), _OUTSIDE
    ),
    refused("a weight with negative strides", _tensor_of(strides=_sizes(-4, 1)), _NUMBERS),
    refused(
        "a weight that is one number for all",
        _tensor_of(sizes=_sizes(HUGE), strides=_sizes(0)),
        _OUTSIDE,
    ),
    refused(
        "a weight with an offset beyond its bytes",
        _tensor_of(storage_offset=_int(1 << 30)),
        _OUTSIDE,
    ),
    refused("a weight with a negative offset", _tensor_of(storage_offset=_int(-1)), _NUMBERS),
    refused(
        "a weight of 33 axes",
        _tensor_of(sizes=_sizes(*[1] * 33), strides=_sizes(*[1] * 33)),
        "sizes that disagree",
    ),
    refused("a weight without bytes and a huge shape", _empty, _OUTSIDE, end_to_end=True),
    refused(
        "a weight of an unknown type",
        _tensor_of(dtype=99),
        "element type or layout that is not read",
    ),
    refused(
        "a weight of another layout",
        _tensor_of(layout=1),
        "element type or layout that is not read",
    ),
    harmless("200 nodes that nobody needs", _many(200)),
    refused("more than 100,000 nodes", _many(100_001), "has 100002 nodes; at most 100000 are run"),
)
