"""Images in a directory a class: what is one, and what is refused by name."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from interference_service.domain.inputs import ImageSource, Input
from interference_service.domain.specification import DataFormat, DataReference
from interference_service.errors import InputUnavailable, InputUnsupported
from interference_service.references.data import image_folder, table
from interference_service.references.data.image_folder import ImageFolderSource
from interference_service.references.stores import Stores


def source(directory: Path, uri: str = "data://photos/") -> ImageFolderSource:
    reference = DataReference(
        uris=(uri,),
        format=DataFormat.IMAGE_FOLDER,
        label_column="label",
        inputs=(Input(name="x", image=ImageSource(column="image")),),
    )
    return ImageFolderSource(reference, Stores({"data": directory}))


def write(directory: Path, *paths: str) -> None:
    for each in paths:
        path = directory / "photos" / each
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(each)


def rows(data: ImageFolderSource) -> list[tuple[str, str]]:
    found = []
    for fragment in data.fragments():
        labels = data.read_column(fragment, "label").tolist()
        images = data.read_rows(fragment, np.arange(fragment.num_rows)).columns["image"]
        found += [(label, images.value(row).decode()) for row, label in enumerate(labels)]
    return found


def test_the_directory_at_the_top_is_the_class_at_any_depth(tmp_path):
    write(tmp_path, "dog/1.jpg", "cat/b/2.PNG", "cat/a.webp", "cat/c/d/3.jpeg", "cat-like/1.jpg")
    assert rows(source(tmp_path)) == [
        ("cat-like", "cat-like/1.jpg"),
        ("cat", "cat/a.webp"),
        ("cat", "cat/b/2.PNG"),
        ("cat", "cat/c/d/3.jpeg"),
        ("dog", "dog/1.jpg"),
    ]


def test_names_with_what_urls_mean_otherwise_are_names(tmp_path):
    paths = ["50% off/a#1%.png", "50% off/b?x=%41.png", "a%41#/%2e%2e.png"]
    write(tmp_path, *paths)
    assert rows(source(tmp_path)) == [(each.partition("/")[0], each) for each in paths]
    wanted = hashlib.sha256(
        b"".join(
            f"{hashlib.sha256(each.encode()).hexdigest()}  {each}\n".encode() for each in paths
        )
    )
    assert source(tmp_path).digest() == f"sha256:{wanted.hexdigest()}"


@pytest.mark.parametrize("name", [b"\xff.jpg", b"a\\b.jpg", b"a\nb.jpg"])
def test_names_that_are_no_plain_text_are_refused(tmp_path, name):
    write(tmp_path, "cat/1.jpg")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/photos/cat/" + name)).write_bytes(b"image")
    with pytest.raises(InputUnsupported, match="names must be UTF-8"):
        source(tmp_path).fragments()


def test_common_clutter_is_passed_over(tmp_path):
    write(tmp_path, "cat/1.jpg", "README.md", "cat/Thumbs.db", ".DS_Store", "cat/.DS_Store")
    assert [image for _, image in rows(source(tmp_path))] == ["cat/1.jpg"]


@pytest.mark.parametrize("other", ["cat/1.txt", "cat/2.gif", "cat/model.pkl", "classes.csv"])
def test_other_files_are_refused_by_name(tmp_path, other):
    write(tmp_path, "cat/1.jpg", other)
    with pytest.raises(InputUnsupported, match=other) as caught:
        source(tmp_path).fragments()
    assert caught.value.violations[0].field == "spec.data.uris[0]"


def test_an_image_without_a_class_is_refused_by_name(tmp_path):
    write(tmp_path, "cat/1.jpg", "2.jpg")
    with pytest.raises(InputUnsupported, match=r"'2\.jpg' beside the directories"):
        source(tmp_path).fragments()


def test_many_names_are_told_by_the_first(tmp_path):
    write(tmp_path, *(f"cat/{number}.gif" for number in range(9)))
    with pytest.raises(InputUnsupported, match=r"'cat/4\.gif' and 4 more"):
        source(tmp_path).fragments()


def test_a_file_is_no_image_folder(tmp_path):
    (tmp_path / "photos").write_text("")
    with pytest.raises(InputUnsupported, match="ends in '/'"):
        source(tmp_path, "data://photos").fragments()


def test_images_that_are_too_large_are_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(image_folder, "MAX_IMAGE_BYTES", 10)
    write(tmp_path, "cat/1.jpg", "cat/123456789.jpg")
    with pytest.raises(InputUnsupported, match=r"'cat/123456789\.jpg' of more than"):
        source(tmp_path).fragments()


def test_links_are_not_followed(tmp_path):
    write(tmp_path, "cat/1.jpg")
    (tmp_path / "photos" / "cat" / "2.jpg").symlink_to("/etc/passwd")
    with pytest.raises(InputUnsupported, match="links"):
        source(tmp_path).fragments()


def test_a_large_class_is_cut_by_rows_and_by_bytes(tmp_path, monkeypatch):
    write(tmp_path, *(f"cat/{number}.jpg" for number in range(7)), "dog/1.jpg")
    monkeypatch.setattr(table, "FRAGMENT_ROWS", 3)
    assert [each.num_rows for each in source(tmp_path).fragments()] == [3, 3, 1, 1]
    monkeypatch.setattr(table, "FRAGMENT_BYTES", 2 * len("cat/1.jpg"))
    fragments = source(tmp_path).fragments()
    assert [each.num_rows for each in fragments] == [2, 2, 2, 1, 1]
    assert [each.first_row for each in fragments] == [0, 2, 4, 6, 7]
    monkeypatch.setattr(image_folder, "MAX_BATCH_BYTES", 12)
    assert [image for _, image in rows(source(tmp_path))][5:] == [
        "cat/5.jpg",
        "cat/6.jpg",
        "dog/1.jpg",
    ]


@pytest.mark.parametrize("change", ["added", "replaced", "removed"])
def test_a_class_that_was_changed_meanwhile_is_not_read(tmp_path, change):
    write(tmp_path, "cat/1.jpg", "cat/2.jpg", "dog/1.jpg")
    data = source(tmp_path)
    cat, dog = data.fragments()
    if change == "added":
        write(tmp_path, "cat/0.jpg")
    elif change == "replaced":
        (tmp_path / "photos" / "cat" / "1.jpg").write_text("longer than before")
    else:
        (tmp_path / "photos" / "cat" / "1.jpg").unlink()
    with pytest.raises(InputUnavailable, match="changed") as caught:
        data.read_rows(cat, np.arange(2))
    assert caught.value.violations[0].field == "spec.data.uris[0]"
    assert data.read_rows(dog, np.arange(1)).count == 1
