"""``interference export``: a network of the caller's own code as an archive, in the caller's process."""

import argparse
import importlib
import re
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from interference_client._cli_exit import Exit
from interference_client._cli_output import Output
from interference_client._cli_specification import json_object
from interference_client.errors import ExportFailed

if TYPE_CHECKING:
    from interference_client.export import Examples, ExportedModel

_EXAMPLE = re.compile(
    r"(?P<name>[A-Za-z_]\w*)=(?P<dtype>[a-z]+[0-9]*):(?P<shape>[1-9]\d*(x[1-9]\d*)*)"
)
_AXES = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<axes>\d+(,\d+)*)")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``export``."""
    parser.add_argument("factory", metavar="MODULE:FACTORY", help="function that makes the network")
    parser.add_argument("--arguments", type=json_object, default={}, metavar="JSON", help="for it")
    parser.add_argument(
        "--weights", type=Path, metavar="FILE.safetensors", help="loaded into the network"
    )
    parser.add_argument(
        "--example",
        action="append",
        required=True,
        type=_example,
        metavar="NAME=DTYPE:SHAPE",
        help="input of forward, the batch first, as x=float32:2x3x32x32; again for more",
    )
    parser.add_argument(
        "--dynamic",
        action="append",
        default=[],
        type=_axes,
        metavar="NAME=AXIS,…",
        help="axes of any size besides the batch, as input_ids=1; again for more",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.pt2")


def export(arguments: argparse.Namespace, output: Output) -> int:
    """Write a trained network as an archive for the service; needs torch."""
    from interference_client.export import export_model

    exported = export_model(
        _network(arguments),
        _examples(arguments),
        arguments.out,
        dynamic_axes=dict(arguments.dynamic),
    )
    output.document(asdict(exported), _text(exported))
    return Exit.PASSED


def _network(arguments: argparse.Namespace) -> Any:
    """What the factory makes; its code runs as if the caller had imported it.

    Raises:
        ExportFailed: There is no such factory, it fails, or its network does not have these
            weights.
    """
    module, _, name = arguments.factory.partition(":")
    # As `python -m` does; the script of this command lies elsewhere.
    sys.path.insert(0, str(Path.cwd()))
    imported = _imported(arguments.factory, module)
    factory = getattr(imported, name, None)
    if factory is None:
        raise _no_factory(arguments.factory, f"{module} has no {name!r}")
    try:
        network = factory(**arguments.arguments)
    except Exception as error:
        raise ExportFailed(f"{arguments.factory} failed: {_told(error)}") from error
    if arguments.weights is not None:
        from safetensors.torch import load_model

        try:
            load_model(network, arguments.weights)
        except OSError:
            raise
        except Exception as error:
            raise ExportFailed(f"{arguments.weights} has other weights: {error}") from error
    return network


def _imported(factory: str, module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if not module or (missing and f"{module}.".startswith(f"{missing}.")):
            raise _no_factory(factory, str(error)) from error
        raise ExportFailed(f"{module} cannot be imported: {_told(error)}") from error


def _no_factory(factory: str, why: str) -> ExportFailed:
    return ExportFailed(
        f"there is no factory {factory!r}: {why}; write module.path:function, as seen from this "
        "directory"
    )


def _told(error: Exception) -> str:
    """An error of the caller's own code, with the place where it was raised."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__}: {error} ({last.filename}, line {last.lineno})"


def _examples(arguments: argparse.Namespace) -> "Examples":
    import torch

    generator = torch.Generator().manual_seed(0)
    made = {}
    for name, dtype_name, shape in arguments.example:
        dtype = getattr(torch, dtype_name, None)
        if not isinstance(dtype, torch.dtype):
            raise ExportFailed(f"the example of {name!r} has the unknown type {dtype_name!r}")
        made[name] = (
            torch.randn(shape, generator=generator).to(dtype)
            if dtype.is_floating_point
            # Small enough for the indices of any embedding.
            else torch.randint(0, 2, shape, generator=generator).to(dtype)
        )
    return made


def _text(exported: "ExportedModel") -> str:
    lines = [f"{exported.path}  {exported.digest}", f"  {exported.parameters} parameters"]
    for each in exported.inputs:
        sizes = " x ".join("any" if size is None else str(size) for size in each.shape)
        lines.append(f"  {each.name}: {each.dtype} {sizes}")
    return "\n".join([*lines, f"  torch {exported.torch_version}"])


def _example(text: str) -> tuple[str, str, tuple[int, ...]]:
    found = _EXAMPLE.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=DTYPE:SHAPE")
    return found["name"], found["dtype"], tuple(int(each) for each in found["shape"].split("x"))


def _axes(text: str) -> tuple[str, tuple[int, ...]]:
    found = _AXES.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=AXIS,…")
    return found["name"], tuple(int(each) for each in found["axes"].split(","))
