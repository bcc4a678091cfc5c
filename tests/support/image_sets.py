"""Small image sets in every layout that they are published in."""

import csv
import io
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class Pictures:
    """Random pixels of shape ``[n, height, width(, 3)]`` and the class of each."""

    pixels: NDArray[np.uint8]
    classes: list[str]

    @property
    def labels(self) -> list[int]:
        names = sorted(set(self.classes))
        return [names.index(each) for each in self.classes]

    def sources(self, prefix: str = "") -> list[str]:
        return [f"{each}/{prefix}{row:04}.png" for row, each in enumerate(self.classes)]


def pictures(counts: Mapping[str, int], shape: Sequence[int] = (32, 32, 3), seed: int = 0):
    """Different pictures of every class."""
    classes = [name for name, count in counts.items() for _ in range(count)]
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (len(classes), *shape), dtype=np.uint8)
    return Pictures(pixels, classes)


def png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def write_parquet(path: Path, found: Pictures, prefix: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        "image": pa.array([png(each) for each in found.pixels], pa.binary()),
        "label": pa.array(found.labels),
        "label_name": pa.array(found.classes),
        "source": pa.array(found.sources(prefix)),
    }
    pq.write_table(pa.table(columns), path)


def write_folders(directory: Path, found: Pictures, prefix: str = "") -> None:
    for source, pixels in zip(found.sources(prefix), found.pixels, strict=True):
        path = directory / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(pixels))


def write_metadata(directory: Path, found: Pictures) -> None:
    """As Raptor Maps publishes infrared images."""
    (directory / "images").mkdir(parents=True)
    table = {}
    for row, (name, pixels) in enumerate(zip(found.classes, found.pixels, strict=True)):
        place = f"images/{row}.png"
        (directory / place).write_bytes(png(pixels))
        table[str(row)] = {"image_filepath": place, "anomaly_class": name}
    (directory / "module_metadata.json").write_text(json.dumps(table))


def write_manifest(path: Path, groups: Mapping[str, str]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "photo_group"])
        writer.writerows(groups.items())


def write_cifar(directory: Path, training: Pictures, evaluation: Pictures) -> None:
    """As Krizhevsky publishes it: five batches and one to test, pickled by Python 2."""
    directory.mkdir(parents=True)
    parts = np.array_split(np.arange(len(training.classes)), 5)
    for number, rows in enumerate(parts, 1):
        (directory / f"data_batch_{number}").write_bytes(_batch(training, rows))
    rows = np.arange(len(evaluation.classes))
    (directory / "test_batch").write_bytes(_batch(evaluation, rows))
    names = _list([_text(each) for each in sorted(set(training.classes))])
    meta = _dictionary({"label_names": names, "num_vis": _integer(3072)})
    (directory / "batches.meta").write_bytes(_pickle(meta))


def _batch(found: Pictures, rows: NDArray[np.int64]) -> bytes:
    flat = found.pixels[rows].transpose(0, 3, 1, 2).reshape(len(rows), -1)
    labels, sources = found.labels, found.sources()
    return _pickle(
        _dictionary(
            {
                "data": _array(flat),
                "labels": _list([_integer(labels[row]) for row in rows]),
                "batch_label": _text("a batch"),
                "filenames": _list([_text(sources[row]) for row in rows]),
            }
        )
    )


# What Python 2 wrote, operation by operation: its bytes are texts, and numpy's home was another.
def _pickle(body: bytes) -> bytes:
    return b"\x80\x02" + body + b"."


def _text(value: str | bytes) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return b"T" + struct.pack("<I", len(content)) + content


def _integer(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def _tuple(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def _list(items: Sequence[bytes]) -> bytes:
    return b"](" + b"".join(items) + b"e"


def _dictionary(items: Mapping[str, bytes]) -> bytes:
    return b"}(" + b"".join(_text(key) + value for key, value in items.items()) + b"u"


def _array(values: NDArray[np.uint8]) -> bytes:
    bare = b"cnumpy.core.multiarray\n_reconstruct\n" + _tuple(
        b"cnumpy\nndarray\n", _tuple(_integer(0)), _text("b")
    )
    kind = b"cnumpy\ndtype\n" + _tuple(_text("u1"), _integer(0), _integer(1)) + b"R"
    rest = [_integer(3), _text("|"), b"N", b"N", b"N", _integer(-1), _integer(-1), _integer(0)]
    shape = _tuple(*map(_integer, values.shape))
    state = _tuple(
        _integer(1), shape, kind + _tuple(*rest) + b"b", b"\x89", _text(values.tobytes())
    )
    return bare + b"R" + state + b"b"
