"""References that lead out of the stores, or to what is no file."""

import os
import socket
from collections.abc import Callable

from hostile.reference import HostileReference, Site, Submission
from interference_client import ModelReference, ParquetData, tensor
from interference_service.errors import InputUnavailable, InputUnsupported, InvalidRequest
from support.archives import draft

_FORM = "must be {store}://{path}"
_COMPONENT = "component; write the path of the file itself"
_LINK = "leads through a link, which is not followed"
_STORES = "the stores of this server are"


def named(
    name: str,
    uri: str | Callable[[Site], str],
    words: str,
    error: type = InputUnsupported,
    **more: object,
) -> HostileReference:
    """A model of that URI."""

    def builds(site: Site) -> Submission:
        draft().write(site.path("model.pt2"))
        good = site.model()
        told = uri(site) if callable(uri) else uri
        return good._replace(model=ModelReference(told))

    return HostileReference(name, builds, error, words=words, **more)


def laid(
    name: str,
    lay: Callable[[Site], object],
    words: str,
    error: type | None = InputUnsupported,
    file: str = "laid",
    **more: object,
) -> HostileReference:
    """A good model at ``model.pt2``, and what ``lay`` puts beside it, which is named."""

    def builds(site: Site) -> Submission:
        draft().write(site.path("model.pt2"))
        lay(site)
        return site.model(file)

    return HostileReference(name, builds, error, words=words, **more)


def data(
    name: str,
    uri: Callable[[Site], str],
    words: str,
    error: type = InputUnsupported,
    lay: Callable[[Site], object] = lambda _: None,
    **more: object,
) -> HostileReference:
    """Rows of that URI."""

    def builds(site: Site) -> Submission:
        lay(site)
        inputs = {"x": tensor("x")}
        return site.rows(ParquetData(uri(site), label="label", inputs=inputs))

    return HostileReference(name, builds, error, field="data.uris[0]", words=words, **more)


def _link(target: str) -> Callable[[Site], None]:
    return lambda site: site.path("laid").symlink_to(target)


def _linked_directory(site: Site) -> None:
    site.path("inner").mkdir()
    draft().write(site.path("inner/model.pt2"))
    site.path("laid").symlink_to(site.path("inner"))


def _link_to_itself(site: Site) -> None:
    site.path("laid").symlink_to(site.path("laid"))


def _device(site: Site) -> None:
    # Only the superuser may make devices; elsewhere a pipe stands for one.
    try:
        os.mknod(site.path("laid"), 0o020644, os.makedev(1, 5))
    except PermissionError:
        os.mkfifo(site.path("laid"))


def _socket(site: Site) -> None:
    # The path of a socket must be short.
    before = os.getcwd()
    os.chdir(site.directory)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("laid")
    finally:
        os.chdir(before)


def _sparse(site: Site) -> None:
    with site.path("laid").open("wb") as file:
        file.truncate(1 << 40)


def _links_below(site: Site) -> None:
    site.path("rows").mkdir()
    site.path("rows/part.parquet").symlink_to("/etc/passwd")


REFERENCES = (
    named(
        "a path of the system",
        "file:///etc/passwd",
        "is not below exactly one store",
        end_to_end=True,
    ),
    named(
        "a path of the system's processes",
        "file:///proc/self/environ",
        "is not below exactly one store",
    ),
    named(
        "a path that begins like a store's",
        lambda site: f"file://{site.root}-outside/model.pt2",
        "is not below exactly one store",
    ),
    named("a path above its store", "data://../secret", _COMPONENT, end_to_end=True),
    named(
        "a path above its store, later",
        lambda site: f"data://{site.folder}/../../../etc/passwd",
        _COMPONENT,
    ),
    named("a path with a dot", lambda site: f"data://{site.folder}/./model.pt2", _COMPONENT),
    named("an absolute path within a store", "data:///etc/passwd", _COMPONENT),
    named(
        "a URI of the cloud's metadata",
        "http://169.254.169.254/latest/meta-data",
        _STORES,
        end_to_end=True,
    ),
    named("a URI of another server", "https://example.org/model.pt2", _STORES),
    named(
        "a bucket that the operator did not name", "s3://bucket/model.pt2", _STORES, end_to_end=True
    ),
    named(
        "a bucket with an endpoint of its own",
        "s3://bucket/model.pt2?endpoint_override=localhost:1",
        _FORM,
        InvalidRequest,
    ),
    named("a chained file system", "simplecache::file:///etc/passwd", _FORM, InvalidRequest),
    named(
        "data within the URI", "data:application/octet-stream;base64,AAAA", _FORM, InvalidRequest
    ),
    named("a scheme with credentials", "s3://key:secret@bucket/model.pt2", _STORES),
    named(
        "a store in capitals", lambda site: f"DATA://{site.folder}/model.pt2", _FORM, InvalidRequest
    ),
    named(
        "a store that looks like another",
        lambda site: f"d\u0430ta://{site.folder}/model.pt2",
        _FORM,
        InvalidRequest,
    ),
    named(
        "a store with dots",
        lambda site: f"../data://{site.folder}/model.pt2",
        _FORM,
        InvalidRequest,
    ),
    named("no store", "://model.pt2", _FORM, InvalidRequest),
    named(
        "a store's name of 1,000 letters",
        "d" * 1_000 + "://model.pt2",
        "must be {store}://{path}",
        InvalidRequest,
    ),
    named("dots that are escaped", "data://%2e%2e/secret", _FORM, InvalidRequest, end_to_end=True),
    named("backslashes", "data://..\\secret", _FORM, InvalidRequest),
    named(
        "NUL in a path",
        lambda site: f"data://{site.folder}/model.pt2\0.txt",
        _FORM,
        InvalidRequest,
        end_to_end=True,
    ),
    named(
        "a line break in a path",
        lambda site: f"data://{site.folder}/model.pt2\n",
        _FORM,
        InvalidRequest,
    ),
    named(
        "a very long path",
        "data://" + "d/" * 10_000 + "model.pt2",
        "at most 1024 characters",
        InvalidRequest,
    ),
    named(
        "a component beyond what file systems take",
        "data://" + "n" * 300,
        "cannot be read: File name too long",
        InputUnavailable,
    ),
    named(
        "slashes that are not",
        lambda site: f"data://{site.folder}\u2215..\u2215secret",
        "there is no file",
        InputUnavailable,
    ),
    named(
        "dots that are not",
        lambda site: f"data://{site.folder}/‥/secret",
        "there is no file",
        InputUnavailable,
    ),
    named(
        "a path that is turned around",
        lambda site: f"data://{site.folder}/\u202e2tp.ledom",
        "there is no file",
        InputUnavailable,
    ),
    named(
        "letters that are one",
        lambda site: f"data://{site.folder}/model.p\u0074\u03002",
        "there is no file",
        InputUnavailable,
    ),
    laid("a link to a file", _link("model.pt2"), _LINK, end_to_end=True),
    laid("a link to a secret", _link("/etc/passwd"), _LINK),
    laid(
        "a link to the process's environment", _link("/proc/self/environ"), _LINK, end_to_end=True
    ),
    laid("a link to nothing", _link("nothing"), _LINK),
    laid("a link to itself", _link_to_itself, _LINK),
    laid("a link to a directory", _linked_directory, _LINK, file="laid/model.pt2", end_to_end=True),
    laid(
        "a pipe",
        lambda site: os.mkfifo(site.path("laid")),
        "is not a regular file",
        end_to_end=True,
    ),
    laid("a device", _device, "is not a regular file"),
    laid("a socket", _socket, "cannot be read", InputUnavailable),
    laid("a directory", lambda site: site.path("laid").mkdir(), "is not a regular file"),
    laid(
        "a file as a directory",
        lambda _: None,
        "there is no file",
        InputUnavailable,
        file="model.pt2/model.pt2",
    ),
    laid(
        "a model of a tebibyte of nothing",
        _sparse,
        "has 1099511627776 bytes; at most 17179869184 are read",
        end_to_end=True,
    ),
    laid(
        "a second name of a file",
        lambda site: site.path("laid").hardlink_to(site.path("model.pt2")),
        "",
        None,
    ),
    data("rows of the cloud's metadata", lambda _: "http://169.254.169.254/rows.parquet", _STORES),
    data("rows above their store", lambda _: "data://../rows.parquet", _COMPONENT),
    data(
        "a directory with links",
        lambda site: site.uri("rows/"),
        "which is a link or no regular file",
        lay=_links_below,
        end_to_end=True,
    ),
)
