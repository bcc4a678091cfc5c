"""A job whose model and rows lie in a bucket finds what it finds in a directory."""

import json
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import psutil
import pytest

from interference_client import Client, Job, ModelReference, Options, ParquetData, tensor
from interference_client.errors import InvalidArgument
from interference_service.demo.server import Running, running_service
from support import examples
from support.buckets import KEYS, Bucket, served
from support.service import FEW_RESOURCES
from support.waiting import eventually


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with served("s3") as bucket:
        yield bucket


@pytest.fixture(scope="module")
def service(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with the same files in the directory ``near`` and in the bucket ``far``.

    The store ``gone`` names a bucket that is not there.
    """
    files = tmp_path_factory.mktemp("files")
    examples.write_all(files)
    examples.slow(files, rows=600)
    bucket.put_all(files, "inside")
    stores = {
        "near": str(files),
        "far": bucket.said(),
        "gone": bucket.said(bucket="not-there"),
    }
    settings = FEW_RESOURCES | KEYS | {"INTERFERENCE_STORES": json.dumps(stores)}
    home = tmp_path_factory.mktemp("service")
    with running_service(home, {}, settings) as running:
        yield running
    log = (home / "service.log").read_text()
    assert not [secret for secret in KEYS.values() if secret in log]


@pytest.fixture
def client(service: Running) -> Iterator[Client]:
    with Client(service.grpc) as client:
        yield client


def submit(client: Client, store: str, model: str, data: str, side: int) -> Job:
    return client.submit(
        model=ModelReference(f"{store}://{model}"),
        data=ParquetData(
            f"{store}://{data}",
            label="label",
            inputs={"input": tensor("x", shape=(1, side, side))},
        ),
        options=Options(folds=4),
    )


def matrices(job: Job) -> dict[str, np.ndarray]:
    return dict(job.wait(timeout=150).result().matrices())


def assert_same_bits(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert found.keys() == wanted.keys()
    for name, matrix in wanted.items():
        np.testing.assert_array_equal(found[name], matrix, err_msg=name)


def keepers(service: Running) -> list[psutil.Process]:
    found = []
    for each in psutil.Process(service.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            if "ray::Keeper" in " ".join(each.cmdline()):
                found.append(each)
    return found


def test_a_bucket_gives_the_bits_of_a_directory(client: Client):
    far = submit(client, "far", "cnn.pt2", "rows.parquet", 6)
    near = submit(client, "near", "cnn.pt2", "rows.parquet", 6)
    assert_same_bits(matrices(far), matrices(near))


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["its beginning", "GRADIENTS"])
def test_a_job_outlives_the_keeper_of_its_store(service: Running, client: Client, moment: str):
    near = matrices(submit(client, "near", "slow.pt2", "slow.parquet", 24))
    job = submit(client, "far", "slow.pt2", "slow.parquet", 24)
    # Stages before the gradients may be over before anyone is told of them.
    reached = {
        "its beginning": lambda: job.refresh().state == "RUNNING",
        "GRADIENTS": lambda: job.refresh().progress.stage == "GRADIENTS",
    }
    eventually(reached[moment], what=moment)
    victims = eventually(lambda: keepers(service), what="a keeper")
    for victim in victims:
        victim.kill()
    assert_same_bits(matrices(job), near)
    assert job.attempt == 1
    eventually(lambda: set(keepers(service)) - set(victims), what="another keeper")


def test_a_file_that_is_not_in_the_bucket_is_told_before_the_job_is_made(client: Client):
    with pytest.raises(InvalidArgument, match=r"there is no file 'far://none\.pt2'"):
        submit(client, "far", "none.pt2", "rows.parquet", 6)


def test_credentials_that_the_store_refuses_are_told(client: Client, bucket: Bucket):
    bucket.let_in(everybody=False)
    try:
        with pytest.raises(InvalidArgument, match="refuses the service's credentials") as caught:
            submit(client, "far", "cnn.pt2", "rows.parquet", 6)
    finally:
        bucket.let_in(everybody=True)
    assert caught.value.violations[0].field == "analysis_job.spec.model.uri"


def test_a_bucket_that_is_not_there_is_told(client: Client):
    with pytest.raises(InvalidArgument, match="bucket does not exist") as caught:
        submit(client, "gone", "cnn.pt2", "rows.parquet", 6)
    assert caught.value.violations[0].field == "analysis_job.spec.model.uri"
    assert "not-there" not in str(caught.value)
