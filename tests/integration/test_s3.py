"""Stores on a network that fails: retried, bounded, and told in words that give nothing away."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interference_service.domain.inputs import Input, TensorSource
from interference_service.domain.specification import DataFormat, DataReference
from interference_service.errors import InputUnavailable, InputUnsupported
from interference_service.references.data.parquet import ParquetSource
from interference_service.references.stores import Stores
from interference_service.references.stores.store import Place
from support.buckets import BUCKET, KEYS, Bucket, served
from support.network_ports import free_port
from support.proxy import Proxy, between

FIELD = "model.uri"
CONTENT = bytes(range(256)) * 8192
QUICK = {"connect_timeout": 1, "request_timeout": 1, "attempts": 3}
QUICK_BY_KIND = {"s3": QUICK, "gcs": {"retry_seconds": 3}}


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with served("s3") as bucket:
        yield bucket


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[Proxy]:
    with between(bucket.port) as proxy:
        yield proxy


@pytest.fixture
def stores(bucket: Bucket, proxy: Proxy) -> Stores:
    """The store ``data`` with ``file``, on the other side of the proxy."""
    bucket.put("inside/file", CONTENT)
    for name in ("a", "b/c"):
        bucket.put(f"inside/listed/{name}", b"content")
    return Stores({"data": bucket.store(port=proxy.port, **QUICK)})


def refusal(call: Callable[[], object]) -> str:
    """What a client is told; never what is the operator's alone."""
    with pytest.raises(InputUnavailable) as caught:
        call()
    assert [each.field for each in caught.value.violations] == [f"spec.{FIELD}"]
    told = caught.value.message
    assert caught.value.__cause__ is None
    for secret in (*KEYS.values(), BUCKET, "127.0.0.1", "inside"):
        assert secret not in told
    return told


def read(stores: Stores) -> bytes:
    with stores.open("data://file", FIELD) as file:
        return file.read()


def test_parquet_is_read_from_a_bucket(bucket: Bucket, stores: Stores):
    numbers = np.arange(50_000)
    table = pa.table({"label": numbers % 3, "x": numbers * 0.5})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=10_000)
    bucket.put("inside/rows.parquet", sink.getvalue().to_pybytes())
    reference = DataReference(
        uris=("data://rows.parquet",),
        format=DataFormat.PARQUET,
        label_column="label",
        inputs=(Input(name="x", tensor=TensorSource(column="x")),),
    )
    source = ParquetSource(reference, stores)
    fragments = source.fragments()
    assert len(fragments) == 5
    labels = np.concatenate([source.read_column(each, "label") for each in fragments])
    np.testing.assert_array_equal(labels, numbers % 3)
    rows = source.read_rows(fragments[3], np.array([0, 9_999]))
    np.testing.assert_array_equal(rows.columns["x"].values, [15_000, 19_999.5])


@pytest.mark.parametrize(
    "path",
    [(), ("..", "secret"), (".",), ("a", ""), ("../secret",), ("..\\secret",), ("a\x00",)],
)
def test_no_key_is_built_of_names_that_are_not_plain(bucket: Bucket, path: tuple[str, ...]):
    bucket.put("secret", b"beside the prefix")
    store, place = bucket.store(), Place("data://what a client wrote", FIELD)
    for ask in (store.entry, store.open, lambda *asked: list(store.entries(*asked))):
        with pytest.raises(InputUnsupported, match="plain names"):
            ask(path, place)


@pytest.mark.parametrize("kind", ["s3", "gcs"])
def test_a_name_that_urls_read_otherwise_is_asked_for_as_it_is(kind: str):
    names = ["100%.bin", "a#1%.png", "a?b", "%2e%2e", "größe ü"]
    with served(kind) as bucket:
        bucket.put("secret", b"beside the prefix")
        for name in names:
            bucket.put(f"inside/odd/{name}", name.encode())
        stores = Stores({"data": bucket.store(**QUICK_BY_KIND[kind])})
        assert [each.path for each in stores.entries("data://odd/", FIELD)] == sorted(names)
        for name in names:
            with stores.open("data://odd/", FIELD, listed=name) as file:
                assert file.read() == name.encode()
        with pytest.raises(InputUnavailable, match="there is no file"):
            stores.open("data://odd/", FIELD, listed="%2e%2e/%2e%2e/secret")


def test_partitions_are_read_from_a_bucket(bucket: Bucket, tmp_path: Path):
    classes = ["No Anomaly", "a:b", "größe", "50%"]
    table = pa.table({"label": classes, "x": [0.0, 1.0, 2.0, 3.0]})
    pq.write_to_dataset(table, tmp_path / "rows", partition_cols=["label"])
    bucket.put_all(tmp_path / "rows", "inside/partitions")
    reference = DataReference(
        uris=("data://partitions/",),
        format=DataFormat.PARQUET,
        label_column="label",
        inputs=(Input(name="x", tensor=TensorSource(column="x")),),
    )
    source = ParquetSource(reference, Stores({"data": bucket.store()}))
    found = [value for each in source.fragments() for value in source.read_column(each, "label")]
    assert sorted(found) == sorted(classes)


def test_wrong_credentials_are_told_to_the_operators_address(bucket: Bucket, stores: Stores):
    bucket.let_in(everybody=False)
    try:
        assert "credentials" in refusal(lambda: stores.check("data://file", FIELD))
        assert "credentials" in refusal(lambda: stores.check("data://some/", FIELD))
    finally:
        bucket.let_in(everybody=True)


@pytest.mark.parametrize("uri", ["data://file", "data://some/"])
def test_a_missing_bucket_is_the_operators_to_correct(bucket: Bucket, uri: str):
    stores = Stores({"data": bucket.store(bucket="not-there")})
    told = refusal(lambda: stores.check(uri, FIELD))
    assert "bucket does not exist" in told
    assert "not-there" not in told


def test_a_file_that_vanishes_before_it_is_read_is_unavailable(bucket: Bucket, stores: Stores):
    with stores.open("data://file", FIELD) as file:
        bucket.remove("inside/file")
        assert "was removed while it was read" in refusal(file.read)


@pytest.mark.parametrize("content", [b"short", CONTENT[::-1], CONTENT + b"more"])
def test_a_file_that_changes_while_it_is_read_is_unavailable(
    bucket: Bucket, stores: Stores, content: bytes
):
    with stores.open("data://file", FIELD) as file:
        assert file.read(3) == CONTENT[:3]
        bucket.put("inside/file", content)
        assert "was changed while it was read" in refusal(file.read)


@pytest.mark.parametrize("after_bytes", [0, 100, 100_000])
def test_connections_that_break_are_tried_again(proxy: Proxy, stores: Stores, after_bytes: int):
    proxy.cut(2, after_bytes)
    assert read(stores) == CONTENT
    assert proxy.connections > 2


@pytest.mark.parametrize("after_bytes", range(20, 400, 90))
def test_an_answer_that_is_cut_anywhere_changes_no_byte(
    proxy: Proxy, stores: Stores, after_bytes: int
):
    # Within the headers too, where the client takes what it has for the whole answer.
    with stores.open("data://file", FIELD) as file:
        proxy.cut(1, after_bytes)
        assert file.read() == CONTENT


@pytest.mark.parametrize("after_bytes", range(20, 400, 90))
def test_a_listing_that_is_cut_anywhere_lacks_no_file(
    proxy: Proxy, stores: Stores, after_bytes: int
):
    whole = stores.entries("data://listed/", FIELD)
    proxy.cut(1, after_bytes)
    assert stores.entries("data://listed/", FIELD) == whole


@pytest.mark.parametrize("after_bytes", [100, 150, 200])
def test_answers_that_are_always_cut_are_given_up(proxy: Proxy, stores: Stores, after_bytes: int):
    with stores.open("data://file", FIELD) as file:
        proxy.cut(1000, after_bytes)
        refusal(file.read)
    refusal(lambda: stores.check("data://file", FIELD))
    refusal(lambda: stores.check("data://listed/", FIELD))


@pytest.mark.parametrize("after_bytes", [0, 100_000])
def test_a_connection_that_always_breaks_is_given_up(
    proxy: Proxy, stores: Stores, after_bytes: int
):
    proxy.cut(1000, after_bytes)
    assert "cannot be reached, or broke off" in refusal(lambda: read(stores))
    assert proxy.connections <= 2 * QUICK["attempts"] + 2


def test_a_server_that_does_not_answer_is_given_up(proxy: Proxy, stores: Stores):
    proxy.cut(1000, after_bytes=None)
    assert "did not answer in time" in refusal(lambda: stores.check("data://file", FIELD))
    assert proxy.connections <= QUICK["attempts"] + 1


def test_an_answer_that_was_slow_once_is_had_in_the_end(proxy: Proxy, stores: Stores):
    proxy.cut(1, after_bytes=None)
    assert read(stores) == CONTENT


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:{}", "http://nowhere.invalid"])
def test_an_endpoint_where_nobody_is_is_told(bucket: Bucket, endpoint: str):
    store = bucket.store(endpoint=endpoint.format(free_port()), **QUICK)
    told = refusal(lambda: Stores({"data": store}).check("data://file", FIELD))
    assert "cannot be reached" in told
    assert "nowhere" not in told


def test_a_server_of_another_kind_is_told(bucket: Bucket):
    with served("gcs") as other:
        store = bucket.store(port=other.port, **QUICK)
        refusal(lambda: Stores({"data": store}).check("data://some/", FIELD))
