"""Files of data that claim, or become, far more than they are."""

import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from interference_service.domain.specification import DataFormat
from support.data_files import npy

HUGE = 1 << 40


def _arrow(path: Path, compression: str | None) -> bytes:
    table = pa.table({"label": pa.array(range(5000)), "x": pa.array([0.5] * 5000)})
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(str(path), table.schema, options=options) as writer:
        writer.write_table(table)
    return path.read_bytes()


def _replace(path: Path, raw: bytes, old: int, new: int) -> None:
    assert struct.pack("<q", old) in raw
    path.write_bytes(raw.replace(struct.pack("<q", old), struct.pack("<q", new)))


def arrow_rows(path: Path) -> None:
    """A batch that claims a million million rows."""
    _replace(path, _arrow(path, None), 5000, HUGE)


def arrow_body(path: Path) -> None:
    """A batch that claims a terabyte."""
    _replace(path, _arrow(path, None), 2 * 40_000, HUGE)


def arrow_buffer(path: Path) -> None:
    """Compressed buffers that claim to unfold to a terabyte each."""
    _replace(path, _arrow(path, "zstd"), 40_000, HUGE)


def arrow_header(path: Path) -> None:
    """A header of four gigabytes."""
    path.write_bytes(b"\xff\xff\xff\xff\xf0\xff\xff\xff" + bytes(1000))


def parquet_dictionary(path: Path) -> None:
    """A string of two megabytes that every row repeats."""
    repeated = pa.DictionaryArray.from_arrays([0] * 20_000, [b"x" * 2_000_000])
    table = pa.table({"label": [0] * 20_000, "image": repeated})
    pq.write_table(table, path)


def csv_quote(path: Path) -> None:
    """A quotation mark that is never closed, before a hundred megabytes."""
    path.write_bytes(b'label,x\n1,"' + b"a\n" * 50_000_000)


def csv_line(path: Path) -> None:
    """A row of a hundred megabytes."""
    path.write_bytes(b"label,x\n1," + b"1" * 100_000_000)


def csv_header(path: Path) -> None:
    """A header without an end."""
    path.write_bytes(b"a," * 50_000_000)


def csv_values(path: Path) -> None:
    """A row of ten million values."""
    path.write_bytes(b"label,x\n" + b"," * 10_000_000 + b"\n")


def json_depth(path: Path) -> None:
    """Lists within lists, a million deep."""
    path.write_bytes(b'{"label": 0, "x": ' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}\n")


def json_line(path: Path) -> None:
    """A row of a hundred megabytes."""
    path.write_bytes(b'{"label": 0, "x": [' + b"0," * 50_000_000 + b"0]}\n")


def json_number(path: Path) -> None:
    """A number of a million digits."""
    path.write_bytes(b'{"label": 0, "x": ' + b"9" * 1_000_000 + b"}\n")


def folder_image(path: Path) -> None:
    """An image of ten gigabytes, all holes."""
    (path / "cat").mkdir(parents=True)
    with (path / "cat" / "1.jpg").open("wb") as file:
        file.truncate(10 << 30)


def _tar(path: Path, name: str, content: bytes, **changes: int) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        for key, value in changes.items():
            setattr(info, key, value)
        tar.addfile(info, io.BytesIO(content.ljust(info.size, b" ") if changes else content))


def tar_size(path: Path) -> None:
    """A member that claims eight gigabytes."""
    info = tarfile.TarInfo("1.cls")
    info.size = (8 << 30) - 1
    path.write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + bytes(10_240))


def tar_name(path: Path) -> None:
    """A header of a name of a gigabyte, all holes."""
    info = tarfile.TarInfo("1.cls")
    info.type, info.size = tarfile.XHDTYPE, 1 << 30
    with path.open("wb") as file:
        file.write(info.tobuf(tarfile.USTAR_FORMAT))
        file.truncate((1 << 30) + 10_240)


def _claiming(count: int) -> bytes:
    raw = npy(np.zeros(3))
    old, new = b"(3,), }" + b" " * 20, f"({count},), }}".encode().ljust(27)
    assert old in raw
    return raw.replace(old, new)


def tar_array(path: Path) -> None:
    """An array that claims a terabyte, in a sample."""
    _tar(path, "1.npy", _claiming(HUGE // 8))


def _npz(path: Path, content: bytes, compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("label.npy", content)
        archive.writestr("x.npy", content)


def npz_claim(path: Path) -> None:
    """An array that claims a terabyte."""
    _npz(path, _claiming(HUGE // 8))


def npz_zeros(path: Path) -> None:
    """Half a megabyte that unfolds to half a gigabyte."""
    zeros = npy(np.zeros(1 << 25, np.int64))
    _npz(path, zeros, zipfile.ZIP_DEFLATED)


def npz_directory(path: Path) -> None:
    """A directory of a hundred thousand members."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(100_000):
            archive.writestr(f"{number}.npy", b"")


def safetensors_header(path: Path) -> None:
    """A header that claims a terabyte."""
    path.write_bytes(struct.pack("<Q", HUGE) + b"{}")


def safetensors_claim(path: Path) -> None:
    """An array that claims a terabyte."""
    header = {"label": {"dtype": "I64", "shape": [HUGE // 8], "data_offsets": [0, HUGE]}}
    raw = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + bytes(100))


def safetensors_depth(path: Path) -> None:
    """A header of lists within lists."""
    raw = b"[" * 1_000_000
    path.write_bytes(struct.pack("<Q", len(raw)) + raw)


BOMBS: Mapping[DataFormat, tuple[Callable[[Path], None], ...]] = {
    DataFormat.PARQUET: (parquet_dictionary,),
    DataFormat.ARROW: (arrow_rows, arrow_body, arrow_buffer, arrow_header),
    DataFormat.CSV: (csv_quote, csv_line, csv_header, csv_values),
    DataFormat.JSONL: (json_depth, json_line, json_number),
    DataFormat.IMAGE_FOLDER: (folder_image,),
    DataFormat.WEBDATASET: (tar_size, tar_name, tar_array),
    DataFormat.NPZ: (npz_claim, npz_zeros, npz_directory),
    DataFormat.SAFETENSORS: (safetensors_header, safetensors_claim, safetensors_depth),
}
