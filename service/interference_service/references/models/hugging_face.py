"""Directories of ``save_pretrained``: a format of models, see ``source.ModelSource``.

``from_pretrained`` is never called: it can be made to load code. The class comes from a list, its
configuration from what ``hugging_face_config`` lets through, and the tensors from our own reader.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from interference_service.domain.specification import ModelReference
from interference_service.errors import InputUnavailable
from interference_service.references.models.building import MAX_BYTES
from interference_service.references.models.exporting import exported
from interference_service.references.models.hugging_face_config import (
    CLASSES,
    read_configuration,
    read_json,
)
from interference_service.references.models.hugging_face_network import HuggingFaceNetwork
from interference_service.references.models.refusal import FIELD, need, refuse
from interference_service.references.models.safetensors_file import read_tensors
from interference_service.references.models.weights import with_weights
from interference_service.references.stores import Stores, digest

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
MAX_INDEX_BYTES = 16 << 20
MAX_SHARDS = 1024
_SHARD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}\.safetensors")


@dataclass(frozen=True, slots=True)
class _Files:
    """What is read of a directory, opened once, so that it is what its digest says.

    Attributes:
        config: ``config.json``.
        shards: Files of tensors by name.
        table: For every tensor the shard that it is in; empty: there is only one.
        digest: Of all of them.
    """

    config: BinaryIO
    shards: Mapping[str, BinaryIO]
    table: Mapping[str, str]
    digest: str


class HuggingFaceDirectory:
    """A configuration and safetensors; see ``ModelSource``."""

    def digest(self, reference: ModelReference, stores: Stores) -> str:
        """See ``ModelSource.digest``."""
        with ExitStack() as opened:
            return _open(reference, stores, opened).digest

    def program(self, reference: ModelReference, stores: Stores) -> NDArray[np.uint8]:
        """See ``ModelSource.program``."""
        with ExitStack() as opened:
            files = _open(reference, stores, opened)
            offered = (*CLASSES, *stores.policy.hugging_face_classes)
            network = HuggingFaceNetwork(read_configuration(files.config, offered))
            built = with_weights(
                network.build, lambda empty: network.renamed(_tensors(files), empty), FIELD
            )
        return exported(built, network.example_inputs())


def _open(reference: ModelReference, stores: Stores, opened: ExitStack) -> _Files:
    """The files of a directory, until ``opened`` ends."""
    stores.policy.check(reference)
    entries = {each.path: each for each in stores.entries(reference.uri, FIELD)}
    _check_listing(entries.keys())

    def open_(name: str) -> BinaryIO:
        need(name in entries, f"lacks {name!r}, which its index names; copy the directory again")
        file = stores.open(reference.uri + name, FIELD, entries[name].version)
        return opened.enter_context(file)

    table: dict[str, str] = {}
    total = hashlib.sha256()
    if WEIGHTS not in entries:
        index = open_(INDEX)
        table = _table(index)
        index.seek(0)
        total.update(f"{INDEX} {digest(index)}\n".encode())
    names = sorted(set(table.values())) or [WEIGHTS]
    _check_size(sum(entries[name].size for name in names if name in entries))
    shards = {name: open_(name) for name in names}
    config = open_(CONFIG)
    for name, file in {CONFIG: config, **shards}.items():
        total.update(f"{name} {digest(file)}\n".encode())
    found = f"sha256:{total.hexdigest()}"
    if reference.digest not in {"", found}:
        raise InputUnavailable.at(
            "model.digest",
            f"is {reference.digest}, but {reference.uri!r} has {found}; the directory was changed "
            "after it was named",
        )
    return _Files(config, shards, table, found)


def _check_listing(names: Collection[str]) -> None:
    need(
        "adapter_config.json" not in names,
        "holds an adapter, which is part of a model; merge it with merge_and_unload() and save that",
    )
    need(CONFIG in names, f"lacks {CONFIG!r}; name the directory that save_pretrained wrote")
    if WEIGHTS in names or INDEX in names:
        return
    pickled = [name for name in names if name.endswith((".bin", ".pt", ".pth", ".ckpt", ".h5"))]
    raise refuse(
        f"lacks {WEIGHTS!r}"
        + (f"; {pickled[0][:80]!r} is never opened, since it may run code" if pickled else "")
        + "; save the model again with save_pretrained(path), which writes safetensors"
    )


def _check_size(total: int) -> None:
    need(total <= MAX_BYTES, f"holds {total} bytes of weights; at most {MAX_BYTES} are read")


def _table(index: BinaryIO) -> dict[str, str]:
    table = read_json(index, INDEX, MAX_INDEX_BYTES).get("weight_map")
    if not isinstance(table, dict) or not table:
        raise refuse(f"has a {INDEX} without a weight_map; save the model again")
    for name in table.values():
        need(
            isinstance(name, str) and _SHARD.fullmatch(name) and ".." not in name,
            f"has a {INDEX} that names the file {str(name)[:80]!r}; only safetensors beside it are read",
        )
    need(len(set(table.values())) <= MAX_SHARDS, f"has more than {MAX_SHARDS} shards")
    return table


def _tensors(files: _Files) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for shard, file in files.shards.items():
        for name, tensor in read_tensors(file).items():
            need(name not in found, f"has {name[:80]!r} in two shards")
            need(
                not files.table or files.table.get(name) == shard,
                f"has {name[:80]!r} in {shard!r}, where its index does not name it",
            )
            found[name] = tensor
    return found
