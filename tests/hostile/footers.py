"""Parquet files whose footers lie."""

import struct
from collections.abc import Callable

from hostile.parquet import good_file
from hostile.reference import HostileReference, Site, Submission
from hostile.thrift import Field, Reader, Struct, written
from interference_service.errors import InputUnavailable, InputUnsupported

# Numbers of fields in the metadata of a Parquet file.
SCHEMA, NUM_ROWS, ROW_GROUPS, KEY_VALUES = 2, 3, 4, 5
COLUMNS, TOTAL_BYTE_SIZE, GROUP_ROWS = 1, 2, 3
META_DATA, CODEC, NUM_VALUES, COMPRESSED, PAGE_OFFSET, DICTIONARY_OFFSET = 3, 4, 5, 7, 9, 11
TYPE, REPETITION, NAME, NUM_CHILDREN = 1, 3, 4, 5

Edit = Callable[[Struct], object]


def edited(raw: bytes, edit: Edit) -> bytes:
    """A Parquet file whose footer is changed."""
    (length,) = struct.unpack("<I", raw[-8:-4])
    footer = Reader(raw[-8 - length : -8]).struct()
    edit(footer)
    changed = written(footer)
    return raw[: -8 - length] + changed + struct.pack("<I", len(changed)) + b"PAR1"


def lying(
    name: str, edit: Edit, words: str = "cannot be read as Parquet", **more: object
) -> HostileReference:
    """A good file with a changed footer."""

    def builds(site: Site) -> Submission:
        path = site.path("rows.parquet")
        path.write_bytes(edited(good_file(path, compression="none"), edit))
        return site.table()

    expected = {"error": InputUnavailable, "field": "data.uris[0]"} | more
    return HostileReference(name, builds, words=words, **expected)


def _set(*path: int, to: int) -> Edit:
    """Sets a number within the first row group: of itself, or of its first column's metadata."""

    def edit(footer: Struct) -> None:
        holder = footer[ROW_GROUPS].value[1][0]
        for number in path[:-1]:
            value = holder[number].value
            holder = value[1][0] if isinstance(value, tuple) else value
        kind = holder[path[-1]].kind if path[-1] in holder else 6
        holder[path[-1]] = Field(kind, to)

    return edit


def _column(number: int, to: int) -> Edit:
    return _set(COLUMNS, META_DATA, number, to=to)


def _rows(to: int) -> Edit:
    """All counts of rows agree on a lie."""

    def edit(footer: Struct) -> None:
        footer[NUM_ROWS].value = to
        group = footer[ROW_GROUPS].value[1][0]
        group[GROUP_ROWS].value = to
        for column in group[COLUMNS].value[1]:
            column[META_DATA].value[NUM_VALUES].value = to

    return edit


def _schema(index: int, number: int, to: int) -> Edit:
    def edit(footer: Struct) -> None:
        footer[SCHEMA].value[1][index][number] = Field(5, to)

    return edit


def _nested(depth: int) -> Edit:
    """A group within a group and so on, as a further column."""

    def edit(footer: Struct) -> None:
        schema = footer[SCHEMA].value[1]
        schema[0][NUM_CHILDREN].value += 1
        group = {REPETITION: Field(5, 1), NAME: Field(8, b"g"), NUM_CHILDREN: Field(5, 1)}
        leaf = {TYPE: Field(5, 1), REPETITION: Field(5, 1), NAME: Field(8, b"v")}
        schema.extend([group] * depth + [leaf])
        columns = footer[ROW_GROUPS].value[1][0][COLUMNS].value[1]
        columns.append(columns[-1])

    return edit


def _arrow_schema(raw: bytes) -> Edit:
    def edit(footer: Struct) -> None:
        for each in footer[KEY_VALUES].value[1]:
            each[2] = Field(8, raw)

    return edit


REFERENCES = (
    lying("more rows than there are", _rows(10**9), "where 1000000000 are due", end_to_end=True),
    lying(
        "more rows than numbers of them",
        _rows(1 << 62),
        "claims 4611686018427387904 rows",
        error=InputUnsupported,
    ),
    lying("a negative number of rows", _rows(-5), "claims -5 rows", error=InputUnsupported),
    lying("a negative number of rows of a group", _set(GROUP_ROWS, to=-5)),
    lying(
        "a group of more rows than its file", _set(GROUP_ROWS, to=10**9), "where 1000000000 are due"
    ),
    lying("a negative size of a group", _set(TOTAL_BYTE_SIZE, to=-(1 << 62)), "", error=None),
    lying("a page before the file", _column(PAGE_OFFSET, -100), end_to_end=True),
    lying("a page behind the file", _column(PAGE_OFFSET, 1 << 60), "", error=None),
    lying("a dictionary behind the file", _column(DICTIONARY_OFFSET, 1 << 60)),
    lying("a column of negative size", _column(COMPRESSED, -1)),
    lying("a column of 2^62 bytes", _column(COMPRESSED, 1 << 62)),
    lying("a column that claims another compression", _column(CODEC, 6)),
    lying("a column of an unknown compression", _column(CODEC, 99)),
    lying("a column of more values than it has", _column(NUM_VALUES, 10**15), "", error=None),
    lying("a column of negative values", _column(NUM_VALUES, -1), "has 0 rows from row 0 on"),
    lying(
        "a schema of more children than there are",
        _schema(0, NUM_CHILDREN, 2**31 - 1),
        end_to_end=True,
    ),
    lying("a schema of negative children", _schema(0, NUM_CHILDREN, -1)),
    lying("a schema of an unknown type", _schema(4, TYPE, 77)),
    lying("groups nested 1,000 deep", _nested(1_000)),
    lying("groups nested 100,000 deep", _nested(100_000)),
    lying("a schema of Arrow that is noise", _arrow_schema(b"A" * 4096)),
    lying("a schema of Arrow that is no text", _arrow_schema(b"\xff" * 64)),
)
