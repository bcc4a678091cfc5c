"""An archive is plain members of known names, or it is refused."""

import io
import json
import random
import re
import struct
import zipfile

import pytest
from hypothesis import given, strategies as st

from interference_service.errors import InputUnsupported
from interference_service.references import plain_json, zips
from interference_service.references.models import archive as archive_module
from interference_service.references.models.archive import Archive
from support.archives import draft, sharing, zipped

GRAPH = "models/model.json"


def opened(raw: bytes) -> Archive:
    return Archive(io.BytesIO(raw))


def refused(raw: bytes, match: str) -> None:
    with pytest.raises(InputUnsupported, match=match) as caught:
        opened(raw)
    assert caught.value.violations[0].field == "spec.model.uri"


def test_members_are_read_by_their_names_below_the_root():
    archive = opened(zipped({GRAPH: b"{}", "data/weights/weight_0": b"\x01\x02"}, root="any name/"))
    assert archive.read("data/weights/weight_0") == b"\x01\x02"
    assert archive.json(GRAPH) == {}
    assert GRAPH in archive
    assert "byteorder" not in archive


def test_the_flat_layout_of_older_versions_is_read():
    flat = {"serialized_exported_program.json": b'{"a": 1}', "version": b"8.1"}
    archive = opened(zipped(flat, root=""))
    assert archive.json(GRAPH) == {"a": 1}
    assert archive.read("archive_version") == b"8.1"


def test_extra_files_are_left_alone():
    archive = opened(zipped({GRAPH: b"{}", "extra/notes/readme.txt": b"hello"}))
    assert "extra/notes/readme.txt" not in archive


@pytest.mark.parametrize("raw", [b"", b"PK", b"not a zip" * 99, b"\x80\x04]q.", b"PAR1\x00PAR1"])
def test_what_is_no_zip_file_is_refused_with_how_to_export(raw):
    refused(raw, r"torch\.export\.save\(torch\.export\.export\(model\.eval\(\), …\), path\)")


def test_an_empty_zip_file_is_refused():
    refused(zipped({}), "has 0 members")


def test_every_truncation_is_refused():
    raw = zipped({GRAPH: b"{}", "data/weights/weight_0": bytes(range(64))})
    for length in range(len(raw)):
        with pytest.raises(InputUnsupported):
            opened(raw[:length])


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/cron.d/job",
        "data/weights/../../../secret",
        "data/weights/weight_0/../../x",
        "/etc/passwd",
        "data\\weights\\weight_0",
        "data/weights/weight_",
        "data/weights/weight_0.pkl",
        "data/weights/weight_00000000",
        "data/aotinductor/model/model.so",
        "data/aotinductor/model/model.wrapper.cpp",
        "data/constants/custom_obj_0",
        "data/sample_inputs/model.pkl",
        "models/model.py",
        "models/other.json",
        "models/model.json/",
        "code/__torch__.py",
        "data.pkl",
        "extra/",
        "",
    ],
)
def test_a_member_that_is_neither_graph_nor_tensor_is_refused(name):
    with pytest.raises(InputUnsupported):
        opened(zipped({GRAPH: b"{}", name: b"\x7fELF"}))


@pytest.mark.parametrize("name", ["../outside", "/absolute", "other/models/model.json", "loose"])
def test_a_member_outside_the_root_folder_is_refused(name):
    raw = zipped({"model/" + GRAPH: b"{}", name: b""}, root="")
    refused(raw, "outside one root folder")


def test_a_flat_layout_with_code_is_refused():
    flat = {"serialized_exported_program.json": b"{}", "code.py": b"raise SystemExit"}
    with pytest.raises(InputUnsupported):
        opened(zipped(flat, root=""))


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_member_that_is_there_twice_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"m/{GRAPH}", b"{}")
        archive.writestr(f"m/{GRAPH}", b'{"other": 1}')
    refused(buffer.getvalue(), "twice")


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_two_names_of_one_member_in_the_flat_layout_are_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("version", b"8")
        archive.writestr("version", b"9")
    refused(buffer.getvalue(), "twice")


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=str
)
def test_a_compressed_member_is_refused_before_it_is_unfolded(method):
    bomb = zipped({GRAPH: b"0" * (8 << 20)}, compression=method)
    assert len(bomb) < 1 << 16
    refused(bomb, "compressed")


def patched(raw: bytes, record: bytes, offset: int, form: str, value: int) -> bytes:
    """Change a field of the first record of a kind: ``PK\\1\\2`` is the directory, ``PK\\3\\4`` local."""
    changed = bytearray(raw)
    struct.pack_into(form, changed, raw.index(record) + offset, value)
    return bytes(changed)


def test_an_encrypted_member_is_refused():
    raw = patched(zipped({GRAPH: b"{}"}), b"PK\x01\x02", 8, "<H", 1)
    refused(raw, "encrypted")


def test_a_member_that_claims_more_than_it_holds_is_refused():
    raw = patched(zipped({GRAPH: b"{}"}), b"PK\x01\x02", 24, "<I", 1 << 31)
    refused(raw, "compressed")


def test_a_member_whose_both_sizes_lie_is_refused_before_it_is_read():
    raw = zipped({GRAPH: b"{}"})
    for offset in (20, 24):
        raw = patched(raw, b"PK\x01\x02", offset, "<I", 1 << 30)
    with pytest.raises(InputUnsupported, match="claims to hold"):
        opened(raw).read(GRAPH)


def test_members_that_share_their_bytes_are_refused():
    """Each would be read as if it were alone, so that a small file becomes a large one."""
    raw = zipped({GRAPH: b"{}", "data/weights/weight_0": bytes(1000)})
    others = [b"weight_%d" % each for each in range(1, 9)]
    refused(sharing(raw, b"weight_0", others), "claims to hold 9002 bytes, but has only")


def test_an_archive_of_more_bytes_than_are_read_is_refused(monkeypatch):
    raw = zipped({GRAPH: b"{}", "data/weights/weight_0": bytes(98)})
    monkeypatch.setattr(archive_module, "MAX_BYTES", len(raw))
    opened(raw)
    monkeypatch.setattr(archive_module, "MAX_BYTES", len(raw) - 1)
    refused(raw, f"has {len(raw)} bytes; at most {len(raw) - 1} are read")


def test_a_list_of_members_that_is_too_long_is_refused_unread(monkeypatch):
    raw = zipped({GRAPH: b"{}"})
    length = raw.index(b"PK\x05\x06") - raw.index(b"PK\x01\x02")
    monkeypatch.setattr(zips, "MAX_DIRECTORY_BYTES", length)
    assert opened(raw).json(GRAPH) == {}
    monkeypatch.setattr(zips, "MAX_DIRECTORY_BYTES", length - 1)
    refused(raw, f"has {length} bytes of names of its members")


def test_json_of_too_many_lists_and_objects_is_refused_unparsed(monkeypatch):
    monkeypatch.setattr(plain_json, "MAX_PARTS", 3)
    assert opened(zipped({GRAPH: b'[{"a": []}]'})).json(GRAPH) == [{"a": []}]
    with pytest.raises(InputUnsupported, match="it has 4 lists and objects"):
        opened(zipped({GRAPH: b'[{"a": [[]]}]'})).json(GRAPH)


def test_too_many_members_are_refused():
    many = {f"extra/{number}": b"" for number in range(archive_module.MAX_MEMBERS + 1)}
    refused(zipped(many), f"has {len(many)} members")


def test_a_version_of_zip_that_is_not_known_is_refused():
    raw = patched(zipped({GRAPH: b"{}"}), b"PK\x01\x02", 6, "<H", 99)
    with pytest.raises(InputUnsupported):
        opened(raw)


def test_changed_bytes_are_found_by_their_checksum():
    raw = zipped({GRAPH: b"{}", "data/weights/weight_0": b"trusted"})
    with pytest.raises(InputUnsupported, match="damaged member"):
        opened(raw.replace(b"trusted", b"changed")).read("data/weights/weight_0")


def test_members_that_lie_over_each_other_are_refused_when_they_are_read():
    raw = bytearray(zipped({GRAPH: b"{}", "data/weights/weight_0": bytes(64)}))
    second = [found.start() for found in re.finditer(b"PK\x01\x02", raw)][1]
    struct.pack_into("<I", raw, second + 42, 0)
    with pytest.raises(InputUnsupported):
        opened(bytes(raw)).read("data/weights/weight_0")


def test_a_missing_member_is_named():
    with pytest.raises(InputUnsupported, match=r"lacks the member 'models/model\.json'"):
        opened(zipped({"byteorder": b"little"})).json(GRAPH)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"nonsense",
        b"\xff\xfe\x00",
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"9" * 10_000,
        b'{"a": 1, "a": 2}',
        b'{"outer": {"use_pickle": true, "use_pickle": false}}',
    ],
    ids=lambda text: repr(text[:16]),
)
def test_what_is_no_plain_json_is_refused(text):
    with pytest.raises(InputUnsupported, match="JSON"):
        opened(zipped({GRAPH: text})).json(GRAPH)


def test_json_that_is_too_large_is_refused_unread(monkeypatch):
    monkeypatch.setattr(archive_module, "MAX_JSON_BYTES", 10)
    assert opened(zipped({GRAPH: b'"12345678"'})).json(GRAPH) == "12345678"
    with pytest.raises(InputUnsupported, match="has 11 bytes"):
        opened(zipped({GRAPH: b'"123456789"'})).json(GRAPH)


@given(st.integers(0, 2**32))
def test_damaged_bytes_end_in_a_refusal_or_in_what_was_written(seed):
    """Of some bytes of headers and directory; the checksum guards the members."""
    generator = random.Random(seed)
    members = draft().all_members()
    raw = bytearray(zipped(members))
    marks = [found.start() for found in re.finditer(b"PK[\x01\x03\x05]", raw)]
    for _ in range(generator.randint(1, 4)):
        raw[generator.choice(marks) + generator.randrange(22)] = generator.randrange(256)
    try:
        archive = opened(bytes(raw))
        for name, content in members.items():
            if name in archive:
                assert archive.read(name) == content
        archive.json(GRAPH)
    except InputUnsupported:
        return


@given(st.recursive(st.none() | st.integers() | st.text(), lambda each: st.lists(each)))
def test_json_is_read_as_it_is(value):
    assert opened(zipped({GRAPH: json.dumps(value).encode()})).json(GRAPH) == value
