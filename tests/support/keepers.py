"""Stores behind keepers on a real cluster, to be used in a process that has no gRPC channels."""

import os
import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import ray

from interference_service.compute.keeper import Keepers
from interference_service.compute.kept import KeptStore
from interference_service.errors import InputUnavailable
from interference_service.references.stores import Stores
from support import ray_calls
from support.buckets import KEYS, Bucket
from support.proxy import between
from support.waiting import eventually

FIELD = "data.uris[0]"
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "of the platform",
    "GOOGLE_APPLICATION_CREDENTIALS": "/run/secrets/account.json",
    "INTERFERENCE_DATABASE_URL": "postgresql://user:password@host/jobs",
    "HF_TOKEN": "of a hub",
    "SOME_PASSWORD": "of something",
    "MY_SECRET_THING": "of somebody",
}
PLAIN = "A_PLAIN_VARIABLE"


def start() -> None:
    """A cluster, started by a process that has secrets."""
    os.environ.update({**SECRETS, **KEYS, PLAIN: "seen"})
    ray_calls.start(frozenset(KEYS))


@ray.remote(max_retries=0)
def _variables() -> set[str]:
    return set(os.environ)


@ray.remote(max_retries=0)
def _read(stores: Stores, uri: str) -> bytes:
    with stores.open(uri, FIELD) as file:
        return file.read()


def seen_by_a_task() -> tuple[set[str], set[str]]:
    """Which of the variables a task has, and which the process that started the cluster."""
    names = {*SECRETS, PLAIN}
    return ray.get(_variables.remote()) & names, set(os.environ) & names


@contextmanager
def _kept(bucket: Bucket, port: int = 0) -> Iterator[KeptStore]:
    with Keepers({"data": bucket.access(port=port, request_timeout=5)}) as keepers:
        yield keepers.stores["data"]


def read_by_a_task(bucket: Bucket) -> tuple[bytes, bytes, list[str]]:
    """What a task reads, what travelled to it, and the names that it lists."""
    with _kept(bucket) as store:
        stores = Stores({"data": store})
        found = ray.get(_read.remote(stores, "data://large"))
        listed = stores.entries("data://rows/", FIELD)
        return found, pickle.dumps(stores), [each.path for each in listed]


def processes_that_know(bucket: Bucket, secret: str) -> tuple[list[str], list[str]]:
    """While a keeper has read: processes of the cluster with a secret in their environment, and files."""
    with _kept(bucket) as store:
        Stores({"data": store}).check("data://large", FIELD)
        told = [
            each.name()
            for each in psutil.Process().children(recursive=True)
            if secret in each.environ().values()
        ]
        session = Path(ray._private.worker._global_node.get_session_dir_path())
        written = [
            str(path)
            for path in session.rglob("*")
            if path.is_file() and secret.encode() in path.read_bytes()
        ]
        return told, written


def read_while_keepers_die(bucket: Bucket) -> bytes:
    """A file, read by a process whose keeper is killed once a part of it was read."""
    with _kept(bucket) as store, Stores({"data": store}).open("data://large", FIELD) as file:
        start = file.read(100)
        _kill(_keeper())
        return start + file.read()


def _keeper() -> psutil.Process:
    for process in psutil.Process().children(recursive=True):
        if "ray::Keeper" in " ".join(process.cmdline()):
            return process
    raise AssertionError("there is no keeper")


def _kill(process: psutil.Process) -> None:
    process.kill()
    eventually(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


def refusal_without_a_keeper() -> str:
    """What is told where there is none and none comes."""
    return _refusal(KeptStore("nobody", "s3://nowhere", away_seconds=0.5))


def refusal_of_a_slow_store(bucket: Bucket) -> str:
    """What is told where the keeper waits for its store."""
    with between(bucket.port) as proxy, _kept(bucket, proxy.port) as store:
        Stores({"data": store}).check("data://large", FIELD)
        proxy.cut(1000, after_bytes=None)
        return _refusal(replace(store, answer_seconds=0.5))


def read_after_a_drip(bucket: Bucket) -> tuple[str, bool, bytes]:
    """What is told of a store that drips, whether its keeper is another then, and what that reads."""
    with (
        between(bucket.port) as proxy,
        Keepers({"data": bucket.access(port=proxy.port)}, 3) as keepers,
    ):
        store = keepers.stores["data"]
        stores = Stores({"data": replace(store, answer_seconds=60)})
        stores.check("data://large", FIELD)
        keeper = _keeper()
        proxy.drip(20)
        told = _refusal(store)
        eventually(lambda: not keeper.is_running() or keeper.status() == psutil.STATUS_ZOMBIE)
        proxy.drip(0)
        with stores.open("data://large", FIELD) as file:
            return told, _keeper().pid != keeper.pid, file.read()


def refusal_of_a_missing_file(bucket: Bucket) -> str:
    with _kept(bucket) as store:
        return _refusal(store, "data://none")


def _refusal(store: KeptStore, uri: str = "data://large") -> str:
    try:
        Stores({"data": store}).check(uri, FIELD)
    except InputUnavailable as error:
        return error.message
    raise AssertionError("nothing was refused")


def repointed(bucket: Bucket) -> str:
    """What a keeper says to one who would have it read another store with its credentials."""
    with _kept(bucket) as store:
        Stores({"data": store}).check("data://large", FIELD)
        keeper = ray.get_actor(store.keeper)
        try:
            ray.get(keeper.start.remote(bucket.access(bucket="other")))
        except RuntimeError as error:
            return str(error.cause)
        return "nothing"


def keepers_left(bucket: Bucket) -> int:
    """Threads and processes of keepers after they were left."""
    with _kept(bucket) as store:
        Stores({"data": store}).check("data://large", FIELD)
        process = _keeper()
    eventually(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    return sum(each.name.startswith("keeper-") for each in threading.enumerate())
