"""The same rows in every data format give the same sample and, to the bit, the same matrices."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from interference_client import (
    ArrowData,
    Client,
    CsvData,
    ImageFolderData,
    JsonlData,
    ModelReference,
    NpzData,
    Options,
    ParquetData,
    SafetensorsData,
    WebDatasetData,
    columns,
    image,
    tensor,
)
from interference_client.specification import LabelledData
from interference_service.demo.server import Running
from support import examples
from support.data_files import WRITTEN

COUNTS = (60, 40, 13, 5)
KEPT = 30
"""Rows of a class, so that a sample is drawn."""
PIXELS = tuple(f"pixel {number}" for number in range(36))

Found = dict[str, dict[str, np.ndarray]]
"""Matrices by format and name."""

DATA: Mapping[str, type[LabelledData]] = {
    "parquet": ParquetData,
    "arrow file": ArrowData,
    "arrow stream": ArrowData,
    "csv": CsvData,
    "jsonl": JsonlData,
    "image folder": ImageFolderData,
    "webdataset": WebDatasetData,
    "npz": NpzData,
    "npz compressed": NpzData,
    "safetensors": SafetensorsData,
}
VECTORS = [name for name in DATA if name != "image folder"]
IMAGES = [name for name, each in WRITTEN.items() if name in DATA and "image" in each.columns]


def sorted_rows() -> examples.Example:
    """By class, as the files of an image folder are."""
    rows = examples.example(COUNTS)
    order = examples.class_order(rows.labels)
    return examples.Example(rows.inputs[order], rows.labels[order])


def encoded(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray((40 * pixels + 128).clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def reference(name: str, uri: str, inputs: Mapping[str, object]) -> LabelledData:
    return DATA[name](
        uri,
        label=WRITTEN[name].columns["label"],
        inputs={"input": inputs},
        class_names=[str(each) for each in range(len(COUNTS))],
        max_rows_per_class=KEPT,
    )


def matrices(client: Client, model: str, data: Mapping[str, LabelledData]) -> Found:
    jobs = {
        name: client.submit(model=ModelReference(model), data=each, options=Options(folds=4))
        for name, each in data.items()
    }
    found = {}
    for name, job in jobs.items():
        result = job.wait(timeout=200).result()
        used = [each.rows_used for each in result.classes.values()]
        assert used == [min(KEPT, count) for count in COUNTS]
        found[name] = dict(result.matrices())
    return found


def assert_same(found: Mapping[str, np.ndarray], wanted: Mapping[str, np.ndarray]) -> None:
    assert found.keys() == wanted.keys()
    for name, matrix in wanted.items():
        np.testing.assert_array_equal(found[name], matrix, err_msg=name)


@pytest.fixture(scope="module")
def numbers(files: Path, client_of_module: Client) -> Found:
    """Matrices of the same vectors in every format."""
    examples.export(examples.perceptron(), files / "flat.pt2", (36,))
    rows = sorted_rows()
    flat = rows.inputs.flatten(1).numpy()
    label = {"label": pa.array(rows.labels.numpy())}
    vector = pa.FixedSizeListArray.from_arrays(pa.array(flat.flatten()), 36)
    lists = label | {"vector": vector.cast(pa.list_(pa.float32()))}
    scalars = label | {name: pa.array(flat[:, at]) for at, name in enumerate(PIXELS)}
    data = {}
    for name in VECTORS:
        how = WRITTEN[name]
        is_csv = name == "csv"
        how.write(scalars if is_csv else lists, how.path(files, "vectors"), [50])
        taken = columns(PIXELS) if is_csv else tensor(how.columns["vector"])
        data[name] = reference(name, how.uri("vectors"), taken)
    return matrices(client_of_module, "data://flat.pt2", data)


@pytest.fixture(scope="module")
def pictures(files: Path, client_of_module: Client) -> Found:
    """Matrices of the same images in every format that has images."""
    rows = sorted_rows()
    table = {
        "label": pa.array(rows.labels.numpy()),
        "image": pa.array([encoded(each[0]) for each in rows.inputs.numpy()]),
    }
    data = {}
    for name in IMAGES:
        how = WRITTEN[name]
        how.write(table, how.path(files, "pictures"), [50])
        data[name] = reference(name, how.uri("pictures"), image(how.columns["image"], mode="grey"))
    return matrices(client_of_module, "data://cnn.pt2", data)


@pytest.fixture(scope="module")
def client_of_module(service: Running) -> Iterator[Client]:
    with Client(service.grpc) as client:
        yield client


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.timeout(240)
def test_vectors_give_the_same_bits_in_every_format(numbers, name):
    assert np.isfinite(numbers["parquet"]["shared/plain_cosine"]).all()
    assert_same(numbers[name], numbers["parquet"])


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.timeout(240)
def test_images_give_the_same_bits_in_every_format(pictures, name):
    assert np.isfinite(pictures["parquet"]["shared/plain_cosine"]).all()
    assert_same(pictures[name], pictures["parquet"])
