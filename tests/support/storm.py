"""Pipelines that submit and wait while everything around them is killed."""

import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from interference_client import (
    Client,
    DeadlineExceeded,
    Job,
    JobSnapshot,
    QuotaExceeded,
    StreamCut,
    Unavailable,
    WrongState,
)
from support.submissions import submit
from support.waiting import eventually

_AGAIN = (Unavailable, DeadlineExceeded, StreamCut, QuotaExceeded)
"""After these a pipeline does not know what became of its request, and runs its step again."""
_STEP_SECONDS = 1200.0
"""Jobs are begun anew after every kill, so that some of them take the whole of a storm."""
CANCELLED_SHARE = 0.1
FORGOTTEN_SHARE = 0.3
"""Of the wishes, those whose pipeline is itself killed after its submission and begins again."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One analysis that a pipeline wants."""

    id: str
    variant: int
    cancels: bool
    forgets: bool
    request_id: str
    """All that tells another run of its step from another wish; empty: the id of its job does."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What a pipeline was told at the end of its watch."""

    wish: Wish
    job: JobSnapshot


@dataclass
class Truth:
    """What the pipelines have been told; safe to share among threads."""

    endings: list[Ending] = field(default_factory=list)
    broken: list[BaseException] = field(default_factory=list)
    heard: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, _: object) -> None:
        """Take note of a message of any watch."""
        with self._lock:
            self.heard += 1

    def end(self, ending: Ending) -> None:
        """Take note of the end of a job."""
        with self._lock:
            self.endings.append(ending)

    def fail(self, error: BaseException) -> None:
        """Take note of a pipeline that could not go on."""
        with self._lock:
            self.broken.append(error)


class Pipelines:
    """Several teams that submit one job after the other.

    Every other one is known by the job's id, which the pipeline derives from its run; the rest by
    nothing but their request id.

    Args:
        target: Of the services.
        number: How many.
        variants: What is submitted; a job of one of them always has the same result.
        seed: Of what they choose.
    """

    def __init__(
        self, target: str, number: int, variants: Sequence[Mapping[str, Any]], seed: int
    ) -> None:
        self.truth = Truth()
        self._target = target
        self._variants = variants
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._guarded, args=(f"team-{each}", random.Random(seed + each))
            )
            for each in range(number)
        ]

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for each in self._threads:
            each.join(2 * _STEP_SECONDS)

    @property
    def ended(self) -> bool:
        """Whether every pipeline has come to its end."""
        return not any(each.is_alive() for each in self._threads)

    def _guarded(self, team: str, chance: random.Random) -> None:
        try:
            self._run(team, chance)
        except BaseException as error:  # noqa: BLE001 - told by the test
            self.truth.fail(error)

    def _run(self, team: str, chance: random.Random) -> None:
        number = 0
        with Client(self._target, insecure=True) as client:
            while not self._stopping.is_set():
                number += 1
                wish = Wish(
                    f"{team}-{number}",
                    chance.randrange(len(self._variants)),
                    chance.random() < CANCELLED_SHARE,
                    chance.random() < FORGOTTEN_SHARE,
                    str(uuid.UUID(int=chance.getrandbits(128), version=4)) if number % 2 else "",
                )
                self.truth.end(Ending(wish, self._fulfilled(client, wish)))

    def _fulfilled(self, client: Client, wish: Wish) -> JobSnapshot:
        """The end of a job, through as many runs of the pipeline's step as it takes."""
        end = time.monotonic() + _STEP_SECONDS
        while True:
            try:
                return self._step(client, wish)
            except _AGAIN:
                if time.monotonic() > end:
                    raise

    def _step(self, client: Client, wish: Wish) -> JobSnapshot:
        job = self._submitted(client, wish)
        if wish.forgets:
            job = self._submitted(client, wish)
        if wish.cancels:
            with suppress(WrongState):  # it has ended
                job.cancel("no longer wanted")
        job.wait(timeout=_STEP_SECONDS, check=False, on_event=self.truth.hear)
        return job.snapshot

    def _submitted(self, client: Client, wish: Wish) -> Job:
        known_by = (
            {"request_id": wish.request_id}
            if wish.request_id
            else {"job_id": wish.id, "if_exists": "attach"}
        )
        return submit(
            client,
            labels={"wish": wish.id},
            timeout=20,
            **known_by,
            **self._variants[wish.variant],
        )


def strikes(
    truth: Truth, victims: Sequence[Callable[[], object]], number: int, chance: random.Random
) -> None:
    """Strike again and again, each time after some more messages were heard.

    Args:
        truth: What the pipelines hear.
        victims: What may be done to the services.
        number: Of strikes.
        chance: What is struck, and when.
    """
    for _ in range(number):
        later = truth.heard + chance.randrange(12)
        eventually(
            lambda later=later: truth.heard >= later or truth.broken,
            within_seconds=120,
            what="a sign of life",
        )
        if truth.broken:
            return
        chance.choice(victims)()
