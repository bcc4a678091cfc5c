"""Weights, checkpoints and directories that bring code, lie, or ask for networks beyond memory."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from hostile.arrays import array_of, safetensors_file
from hostile.payloads import Gadget, expression, pickled, saved
from hostile.reference import MIB, HostileReference, Site, Submission
from interference_client import ModelReference
from interference_service.errors import InputUnsupported

_MLP = {"architecture": "mlp", "architecture_arguments": {"features": 4, "classes": 3}}
_GOOD = {"head.weight": torch.ones(3, 4), "head.bias": torch.zeros(3)}
_CONFIG = {
    "architectures": ["BertForSequenceClassification"],
    "model_type": "bert",
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "intermediate_size": 8,
    "vocab_size": 16,
    "max_position_embeddings": 8,
}


def weights(
    name: str,
    content: Callable[[Site], bytes],
    words: str,
    form: str = "state_dict",
    given: dict[str, Any] | None = None,
    **more: object,
) -> HostileReference:
    """A file of weights for a perceptron."""

    def builds(site: Site) -> Submission:
        site.path("weights").write_bytes(content(site))
        model = ModelReference(site.uri("weights"), format=form, **(_MLP | (given or {})))
        return site.model()._replace(model=model)

    return HostileReference(name, builds, **({"error": InputUnsupported, "words": words} | more))


def checkpoint(
    name: str, content: Callable[[Site], bytes], words: str, **more: object
) -> HostileReference:
    """A checkpoint for a perceptron."""
    return weights(name, content, words, "checkpoint", **more)


def directory(
    name: str,
    config: object,
    words: str,
    files: dict[str, Callable[[Path], bytes]] | None = None,
    **more: object,
) -> HostileReference:
    """A directory of Hugging Face."""

    def builds(site: Site) -> Submission:
        site.path("model").mkdir()
        told = config(site.canary) if callable(config) else config
        raw = told if isinstance(told, bytes) else json.dumps(told).encode()
        site.path("model/config.json").write_bytes(raw)
        for file, content in ({"model.safetensors": _nothing} if files is None else files).items():
            site.path(f"model/{file}").write_bytes(content(site.canary))
        model = ModelReference(site.uri("model/"), format="hugging_face")
        return site.model()._replace(model=model)

    return HostileReference(name, builds, **({"error": InputUnsupported, "words": words} | more))


def _nothing(_: Path) -> bytes:
    return safetensors.torch.save({"w": torch.zeros(1)})


def _torch(value: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def _beside(site: Site) -> bytes:
    return _torch({"state_dict": _GOOD, "callbacks": Gadget(site.canary)})


def _globals(site: Site) -> bytes:
    """Named, never called."""
    return _torch({"state_dict": _GOOD, "seed": Path(site.canary)})


def _bomb(_: Site) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
        archive.writestr("archive/data/0", bytes(256 * MIB))
    return buffer.getvalue()


def _deep(_: Site) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + b"(" * 5_000_000 + b".")
    return buffer.getvalue()


def _config(**changes: object) -> dict[str, object]:
    return _CONFIG | changes


def _coded(canary: Path) -> dict[str, object]:
    return _config(auto_map={"AutoModel": "modeling.Evil"}, trust_remote_code=True)


_FILES = {"model.safetensors": _nothing, "modeling.py": lambda canary: expression(canary).encode()}
_INDEX = {
    "model.safetensors.index.json": lambda _: json.dumps(
        {"weight_map": {"w": "../../secret.safetensors"}}
    ).encode()
}
_ELSEWHERE = {
    "model.safetensors.index.json": lambda _: json.dumps(
        {"weight_map": {"w": "http://169.254.169.254/w"}}
    ).encode()
}
_HUGE = {
    "architecture_arguments": {"features": 1 << 20, "classes": 1 << 20, "hidden": [1 << 20] * 4}
}

REFERENCES = (
    checkpoint(
        "a checkpoint that is a gadget",
        lambda site: saved(site.canary),
        "which is no tensor",
        end_to_end=True,
    ),
    checkpoint("a checkpoint with a gadget beside its weights", _beside, "which is no tensor"),
    checkpoint("a checkpoint with a path beside its weights", _globals, "which is no tensor"),
    checkpoint(
        "a checkpoint that is a bare pickle", lambda site: pickled(site.canary), "never opened"
    ),
    checkpoint(
        "a checkpoint of the oldest layout, by name",
        lambda site: saved(site.canary, _use_new_zipfile_serialization=False),
        "never opened",
    ),
    checkpoint("a checkpoint that is a bomb", _bomb, "compressed or encrypted member"),
    checkpoint("a checkpoint of five million marks", _deep, "holds too much beside its tensors"),
    checkpoint(
        "a checkpoint of expanded weights",
        lambda _: _torch({"head.weight": torch.ones(1).expand(1 << 40)}),
        "outside its bytes",
    ),
    checkpoint(
        "a checkpoint without bytes",
        lambda _: _torch({"head.weight": torch.empty(1 << 40, device="meta")}),
        "which is no tensor",
    ),
    checkpoint(
        "a checkpoint that is a module",
        lambda _: _torch(torch.nn.Linear(4, 3)),
        "which is no tensor",
    ),
    weights(
        "weights that are a pickle",
        lambda site: pickled(site.canary),
        "is not a safetensors file",
        end_to_end=True,
    ),
    weights(
        "weights of a header of 2^63 bytes",
        lambda _: safetensors_file(b"{}", length=1 << 63),
        "is not a safetensors file",
    ),
    weights(
        "weights that overlap",
        lambda _: safetensors_file(
            {"head.weight": array_of(0, 48, 3, 4), "head.bias": array_of(0, 12, 3)}, bytes(48)
        ),
        "leaves a gap or an overlap",
    ),
    weights(
        "weights of 10^18 numbers",
        lambda _: safetensors_file(
            {"head.weight": array_of(0, 48, 10**9, 10**9), "head.bias": array_of(48, 60, 3)},
            bytes(60),
        ),
        "bytes where its shape needs",
    ),
    weights(
        "weights of another shape",
        lambda _: safetensors.torch.save(_GOOD | {"head.weight": torch.ones(4, 3)}),
        "does not fit the network",
    ),
    weights(
        "weights with names of code",
        lambda _: safetensors.torch.save({"__class__.__init__": torch.ones(3)}),
        "does not fit the network",
    ),
    weights(
        "weights for a network of terabytes",
        lambda _: safetensors.torch.save(_GOOD),
        "describes a network of 4398046511104 bytes or more",
        given=_HUGE,
        field="model.architecture_arguments",
        end_to_end=True,
    ),
    weights(
        "an architecture that is a module of Python",
        lambda _: safetensors.torch.save(_GOOD),
        "those of this server are",
        given={"architecture": "os.system", "architecture_arguments": {}},
        field="model.architecture",
        end_to_end=True,
    ),
    weights(
        "arguments that are no numbers",
        lambda _: safetensors.torch.save(_GOOD),
        "features: Input should be a valid integer",
        given={"architecture_arguments": {"features": "__import__('os')", "classes": 3}},
        field="model.architecture_arguments",
    ),
    directory(
        "a directory with code",
        _coded,
        "with 'auto_map': the model needs code of its own",
        _FILES,
        end_to_end=True,
    ),
    directory(
        "a class that is not offered", _config(architectures=["os.system"]), "this server loads"
    ),
    directory(
        "10^9 layers", _config(num_hidden_layers=10**9), "at most 1024 is built", end_to_end=True
    ),
    directory("layers of 10^9 numbers", _config(hidden_size=10**9), "at most 1048576 is built"),
    directory(
        "a network of terabytes",
        _config(hidden_size=1 << 20, intermediate_size=1 << 20, num_hidden_layers=64),
        "describes a network of",
    ),
    directory(
        "attention by a kernel from elsewhere",
        _config(
            _attn_implementation="evil/kernel",
            attn_implementation="evil/kernel",
            _attn_implementation_internal="evil/kernel",
        ),
        "does not fit the network",
    ),
    directory(
        "a configuration that is quantised",
        _config(quantization_config={"quant_method": "bitsandbytes"}),
        "is quantised",
    ),
    directory("a configuration nested deep", b"[" * 1_000_000, "no readable JSON"),
    directory("a configuration of 5 MiB", b" " * (5 * MIB), "has a config.json of more than"),
    directory(
        "a configuration of a key twice",
        b'{"architectures": [], "architectures": []}',
        "no readable JSON",
    ),
    directory("10^9 labels", _config(num_labels=10**9), "labels; 1 to 100000 are built"),
    directory(
        "weights of a directory that are a pickle",
        _CONFIG,
        "is never opened, since it may run code",
        {"pytorch_model.bin": saved},
        end_to_end=True,
    ),
    directory(
        "an adapter",
        _CONFIG,
        "holds an adapter",
        {"model.safetensors": _nothing, "adapter_config.json": lambda _: b"{}"},
    ),
    directory(
        "an index that leads out of its directory",
        _CONFIG,
        "only safetensors beside it are read",
        _INDEX,
        end_to_end=True,
    ),
    directory(
        "an index that leads elsewhere", _CONFIG, "only safetensors beside it are read", _ELSEWHERE
    ),
)
