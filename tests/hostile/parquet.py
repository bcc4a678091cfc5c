"""Parquet files that are cut, unfold to more than memory, or hold what is not data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from hostile.payloads import pickled
from hostile.reference import MIB, HostileReference, Site, Submission, good_table
from interference_client import image
from interference_service.errors import InputUnavailable, InputUnsupported, InvalidData, NonFinite
from support.hostile_images import chunk
from support.prepared import encoded


def good_file(path: Path, table: pa.Table | None = None, **options: object) -> bytes:
    """The bytes of a good file, which is left at the path."""
    pq.write_table(good_table() if table is None else table, path, **options)
    return path.read_bytes()


def table(
    name: str,
    made: Callable[[Path], pa.Table],
    words: str,
    *,
    given: dict[str, object] | None = None,
    write: dict[str, object] | None = None,
    **more: object,
) -> HostileReference:
    """A file of a table that pyarrow writes."""

    def builds(site: Site) -> Submission:
        pq.write_table(made(site.canary), site.path("rows.parquet"), **(write or {}))
        return site.table(**(given or {}))

    expected = {"error": InvalidData, "field": "data.uris[0]"} | more
    return HostileReference(name, builds, words=words, **expected)


def _bytes(
    name: str,
    content: Callable[[Site], bytes],
    words: str = "cannot be read as Parquet",
    **more: object,
) -> HostileReference:
    def builds(site: Site) -> Submission:
        site.path("rows.parquet").write_bytes(content(site))
        return site.table()

    expected = {"error": InputUnavailable, "field": "data.uris[0]"} | more
    return HostileReference(name, builds, words=words, **expected)


def _truncated(tenths: int) -> HostileReference:
    def content(site: Site) -> bytes:
        raw = good_file(site.path("whole.parquet"))
        return raw[: len(raw) * tenths // 10]

    return _bytes(f"a file cut after {tenths} tenths", content)


_IMAGES = {"inputs": {"x": image("x", mode="grey", size=(2, 2))}}


def _one_value(value: bytes, rows: int) -> pa.Table:
    """One value for all rows, which a dictionary holds once."""
    indices = pa.array(np.zeros(rows, np.int32))
    values = pa.DictionaryArray.from_arrays(indices, pa.array([value], pa.binary()))
    return pa.table({"x": values, "label": np.arange(rows) % 3})


def _padded_image(size: int) -> bytes:
    """A good image with a lot of nothing in it."""
    good = encoded(Image.new("RGB", (2, 2)))
    return good[:-12] + chunk(b"noTh", bytes(size)) + good[-12:]


def _unfolding(_: Path) -> pa.Table:
    return _one_value(_padded_image(2 * MIB), 2_000)


def _together(_: Path) -> pa.Table:
    return _one_value(_padded_image(512 << 10), 8_000)


def _many_rows(_: Path) -> pa.Table:
    rows = 1 << 24
    numbers = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(4 * rows, np.int8)), 4)
    return pa.table({"x": numbers, "label": np.zeros(rows, np.int8)})


def _extension(canary: Path) -> pa.Table:
    metadata = {
        b"ARROW:extension:name": b"ray.data.arrow_pickled_object",
        b"ARROW:extension:metadata": pickled(canary),
    }
    values = pa.array([pickled(canary)] * 60, pa.large_binary())
    schema = pa.schema(
        [pa.field("x", values.type, metadata=metadata), pa.field("label", pa.int64())]
    )
    return pa.Table.from_arrays([values, pa.array([0, 1, 2] * 20)], schema=schema)


def _with(**columns: object) -> Callable[[Path], pa.Table]:
    return lambda _: pa.table(
        dict(zip(good_table().column_names, good_table().columns, strict=True)) | columns
    )


def _four_each(value: float) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array([value] * 240, pa.float32()), 4)


def _wide(count: int) -> Callable[[Path], pa.Table]:
    def made(_: Path) -> pa.Table:
        return pa.table(
            {
                **dict.fromkeys((f"c{each}" for each in range(count)), pa.array([["a"]])),
                "x": pa.array([[1.0] * 4]),
                "label": pa.array([0]),
            }
        )

    return made


def _list_of(depth: int) -> Callable[[Path], pa.Table]:
    def made(_: Path) -> pa.Table:
        kind, value = pa.float32(), 0.5
        for _step in range(depth):
            kind, value = pa.list_(kind), [value]
        return pa.table({"x": pa.array([value] * 3, kind), "label": [0, 1, 2]})

    return made


def _invalid_text(_: Path) -> pa.Table:
    raw = pa.array([b"\xff\xfe", b"\xc3\x28", b"\x00"] * 20, pa.binary())
    return pa.table({"x": good_table()["x"], "label": raw.view(pa.string())})


def _twice(_: Path) -> pa.Table:
    good = good_table()
    return pa.Table.from_arrays([*good.columns, good["label"]], ["x", "label", "label"])


REFERENCES = (
    _bytes("nothing", lambda _: b""),
    _bytes("a pickle in the place of a table", lambda site: pickled(site.canary)),
    _bytes(
        "a footer that is longer than the file", lambda _: b"PAR1" + b"\xff\xff\xff\x7f" + b"PAR1"
    ),
    _bytes("an encrypted footer", lambda _: b"PARE" + b"\0" * 64 + b"\x20\0\0\0PARE"),
    *(_truncated(tenths) for tenths in range(1, 10)),
    table(
        "images of a dictionary that unfold to gigabytes",
        _unfolding,
        "unfolds a batch of rows to more than 1024 MiB",
        given=_IMAGES,
        error=InputUnsupported,
        field="data.inputs[0].image.column",
        end_to_end=True,
    ),
    table(
        "images of a dictionary that take gigabytes together",
        _together,
        "takes more than 0.5 GiB of memory to be read",
        given=_IMAGES,
        error=InputUnsupported,
        most_bytes=1600 * MIB,
        end_to_end=True,
    ),
    table(
        "17 million rows in one group",
        _many_rows,
        "takes more than 0.5 GiB of memory to be read",
        write={"row_group_size": 1 << 24},
        error=InputUnsupported,
        field="data.uris",
        most_bytes=768 * MIB,
    ),
    table(
        "objects that Ray unpickles",
        _extension,
        "no JPEG",
        given=_IMAGES,
        field="data.inputs[0].image.column",
        end_to_end=True,
    ),
    table(
        "objects that Ray unpickles as numbers",
        _extension,
        "it must hold numbers",
        field="data.inputs[0].tensor.column",
    ),
    table("lists nested 200 deep", _list_of(200), "too deeply nested", error=InputUnavailable),
    table("3,000 columns of lists", _wide(3_000), "", error=None, most_bytes=384 * MIB),
    table(
        "labels that are nulls without a type",
        _with(label=pa.nulls(60)),
        "has the type null, which is not read",
        error=InputUnsupported,
        field="data.label_column",
    ),
    table(
        "numbers that are nulls without a type",
        _with(x=pa.nulls(60)),
        "has the type null, which is not read",
        error=InputUnsupported,
        field="data.inputs[0].tensor.column",
    ),
    table(
        "labels that are no UTF-8",
        _invalid_text,
        "not UTF-8",
        field="data.label_column",
        end_to_end=True,
    ),
    table(
        "labels of a mebibyte",
        _with(label=[f"{each}" * MIB for each in range(3)] * 20),
        "at most 128 make a name",
        field="data.label_column",
        end_to_end=True,
    ),
    table(
        "a label column that is there twice",
        _twice,
        "is 'label'; the columns are",
        field="data.label_column",
    ),
    table(
        "columns with endless names",
        lambda _: pa.table({"x" * MIB: [1], "label": [0]}),
        "is 'x'; the columns are",
        field="data.inputs[0].tensor.column",
        end_to_end=True,
    ),
    table(
        "10,000 classes more than the model's",
        _with(label=range(1000, 1060)),
        "integers from 0 to 2",
        field="data.label_column",
    ),
    table(
        "numbers that are not finite",
        _with(x=_four_each(float("nan"))),
        "makes 'x' NaN or infinite",
        error=NonFinite,
        field="data.inputs[0]",
    ),
)
