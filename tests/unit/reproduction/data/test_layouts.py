"""The same pictures, however they lie on disk; and what is refused by name."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch

from interference_service.reproduction.data.datasets import Dataset, open_dataset
from interference_service.reproduction.data.layouts.errors import DatasetMissing, DatasetUnreadable
from interference_service.reproduction.records import DatasetName, RunKey
from support import image_sets

COUNTS = {"bird": 12, "cat": 7, "dog": 5}
TRAINING = image_sets.pictures(COUNTS)
EVALUATION = image_sets.pictures(dict.fromkeys(COUNTS, 2), seed=1)
MODULES = image_sets.pictures({"Cell": 20, "No-Anomaly": 30}, shape=(40, 24))


def key(dataset: DatasetName = "cifar10-lt", **changes) -> RunKey:
    return RunKey(dataset=dataset, network="csba_cnn", **{"imbalance": 2, **changes})


def parquet(home: Path) -> None:
    image_sets.write_parquet(home / "cifar10/train.parquet", TRAINING)
    image_sets.write_parquet(home / "cifar10/test.parquet", EVALUATION)


def parquet_without_a_folder(home: Path) -> None:
    parquet(home)
    for name in ("train", "test"):
        shutil.move(home / f"cifar10/{name}.parquet", home)


def batches(home: Path) -> None:
    image_sets.write_cifar(home / "cifar-10-batches-py", TRAINING, EVALUATION)


def folders(home: Path) -> None:
    image_sets.write_folders(home / "train", TRAINING)
    image_sets.write_folders(home / "test", EVALUATION)


def assert_same(left: Dataset, right: Dataset) -> None:
    assert left.class_names == right.class_names
    assert (left.mean, left.deviation) == (right.mean, right.deviation)
    for a, b in ((left.training, right.training), (left.evaluation, right.evaluation)):
        assert torch.equal(a.images, b.images)
        assert torch.equal(a.labels, b.labels)


@pytest.mark.parametrize("write", [parquet, parquet_without_a_folder, batches, folders])
def test_all_layouts_give_the_same_rows(tmp_path, write):
    write(tmp_path)
    found = open_dataset(key(imbalance=1), tmp_path)
    assert found.class_names == ("bird", "cat", "dog")
    assert found.counts(found.training) == (5, 5, 5)
    assert found.evaluation.images.shape == (6, 3, 32, 32)
    assert torch.equal(
        found.evaluation.images, torch.from_numpy(EVALUATION.pixels).permute(0, 3, 1, 2)
    )
    parquet(tmp_path / "reference")
    assert_same(found, open_dataset(key(imbalance=1), tmp_path / "reference"))


def test_infrared_modules_as_published_and_in_folders_give_the_same_pictures(tmp_path):
    image_sets.write_metadata(tmp_path / "published", MODULES)
    image_sets.write_folders(tmp_path / "folders", MODULES)
    infrared = key("infrared-solar-modules", imbalance=None)
    published = open_dataset(infrared, tmp_path / "published")
    assert published.training.images.shape == (40, 1, 40, 24)
    assert published.counts(published.training) == (16, 24)
    assert published.counts(published.evaluation) == (4, 6)
    assert_same(published, open_dataset(infrared, tmp_path / "folders"))


def test_every_row_of_a_folder_is_in_one_half(tmp_path):
    image_sets.write_metadata(tmp_path, MODULES)
    for seed in range(3):
        found = open_dataset(key("infrared-solar-modules", imbalance=None, seed=seed), tmp_path)
        both = torch.cat([found.training.images, found.evaluation.images]).flatten(1)
        assert sorted(both.tolist()) == sorted(MODULES.pixels.reshape(50, -1).tolist())


def test_photos_are_brought_to_one_size_by_their_middle(tmp_path):
    wide = np.zeros((64, 128, 3), np.uint8)
    wide[:, 32:96] = 255
    pixels = np.stack([wide, wide.copy()])
    for name in ("train", "test"):
        image_sets.write_folders(tmp_path / name, image_sets.Pictures(pixels, ["Clean", "Dusty"]))
    found = open_dataset(key("solar-panels", imbalance=None), tmp_path)
    assert found.training.images.shape == (2, 3, 64, 64)
    assert found.training.images.min() == 255


@pytest.mark.parametrize("dataset", ["cifar10-lt", "solar-panels", "infrared-solar-modules"])
def test_a_set_that_is_not_there_is_told_with_all_its_layouts(tmp_path, dataset):
    with pytest.raises(DatasetMissing) as caught:
        open_dataset(key(dataset), tmp_path)
    assert isinstance(caught.value, FileNotFoundError)
    for wanted in (str(tmp_path), "train.parquet and test.parquet", "a folder of pictures"):
        assert wanted in str(caught.value)


def test_a_set_without_a_directory_is_told():
    with pytest.raises(DatasetMissing, match="needs the directory"):
        open_dataset(key(), None)


def test_a_picture_that_is_none_is_told_by_name(tmp_path):
    folders(tmp_path)
    (tmp_path / "train/dog/broken.png").write_bytes(b"no picture")
    with pytest.raises(DatasetUnreadable, match=r"dog/broken\.png"):
        open_dataset(key(imbalance=1), tmp_path)


def test_halves_of_other_classes_are_refused(tmp_path):
    folders(tmp_path)
    shutil.move(tmp_path / "test/cat", tmp_path / "test/horse")
    with pytest.raises(DatasetUnreadable, match="horse"):
        open_dataset(key(), tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: table.drop_columns("source"), "needed are"),
        (lambda table: table.set_column(1, "label", pa.array([5] * len(table))), r"classes \[\(5"),
        (lambda table: table.set_column(2, "label_name", pa.nulls(len(table))), "nulls"),
        (lambda table: table.set_column(1, "label", table["label_name"]), "classes"),
        (lambda table: table.slice(0, 0), r"classes \[\]; needed are .* at least 2"),
        (lambda table: table.filter(pc.equal(table["label"], 0)), "at least 2"),
    ],
)
def test_a_parquet_file_of_another_schema_is_refused(tmp_path, change, told):
    parquet(tmp_path)
    path = tmp_path / "cifar10/train.parquet"
    pq.write_table(change(pq.read_table(path)), path)
    with pytest.raises(DatasetUnreadable, match=told):
        open_dataset(key(), tmp_path)


def test_a_parquet_file_that_is_none_is_refused(tmp_path):
    parquet(tmp_path)
    (tmp_path / "cifar10/train.parquet").write_bytes(b"PAR1")
    with pytest.raises(DatasetUnreadable, match=r"train\.parquet"):
        open_dataset(key(), tmp_path)


@pytest.mark.parametrize("place", ["../secret.png", "/etc/hostname", "images/none.png"])
def test_a_table_of_modules_names_files_of_its_own(tmp_path, place):
    home = tmp_path / "home"
    image_sets.write_metadata(home, MODULES)
    (tmp_path / "secret.png").write_bytes(image_sets.png(MODULES.pixels[0]))
    table = json.loads((home / "module_metadata.json").read_text())
    table["0"]["image_filepath"] = place
    (home / "module_metadata.json").write_text(json.dumps(table))
    with pytest.raises(DatasetUnreadable, match="no file below"):
        open_dataset(key("infrared-solar-modules"), home)


def test_a_damaged_table_of_modules_is_told(tmp_path):
    (tmp_path / "module_metadata.json").write_text('{"0": {"image_filepath": 3}}')
    with pytest.raises(DatasetUnreadable, match="image_filepath"):
        open_dataset(key("infrared-solar-modules"), tmp_path)
