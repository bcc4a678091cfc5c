"""Tar files with links, devices, names that lead out, and headers that lie."""

import io
import tarfile

from hostile.payloads import pickled, saved
from hostile.reference import MIB
from hostile.rows import rows
from interference_client import (
    WebDatasetData,
)
from interference_service.errors import InputUnsupported, InvalidData


def _tar(
    *members: tuple[str, bytes],
    kind: bytes = tarfile.REGTYPE,
    link: str = "",
    form: int = tarfile.GNU_FORMAT,
    headers: dict[str, str] | None = None,
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content), kind, link
            info.pax_headers = headers or {}
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _sized(size: bytes) -> bytes:
    """A tar file whose first header claims that size."""
    raw = bytearray(_tar(("0.png", b"x")))
    raw[124:136] = size
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    return bytes(raw)


REFERENCES = (
    rows(
        WebDatasetData,
        "a link in a tar file",
        lambda _: _tar(("0.png", b""), kind=tarfile.SYMTYPE, link="/etc/passwd"),
        "a link or device",
        InputUnsupported,
        end_to_end=True,
    ),
    rows(
        WebDatasetData,
        "a hard link in a tar file",
        lambda _: _tar(("0.png", b""), kind=tarfile.LNKTYPE, link="/etc/passwd"),
        "a link or device",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a device in a tar file",
        lambda _: _tar(("0.png", b""), kind=tarfile.CHRTYPE),
        "a link or device",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a pipe in a tar file",
        lambda _: _tar(("0.png", b""), kind=tarfile.FIFOTYPE),
        "a link or device",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "an absolute name in a tar file",
        lambda _: _tar(("/etc/0.png", b"")),
        "leads out of it",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a name above a tar file",
        lambda _: _tar(("../0.png", b"")),
        "leads out of it",
        InputUnsupported,
        end_to_end=True,
    ),
    rows(
        WebDatasetData,
        "a sparse member of a tar file",
        lambda _: _tar(
            ("0.png", b""),
            form=tarfile.PAX_FORMAT,
            headers={"GNU.sparse.size": str(1 << 40), "GNU.sparse.major": "1"},
        ),
        "has a sparse member",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "an old sparse member of a tar file",
        lambda _: _tar(("0.png", b""), kind=tarfile.GNUTYPE_SPARSE),
        "a link or device",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a header of 2 MiB in a tar file",
        lambda _: _tar(
            ("0.png", b""), form=tarfile.PAX_FORMAT, headers={"comment": "n" * (2 * MIB)}
        ),
        "bytes; at most 1048576 are read",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a member of 10^12 bytes",
        lambda _: _tar(("0.png", b""), form=tarfile.PAX_FORMAT, headers={"size": str(10**12)}),
        "at most 268435456 are read",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a member of 8 GiB less one",
        lambda _: _sized(b"77777777777\0"),
        "at most 268435456 are read",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a member of negative size",
        lambda _: _sized(b"-0000000001\0"),
        "are read",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a tar file that is a pickle",
        lambda site: pickled(site.canary),
        "it ends too early",
    ),
    rows(
        WebDatasetData,
        "samples that are pickles",
        lambda site: _tar(
            ("0.png", pickled(site.canary)),
            ("0.cls", b"0"),
            ("0.pkl", pickled(site.canary)),
            ("0.pt", saved(site.canary)),
            ("0.pyd", pickled(site.canary)),
        ),
        "no JPEG, PNG or WebP",
        InvalidData,
        field="data.inputs[0].image.column",
    ),
)
