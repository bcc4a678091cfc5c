"""No file of data takes more memory than rows of its format may."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from interference_service.domain.specification import DataFormat
from interference_service.references.data import SOURCES
from support.data_bombs import BOMBS

COLUMNS = {
    DataFormat.WEBDATASET: "cls,npy",
    DataFormat.IMAGE_FOLDER: "label,image",
    DataFormat.PARQUET: "label,image",
}
READ_IN_PARTS = {"npz_zeros", "parquet_dictionary"}
"""What rows may well hold; it is read a few rows at a time."""
MOST_BYTES = 400 << 20

PROGRAM = """
import json, resource, sys
import numpy as np
from pathlib import Path
from interference_service.domain.specification import DataReference
from interference_service.errors import AnalysisError
from interference_service.references.data import open_data
from interference_service.references.stores import Stores

directory, *read = sys.argv[1:]
for each in read:
    name, format, label, input = each.split(",")
    kind = "image" if input in ("image", "jpg") else "tensor"
    reference = DataReference(uris=(f"data://{name}",), format=format, label_column=label,
                              inputs=({"name": "x", kind: {"column": input}},))
    data = open_data(reference, Stores({"data": Path(directory)}))
    try:
        first = data.fragments()[0]
        data.read_column(first, label)
        data.read_rows(first, np.arange(2))
        outcome = ""
    except AnalysisError as error:
        outcome = error.message
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps([name, outcome, most]), flush=True)
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory) -> dict[str, tuple[str, int]]:
    """Outcome of every bomb, and the most memory that the process that read them had so far."""
    directory: Path = tmp_path_factory.mktemp("bombs")
    read = []
    for kind, bombs in BOMBS.items():
        for bomb in bombs:
            bomb(directory / bomb.__name__)
            slash = "/" if kind is DataFormat.IMAGE_FOLDER else ""
            read.append(f"{bomb.__name__}{slash},{kind},{COLUMNS.get(kind, 'label,x')}")
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(directory), *read],
        check=True,
        capture_output=True,
        text=True,
    )
    found = {}
    before = 0
    for name, outcome, most in map(json.loads, result.stdout.splitlines()):
        found[name.removesuffix("/")] = (outcome, most - before if before else 0)
        before = before or most
    return found


ALL = [bomb for bombs in BOMBS.values() for bomb in bombs]


def test_every_format_has_a_bomb():
    assert BOMBS.keys() == SOURCES.keys()


@pytest.mark.parametrize("bomb", ALL, ids=lambda bomb: bomb.__name__)
def test_a_bomb_takes_little_memory_and_is_refused_or_read_in_parts(tried, bomb):
    outcome, more = tried[bomb.__name__]
    assert more < MOST_BYTES
    assert outcome.startswith("spec.data.") == (bomb.__name__ not in READ_IN_PARTS)
