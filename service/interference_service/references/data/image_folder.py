"""Images in a directory a class: ``cat/1.jpg``; the columns are ``image`` and ``label``."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import pyarrow as pa

from interference_service.errors import InputUnavailable, InputUnsupported
from interference_service.references.data import table as tables
from interference_service.references.data.projection import check_names
from interference_service.references.data.source import Fragment
from interference_service.references.data.table import TableSource
from interference_service.references.stores.store import Entry, is_name

IMAGE, LABEL = "image", "label"
MAX_IMAGE_BYTES = 64 << 20
MAX_BATCH_BYTES = 256 << 20
"""A batch of images ends before it has more."""

_CLUTTER = ("thumbs.db", "desktop.ini", "readme.md", "readme.txt", "license", "license.txt")
_SHOWN = 5


class ImageFolderSource(TableSource):
    """Images of a directory by class and name.

    The path of a fragment is the directory of its class; its groups are the numbers of its first
    image there and of its end, its version the digest of their names and versions. So a task lists
    one class again, and nobody has to keep the names of a million images.
    """

    kind = "image folder"
    extensions = (".jpg", ".jpeg", ".png", ".webp")

    def _files(self, table: int) -> tuple[Entry, ...]:
        uri, field = self._reference.uris[table], f"data.uris[{table}]"
        if not uri.endswith("/"):
            raise InputUnsupported.at(
                field, f"is {uri!r}; an image folder is a directory, whose URI ends in '/'"
            )
        files = self._images(self._stores.entries(uri, field), field)
        beside = [each.path for each in files if "/" not in each.path]
        if beside:
            raise InputUnsupported.at(
                field,
                f"has {_shown(beside)} beside the directories of the classes; put every image into "
                "one of them",
            )
        return files

    def _images(self, entries: Sequence[Entry], field: str) -> tuple[Entry, ...]:
        kept = [each for each in entries if each.path.rpartition("/")[2].lower() not in _CLUTTER]
        others = [each.path for each in kept if not each.path.lower().endswith(self.extensions)]
        if others:
            raise InputUnsupported.at(
                field, f"has {_shown(others)}; only {', '.join(self.extensions)} are read"
            )
        unnamed = [each.path for each in kept if not all(map(is_name, each.path.split("/")))]
        if unnamed:
            raise InputUnsupported.at(
                field,
                f"has {_shown(unnamed)}; names must be UTF-8 without backslashes and control "
                "characters",
            )
        large = [each.path for each in kept if each.size > MAX_IMAGE_BYTES]
        if large:
            raise InputUnsupported.at(
                field, f"has {_shown(large)} of more than {MAX_IMAGE_BYTES >> 20} MiB"
            )
        return tuple(kept)

    def _fragments_of(self, table: int) -> Iterator[Fragment]:
        source = self._name_of(table)
        row = 0
        by_class = groupby(self._files(table), lambda entry: entry.path.partition("/")[0])
        for name, images in by_class:
            below = [_below(name, each) for each in images]
            for first, stop in _ranges(below):
                version = _version(below[first:stop])
                yield Fragment(table, source, (first, stop), row, stop - first, version, f"{name}/")
                row += stop - first

    def constant(self, fragment: Fragment, column: str) -> str | None:
        """See ``DataSource.constant``."""
        return fragment.path.removesuffix("/") if column == LABEL else None

    def _batches(self, fragment: Fragment, columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
        check_names([IMAGE, LABEL], columns)
        label = fragment.path.removesuffix("/")
        images: list[bytes] = []
        if IMAGE not in columns:
            yield _batch(columns, [b""] * fragment.num_rows, label)
            return
        size = 0
        for entry in self._of_class(fragment):
            if len(images) == tables.BATCH_ROWS or size + entry.size > MAX_BATCH_BYTES:
                yield _batch(columns, images, label)
                images, size = [], 0
            images.append(self._bytes(fragment, entry))
            size += entry.size
        yield _batch(columns, images, label)

    def _of_class(self, fragment: Fragment) -> tuple[Entry, ...]:
        uri, field = self._reference.uris[fragment.file], _field(fragment)
        first, stop = fragment.groups
        entries = self._stores.entries(uri, field, listed=fragment.path)
        found = self._images(entries, field)[first:stop]
        if _version(found) != fragment.version:
            raise InputUnavailable.at(
                field, f"{uri + fragment.path!r} was changed while it was read"
            )
        return found

    def _bytes(self, fragment: Fragment, entry: Entry) -> bytes:
        uri, path = self._reference.uris[fragment.file], fragment.path + entry.path
        with self._stores.open(uri, _field(fragment), entry.version, listed=path) as file:
            return file.read(MAX_IMAGE_BYTES)


def _field(fragment: Fragment) -> str:
    return f"data.uris[{fragment.file}]"


def _below(directory: str, entry: Entry) -> Entry:
    return Entry(entry.path.removeprefix(f"{directory}/"), entry.size, entry.version)


def _ranges(entries: Sequence[Entry]) -> Iterator[tuple[int, int]]:
    first = size = 0
    for number, entry in enumerate(entries):
        full = number - first == tables.FRAGMENT_ROWS or size + entry.size > tables.FRAGMENT_BYTES
        if full and number > first:
            yield first, number
            first, size = number, 0
        size += entry.size
    yield first, len(entries)


def _version(entries: Sequence[Entry]) -> str:
    total = hashlib.sha256()
    for each in entries:
        total.update(f"{each.path}\n{each.size}\n{each.version}\n".encode())
    return total.hexdigest()


def _batch(columns: Mapping[str, str], images: list[bytes], label: str) -> pa.RecordBatch:
    made = {
        IMAGE: lambda: pa.array(images, pa.large_binary()),
        LABEL: lambda: pa.array([label] * len(images), pa.string()),
    }
    return pa.RecordBatch.from_pydict({name: made[name]() for name in columns})


def _shown(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(map(repr, paths[:_SHOWN])) + more
