"""Real images as Parquet, as an image folder and as shards: the same results, to the bit."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interference_client import (
    Client,
    ImageFolderData,
    ModelReference,
    Options,
    ParquetData,
    WebDatasetData,
    image,
)
from interference_client.specification import LabelledData
from interference_service.demo.server import running_service
from support import data_files, examples, real_data
from support.service import FEW_RESOURCES

SETS = real_data.SETS | {
    "solar_panels": real_data.ImageSet("solar_panels/train.parquet", "RGB", (3, 32, 32), 1)
}
MOST_ROWS = 3000
SHARD_ROWS = 700


def rows_of(which: real_data.ImageSet) -> pa.Table:
    """Some rows, in the order in which an image folder has them."""
    table = pq.read_table(real_data.directory() / which.path)
    chosen = np.random.default_rng(0).permutation(len(table))[:MOST_ROWS]
    names = table["label_name"].to_pylist()
    order = sorted(chosen.tolist(), key=lambda row: (f"{names[row]}/", row))
    return table.take(pa.array(order))


def write_all(table: pa.Table, directory: Path) -> None:
    """As ``photos.parquet``, ``photos/`` and ``shards/photos/``."""
    pq.write_table(table, directory / "photos.parquet", row_group_size=1000)
    columns = {"label": table["label_name"], "image": table["image"]}
    data_files.write_image_folder(columns, directory / "photos", [])
    (directory / "shards" / "photos").mkdir(parents=True)
    for number, start in enumerate(range(0, len(table), SHARD_ROWS)):
        part = table.slice(start, SHARD_ROWS)
        shard = directory / "shards" / "photos" / f"{number:04}.tar"
        data_files.write_tar({"label": part["label"], "image": part["image"]}, shard, [])


def references(which: real_data.ImageSet, names: list[str]) -> dict[str, LabelledData]:
    channels, *size = which.shape
    steps = {"mode": which.mode, "size": size, "mean": [0.5] * channels, "std": [0.25] * channels}
    return {
        uri: kind(
            f"real://{uri}",
            label=label,
            inputs={"input": image(column, **steps)},
            class_names=names,
            max_rows_per_class=150,
        )
        for uri, kind, label, column in (
            ("photos.parquet", ParquetData, "label", "image"),
            ("photos/", ImageFolderData, "label", "image"),
            ("shards/photos/", WebDatasetData, "cls", "jpg"),
        )
    }


@pytest.mark.real_data
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SETS)
def test_real_images_give_the_same_bits_in_every_format(tmp_path: Path, name: str):
    which = SETS[name]
    table = rows_of(which)
    named = dict(zip(table["label"].to_pylist(), table["label_name"].to_pylist(), strict=True))
    names = [named[label] for label in sorted(named)]
    write_all(table, tmp_path)
    examples.export(real_data.network(which, names), tmp_path / "model.pt2", which.shape)
    with (
        running_service(tmp_path, {"real": tmp_path}, FEW_RESOURCES) as service,
        Client(service.grpc) as client,
    ):
        jobs = {
            uri: client.submit(ModelReference("real://model.pt2"), each, options=Options(folds=4))
            for uri, each in references(which, names).items()
        }
        results = {uri: job.wait(timeout=500).result() for uri, job in jobs.items()}
        found = {uri: dict(each.matrices()) for uri, each in results.items()}
    used = {tuple(c.rows_used for c in each.classes.values()) for each in results.values()}
    assert len(used) == 1
    wanted = found.pop("photos.parquet")
    assert np.isfinite(wanted["shared/plain_cosine"]).all()
    for uri, matrices in found.items():
        assert matrices.keys() == wanted.keys()
        for matrix, expected in wanted.items():
            np.testing.assert_array_equal(matrices[matrix], expected, err_msg=f"{uri} {matrix}")
