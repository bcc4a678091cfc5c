"""Graphs that are small and valid, and ask for more memory or time than there is."""

from typing import Any

from hostile.graphs import HUGE, X, first
from hostile.pickles import Change, refused
from hostile.reference import MIB, HostileReference, Site
from interference_service.compute.limits import Limits
from support.archives import Draft, node, tensor


def _int(value: int) -> dict[str, Any]:
    return {"as_int": value}


def _ints(*values: int) -> dict[str, Any]:
    return {"as_ints": list(values)}


def _chain(count: int, target: str, **inputs: Any) -> Change:
    """An operator that replaces ``x`` by something larger, again and again."""

    def change(changed: Draft, _: Site) -> None:
        changed.graph["nodes"][:0] = [node(target, [tensor("x")], **inputs)] * count

    return change


def _made(target: str, *more: dict[str, Any], **inputs: Any) -> Change:
    return first(node(target, [tensor("made")], **inputs), *more)


def _multiplied(times: int) -> Change:
    """A square of ones, multiplied with itself again and again."""

    def change(changed: Draft, _: Site) -> None:
        one = node("mm", [tensor("made")], self=tensor("square"), mat2=tensor("square"))
        square = node("ones", [tensor("square")], size=_ints(1000, 1000))
        changed.graph["nodes"][:0] = [square] + [one] * times

    return change


_BILLION = node("expand", [tensor("wide")], self=tensor("p_b"), size=_ints(1 << 30, 3))
_PIECES = [{"as_tensors": [{"name": "piece"}]}]


def greedy(name: str, change: Change, **more: object) -> HostileReference:
    """A graph that takes too much memory."""
    return refused(
        name,
        change,
        "takes more than 0.5 GiB of memory to be read and tried",
        most_bytes=576 * MIB,
        **more,
    )


REFERENCES = (
    greedy(
        "a constant of 10^12 numbers",
        _made("full", size=_ints(HUGE), fill_value=_int(0)),
        end_to_end=True,
    ),
    refused(
        "a constant of 10^24 numbers",
        _made("full", size=_ints(HUGE, HUGE), fill_value=_int(0)),
        "Storage size calculation overflowed",
    ),
    greedy(
        "a constant of 4 GiB",
        _made("full", size=_ints(1 << 30), fill_value={"as_float": 1.0}),
        end_to_end=True,
    ),
    greedy("zeros of 10^12 numbers", _made("zeros", size=_ints(HUGE))),
    greedy("a range to 10^12", _made("arange", end=_int(HUGE))),
    greedy("10^12 steps", _made("linspace", start=_int(0), end=_int(1), steps=_int(HUGE))),
    greedy("a repetition", _made("repeat", self=X, repeats=_ints(1 << 20, 1 << 20))),
    greedy("a tile", _made("tile", self=X, dims=_ints(1 << 36, 1))),
    greedy(
        "repeated rows",
        _made(
            "torch.ops.aten.repeat_interleave.self_int", self=X, repeats=_int(1 << 36), dim=_int(0)
        ),
    ),
    greedy("a padding", _made("constant_pad_nd", self=X, pad=_ints(1 << 36, 1 << 36))),
    greedy(
        "doubling by cat",
        _chain(64, "cat", tensors={"as_tensors": [{"name": "x"}] * 2}, dim=_int(0)),
        end_to_end=True,
    ),
    greedy("doubling by stack", _chain(60, "stack", tensors={"as_tensors": [{"name": "x"}] * 2})),
    greedy(
        "an expansion that is copied",
        first(_BILLION, node("clone", [tensor("made")], self=tensor("wide"))),
    ),
    greedy(
        "an expansion in 10^9 pieces",
        first(_BILLION, node("torch.ops.aten.unbind.int", _PIECES, self=tensor("wide"))),
        end_to_end=True,
    ),
    greedy(
        "10^9 pieces of one",
        first(
            _BILLION,
            node("torch.ops.aten.split.Tensor", _PIECES, self=tensor("wide"), split_size=_int(1)),
        ),
    ),
    greedy(
        "10^9 chunks",
        first(_BILLION, node("chunk", _PIECES, self=tensor("wide"), chunks=_int(1 << 30))),
    ),
    greedy(
        "an outer product",
        first(
            _BILLION,
            node(
                "torch.ops.aten.select.int",
                [tensor("long")],
                self=tensor("wide"),
                dim=_int(1),
                index=_int(0),
            ),
            node("outer", [tensor("made")], self=tensor("long"), vec2=tensor("long")),
        ),
    ),
    greedy(
        "an enlarged image",
        first(
            node("view", [tensor("image")], self=X, size=_ints(-1, 1, 2, 2)),
            node(
                "upsample_nearest2d",
                [tensor("made")],
                self=tensor("image"),
                output_size=_ints(1 << 20, 1 << 20),
            ),
        ),
    ),
    refused(
        "multiplications for hours",
        _multiplied(50_000),
        "takes longer than 3 s to be read and tried",
        limits=Limits(memory_bytes=512 * MIB, seconds=3),
    ),
)
