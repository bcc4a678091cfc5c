"""Workers read stores on the network without their credentials, and outlive whoever has them."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from support import keepers
from support.buckets import KEYS, Bucket, served

LARGE = bytes(range(256)) * (48 << 10)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    """A process of its own: Ray forks when it starts, which gRPC's threads here do not bear."""
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=keepers.start) as pool:
        yield pool


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with served("s3") as bucket:
        bucket.put("inside/large", LARGE)
        bucket.put("inside/rows/a.parquet", b"a")
        yield bucket


def test_a_task_of_the_local_cluster_has_no_secret_of_the_service(elsewhere):
    by_the_task, by_the_service = elsewhere.submit(keepers.seen_by_a_task).result()
    assert by_the_task == {keepers.PLAIN}
    assert by_the_service == {keepers.PLAIN, *keepers.SECRETS}


def test_a_task_reads_and_lists_through_a_keeper(elsewhere, bucket: Bucket):
    found, travelled, listed = elsewhere.submit(keepers.read_by_a_task, bucket).result()
    assert found == LARGE
    assert listed == ["a.parquet"]
    assert not any(secret.encode() in travelled for secret in KEYS.values())


def test_no_file_and_no_environment_of_the_cluster_has_a_key(elsewhere, bucket: Bucket):
    for secret in KEYS.values():
        processes, files = elsewhere.submit(keepers.processes_that_know, bucket, secret).result()
        assert processes == []
        assert files == []


def test_a_read_outlives_its_keeper(elsewhere, bucket: Bucket):
    assert elsewhere.submit(keepers.read_while_keepers_die, bucket).result() == LARGE


def test_a_keeper_that_stays_away_is_told(elsewhere):
    told = elsewhere.submit(keepers.refusal_without_a_keeper).result()
    assert told.startswith("spec.data.uris[0]: 'data://large' cannot be read")
    assert "reader of the store is away" in told


def test_a_keeper_that_does_not_answer_is_told(elsewhere, bucket: Bucket):
    told = elsewhere.submit(keepers.refusal_of_a_slow_store, bucket).result()
    assert "did not answer in time" in told


def test_a_keeper_whose_store_drips_makes_way_for_another(elsewhere, bucket: Bucket):
    told, another, found = elsewhere.submit(keepers.read_after_a_drip, bucket).result()
    assert "did not answer in time" in told
    assert another
    assert found == LARGE


def test_what_a_keeper_refuses_arrives_as_itself(elsewhere, bucket: Bucket):
    told = elsewhere.submit(keepers.refusal_of_a_missing_file, bucket).result()
    assert told == "spec.data.uris[0]: there is no file 'data://none'"


def test_a_keeper_takes_no_other_store(elsewhere, bucket: Bucket):
    assert elsewhere.submit(keepers.repointed, bucket).result() == "the keeper has its store"


def test_keepers_end_when_they_are_left(elsewhere, bucket: Bucket):
    assert elsewhere.submit(keepers.keepers_left, bucket).result() == 0
