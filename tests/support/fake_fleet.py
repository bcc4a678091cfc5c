"""A cluster whose processes start, end and die just when a test says so."""

from collections.abc import Iterable, Sequence
from typing import Any

from interference_service.compute.fleet import Room, Worker, emptiest
from interference_service.compute.slots import Needs, Node


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeFleet:
    """``Fleet`` of nodes with so many slots each; with ``gpus`` every actor has one GPU."""

    def __init__(self, *slots: int, gpus: bool = False) -> None:
        self.slots = {f"node{index}": count for index, count in enumerate(slots)}
        self.gpus = gpus
        self.started: list[Worker] = []
        self.killed: list[Worker] = []
        self._outcomes: dict[Any, Exception | None] = {}

    @property
    def living(self) -> list[Worker]:
        return [worker for worker in self.started if worker not in self.killed]

    def room(self, needs: Needs | None) -> Room:
        needs = needs or Needs(1, 1 if self.gpus else 0)
        total = sum(self.slots.values())
        nodes = [Node(name, name, total, 0) for name in self.slots]
        return Room(needs, dict(self.slots), needs.none_fits(nodes))

    def start(self, room: Room, workers: Iterable[Worker]) -> Worker:
        node = "" if room.needs.gpus else emptiest(room.slots, workers)
        worker = Worker(f"actor{len(self.started)}", room.needs, node, call=object())
        self.started.append(worker)
        return worker

    def ask(self, worker: Worker) -> None:
        worker.call = object()

    def ended(self, calls: Sequence[Any], seconds: float) -> list[tuple[Any, Exception | None]]:
        return [(call, self._outcomes[call]) for call in calls if call in self._outcomes]

    def kill(self, worker: Worker) -> None:
        assert worker not in self.killed
        self.killed.append(worker)

    def answer(self, error: Exception | None = None) -> None:
        """Every call in flight ends now: starts succeed or fail, the asked live or are dead."""
        for worker in self.living:
            if worker.call is not None:
                self._outcomes[worker.call] = error
