"""Whatever the format and layout of the files: the right rows in the right order."""

import shutil

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from interference_service.errors import (
    InputUnavailable,
    InvalidData,
)
from interference_service.references.data import SOURCES, table
from interference_service.references.data.columns import Rows
from support.data_files import WRITTEN, Written
from support.data_sources import (
    IN_FILES,
    ROWS,
    all_rows,
    assert_classes,
    assert_rows,
    classes_of,
    column,
    content,
    holding,
    labels_of,
    source,
    write,
)

FEW = settings(max_examples=20)
LISTED = [name for name, each in WRITTEN.items() if "labels" in each.columns]
PARTITIONED = [name for name, each in WRITTEN.items() if each.has_partitions]


@pytest.fixture(params=WRITTEN)
def how(request) -> Written:
    return WRITTEN[request.param]


def test_every_format_is_written_here():
    assert {each.format for each in WRITTEN.values()} == SOURCES.keys()


def test_every_row_is_read_once_in_order(how, tmp_path):
    write(how, tmp_path)
    data = source(how, tmp_path)
    assert_classes(how, column(data, how.columns["label"]))
    assert_rows(how, all_rows(data), range(ROWS))
    for name in ("name", "site"):
        if name in how.columns:
            assert column(data, how.columns[name]) == content()[name].to_pylist()


def test_one_row_is_enough(how, tmp_path):
    write(how, tmp_path, 1)
    data = source(how, tmp_path)
    assert_classes(how, column(data, how.columns["label"]), 1)
    assert_rows(how, all_rows(data), [0])


@FEW
@given(cuts=st.lists(st.integers(1, ROWS), max_size=6), fragment_rows=st.integers(1, ROWS))
@pytest.mark.parametrize("name", WRITTEN)
def test_any_cut_into_parts_gives_the_same_rows(tmp_path_factory, name, cuts, fragment_rows):
    how, directory = WRITTEN[name], tmp_path_factory.getbasetemp()
    write(how, directory, name=f"cut {name}", cuts=cuts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "FRAGMENT_ROWS", fragment_rows)
        data = source(how, directory, how.uri(f"cut {name}"))
        assert_classes(how, column(data, how.columns["label"]))
        assert_rows(how, all_rows(data), range(ROWS))


@FEW
@given(chosen=st.sets(st.integers(0, ROWS - 1), min_size=1))
@pytest.mark.parametrize("name", WRITTEN)
def test_any_rows_can_be_read_alone(tmp_path_factory, name, chosen):
    how, directory = WRITTEN[name], tmp_path_factory.getbasetemp()
    if not how.path(directory, f"chosen {name}").exists():
        write(how, directory, name=f"chosen {name}", cuts=[4, 9])
    data = source(how, directory, how.uri(f"chosen {name}"))
    parts, wanted = [], np.array(sorted(chosen))
    for each in data.fragments():
        mine = wanted - each.first_row
        mine = mine[(mine >= 0) & (mine < each.num_rows)]
        if len(mine):
            parts.append(data.read_rows(each, mine))
    assert_rows(how, Rows.concatenate(parts), wanted.tolist())


@FEW
@given(cuts=st.lists(st.integers(1, ROWS), max_size=6))
@pytest.mark.parametrize("name", LISTED)
def test_any_cut_into_parts_gives_the_same_lists_of_labels(tmp_path_factory, name, cuts):
    how, directory = WRITTEN[name], tmp_path_factory.getbasetemp()
    write(how, directory, name=f"lists {name}", cuts=cuts)
    data = source(how, directory, how.uri(f"lists {name}"), label="labels")
    found = []
    for fragment in data.fragments():
        batches = list(data.read_label_lists(fragment))
        ends = np.cumsum([0, *(len(each.sizes) for each in batches)])
        assert [each.first_row for each in batches] == ends[:-1].tolist()
        assert ends[-1] == fragment.num_rows
        for each in batches:
            found += np.split(each.labels, np.cumsum(each.sizes))[:-1]
    assert [each.tolist() for each in found] == labels_of(ROWS)


@pytest.mark.parametrize(
    ("name", "label"),
    # An array of a sample may well be a list of labels.
    [pair for pair in holding("label", "image", "vector") if pair != ("webdataset", "vector")]
    + [(name, "none") for name in WRITTEN],
)
def test_a_column_without_lists_of_labels_is_named(name, tmp_path, label):
    how = WRITTEN[name]
    write(how, tmp_path)
    data = source(how, tmp_path, label=label)
    with pytest.raises(InvalidData) as caught:
        list(data.read_label_lists(data.fragments()[0]))
    assert caught.value.violations[0].field == "spec.data.label_column"


def test_several_files_are_read_in_the_order_of_their_uris(how, tmp_path):
    whole = content()
    for name, start, size in (("b", 0, 10), ("a", 10, 13)):
        part = {key: each.slice(start, size) for key, each in whole.items()}
        write(how, tmp_path, name=name, columns=part)
    data = source(how, tmp_path, how.uri("b"), how.uri("a"))
    assert_rows(how, all_rows(data), range(ROWS))
    assert_classes(how, column(data, how.columns["label"]))
    assert {(each.file, each.source) for each in data.fragments()} == {(0, "0:b"), (1, "1:a")}


@pytest.mark.parametrize("name", IN_FILES)
def test_files_of_a_directory_are_one_table_in_the_order_of_their_names(name, tmp_path):
    how, whole = WRITTEN[name], content()
    (tmp_path / "rows" / "later").mkdir(parents=True)
    for part, start, size in (("a", 0, 10), ("b", 10, 6), ("later/a", 16, 7)):
        columns = {key: each.slice(start, size) for key, each in whole.items()}
        write(how, tmp_path / "rows", name=part, columns=columns)
    (tmp_path / "rows" / "notes.md").write_text("of no interest")
    data = source(how, tmp_path, "data://rows/")
    assert_rows(how, all_rows(data), range(ROWS))
    assert_classes(how, column(data, how.columns["label"]))
    assert {each.source for each in data.fragments()} == {"0:rows"}
    firsts = [each.first_row for each in data.fragments()]
    assert firsts == np.cumsum([0, *(each.num_rows for each in data.fragments())])[:-1].tolist()


@pytest.mark.parametrize("name", IN_FILES)
def test_a_directory_without_files_of_the_format_is_named(name, tmp_path):
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "notes.md").write_text("of no interest")
    with pytest.raises(InputUnavailable) as caught:
        source(WRITTEN[name], tmp_path, "data://rows/").fragments()
    assert caught.value.violations[0].field == "spec.data.uris[0]"
    assert WRITTEN[name].suffix in caught.value.message


@pytest.mark.parametrize("name", PARTITIONED)
def test_directories_add_columns(name, tmp_path):
    how, whole = WRITTEN[name], content()
    for part in range(3):
        directory = tmp_path / "rows" / f"label={part}" / "site=north pole"
        directory.mkdir(parents=True)
        chosen = pa.array(classes_of(ROWS)).to_numpy() == part
        columns = {
            key: each.filter(pa.array(chosen))
            for key, each in whole.items()
            if key not in {"label", "site"}
        }
        write(how, directory, columns=columns)
    data = source(how, tmp_path, "data://rows/")
    assert column(data, "label") == classes_of(ROWS)
    assert set(column(data, "site")) == {"north pole"}
    assert_rows(how, all_rows(data), range(ROWS))


def test_the_same_rows_are_known_by_the_same_names(tmp_path):
    known = set()
    for how in WRITTEN.values():
        write(how, tmp_path)
        fragments = source(how, tmp_path).fragments()
        assert sum(each.num_rows for each in fragments) == ROWS
        known |= {(each.source, each.first_row) for each in fragments if not each.first_row}
    assert known == {("0:rows", 0)}


@pytest.mark.parametrize("name", WRITTEN)
def test_large_files_are_cut_into_fragments_that_follow_each_other(name, tmp_path, monkeypatch):
    how = WRITTEN[name]
    monkeypatch.setattr(table, "FRAGMENT_ROWS", 1000)
    rows = 3_500
    write(how, tmp_path, rows, cuts=[700] * 4)
    data = source(how, tmp_path)
    fragments = data.fragments()
    # The writer of Feather makes one batch of so few rows, which is not cut.
    assert len(fragments) > (name != "feather")
    ends = np.cumsum([each.num_rows for each in fragments])
    assert [each.first_row for each in fragments] == [0, *ends[:-1]]
    assert ends[-1] == rows
    assert_classes(how, column(data, how.columns["label"]), rows)
    last = fragments[-1]
    assert_rows(
        how,
        data.read_rows(last, np.array([0, 100, last.num_rows - 1])),
        [last.first_row, last.first_row + 100, rows - 1],
    )


@pytest.mark.parametrize("name", IN_FILES)
def test_a_file_without_rows_gives_none(name, tmp_path):
    how = WRITTEN[name]
    write(how, tmp_path, 0)
    data = source(how, tmp_path)
    assert sum(each.num_rows for each in data.fragments()) == 0
    assert column(data, how.columns["label"]) == []


def test_reading_twice_gives_the_same(how, tmp_path):
    write(how, tmp_path, cuts=[7])
    data = source(how, tmp_path)
    assert data.fragments() == data.fragments()
    assert_rows(how, all_rows(data), range(ROWS))
    assert_rows(how, all_rows(data), range(ROWS))


def test_the_digest_tells_contents_and_order_apart(how, tmp_path):
    write(how, tmp_path, name="a")
    write(how, tmp_path, ROWS + 1, name="b")
    digests = {
        source(how, tmp_path, *(how.uri(name) for name in names)).digest()
        for names in ("a", "b", "ab", "ba")
    }
    assert len(digests) == 4
    assert all(each.startswith("sha256:") and len(each) == 71 for each in digests)


def test_a_changed_file_is_found_by_its_digest(how, tmp_path):
    write(how, tmp_path)
    wanted = source(how, tmp_path).digest()
    assert source(how, tmp_path, digest=wanted).digest() == wanted
    write(how, tmp_path, ROWS + 1)
    with pytest.raises(InputUnavailable) as caught:
        source(how, tmp_path, digest=wanted).digest()
    assert caught.value.violations[0].field == "spec.data.digest"


def test_a_file_that_was_replaced_after_its_fragments_were_named_is_not_read(how, tmp_path):
    path = write(how, tmp_path)
    data = source(how, tmp_path)
    fragment = data.fragments()[0]
    assert fragment.version
    if path.is_dir():
        shutil.rmtree(path)
    write(how, tmp_path, ROWS * 2)
    with pytest.raises(InputUnavailable) as caught:
        data.read_rows(fragment, np.arange(1))
    assert caught.value.violations[0].field == "spec.data.uris[0]"
