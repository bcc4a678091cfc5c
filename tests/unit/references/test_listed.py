"""What a store listed is opened by its very name, and nothing else is reached that way."""

from pathlib import Path

import pytest

from interference_service.errors import InputUnsupported
from interference_service.references.stores import Stores

FIELD = "data.uris[0]"


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    """The store ``data`` with ``model.pt2`` and ``deep/er/rows.parquet``, and a secret beside it."""
    (tmp_path / "root" / "deep" / "er").mkdir(parents=True)
    (tmp_path / "root" / "model.pt2").write_bytes(b"model")
    (tmp_path / "root" / "deep" / "er" / "rows.parquet").write_bytes(b"rows")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    return Stores({"data": tmp_path / "root"})


@pytest.mark.parametrize("name", ["100%.bin", "%2e%2e", "a?b#c", "model%2ept2"])
def test_what_was_listed_is_opened_by_its_very_name(tmp_path, stores, name):
    (tmp_path / "root" / "deep" / name).write_bytes(name.encode())
    assert name in [each.path for each in stores.entries("data://deep/", FIELD)]
    with stores.open("data://deep/", FIELD, listed=name) as file:
        assert file.read() == name.encode()


@pytest.mark.parametrize(
    "listed",
    [
        "..",
        "../model.pt2",
        "../../outside/secret",
        "er/../../model.pt2",
        "er/./rows.parquet",
        "er//rows.parquet",
        "/etc/passwd",
        "..\\model.pt2",
        "er/rows.parquet\x00",
        "er/rows.parquet\n",
        "\udcff",
        "//",
    ],
)
def test_what_cannot_have_been_listed_is_not_reached(stores, listed):
    with pytest.raises(InputUnsupported, match="whose name is not read"):
        stores.open("data://deep/", FIELD, listed=listed)
    with pytest.raises(InputUnsupported, match="whose name is not read"):
        stores.entries("data://deep/", FIELD, listed=f"{listed}/")


def test_what_was_listed_is_no_way_to_other_forms_of_references(stores):
    with pytest.raises(InputUnsupported, match="is not a reference"):
        stores.open("data://%64eep/", FIELD, listed="er/rows.parquet")
