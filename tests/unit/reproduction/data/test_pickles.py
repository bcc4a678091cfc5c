"""What a pickle may bring, and that nothing else of it is ever run."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from interference_service.reproduction.data.datasets import open_dataset
from interference_service.reproduction.data.layouts.errors import DatasetUnreadable
from interference_service.reproduction.data.layouts.pickles import read_dictionary
from interference_service.reproduction.records import RunKey
from support import image_sets

CIFAR = RunKey(dataset="cifar10-lt", network="csba_cnn", imbalance=1)


class Calls:
    """Pickles as a call."""

    def __init__(self, function, *arguments) -> None:
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def written(path: Path, value: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [3, 4])
def test_arrays_and_plain_values_are_read(tmp_path, protocol):
    value = {"data": np.arange(6, dtype=np.uint8).reshape(2, 3), b"names": ["a", 1, 2.5, None]}
    read = read_dictionary(written(tmp_path / "batch", value, protocol))
    np.testing.assert_array_equal(read.pop("data"), value.pop("data"))
    assert read == value


@pytest.mark.parametrize(
    "call",
    [
        (os.mkdir, "{mark}"),
        (eval, "__import__('os').mkdir('{mark}')"),
        (getattr, "os", "mkdir"),
        (np.load, "{mark}"),
        (pickle.loads, b"N."),
    ],
    ids=lambda call: call[0].__name__,
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_calls_anything_is_refused_before_it_does(tmp_path, call, protocol):
    mark = tmp_path / "mark"
    function, *arguments = (
        each.format(mark=mark) if isinstance(each, str) else each for each in call
    )
    path = written(tmp_path / "batch", {"data": Calls(function, *arguments)}, protocol)
    with pytest.raises(
        DatasetUnreadable, match=f"batch is refused: it names .*{function.__name__}"
    ):
        read_dictionary(path)
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"no pickle", b"\x80\x04]", b"cos\nsystem\n."])
def test_what_is_no_pickle_is_refused(tmp_path, content):
    path = tmp_path / "batch"
    path.write_bytes(content)
    with pytest.raises(DatasetUnreadable, match="is refused"):
        read_dictionary(path)


def test_a_pickle_of_anything_but_a_dictionary_is_refused(tmp_path):
    with pytest.raises(DatasetUnreadable, match="holds a list"):
        read_dictionary(written(tmp_path / "batch", [1]))


@pytest.mark.parametrize(
    "changes",
    [
        {"data": [1]},
        {"data": np.zeros((2, 3072), np.float32)},
        {"data": np.zeros((2, 3071), np.uint8)},
        {"data": np.zeros((3, 3072), np.uint8)},
        {"labels": [0, 2]},
        {"labels": [0, -1]},
        {"labels": None},
        {"filenames": [b"a", b"b"]},
    ],
    ids=str,
)
def test_a_batch_that_does_not_fit_itself_is_refused(tmp_path, changes):
    home = tmp_path / "cifar-10-batches-py"
    some = image_sets.pictures({"cat": 5, "dog": 5})
    image_sets.write_cifar(home, some, some)
    batch = {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1], "filenames": ["a", "b"]}
    written(home / "test_batch", batch | changes)
    with pytest.raises(DatasetUnreadable, match="test_batch is no batch"):
        open_dataset(CIFAR, tmp_path)


def test_names_of_classes_that_are_no_texts_are_refused(tmp_path):
    home = tmp_path / "cifar-10-batches-py"
    some = image_sets.pictures({"cat": 5, "dog": 5})
    image_sets.write_cifar(home, some, some)
    written(home / "batches.meta", {"label_names": [1, 2]})
    with pytest.raises(DatasetUnreadable, match="label_names"):
        open_dataset(CIFAR, tmp_path)
