"""The tasks of one analysis."""

from collections.abc import Sequence
from typing import Any

from interference_service.compute import cluster
from interference_service.compute.calls import Refs, run_tasks
from interference_service.compute.held import Held
from interference_service.compute.payloads import Call, Done, Made, Payload, Runner
from interference_service.domain.events import Work


class Tasks(Runner):
    """Runs tasks as often as they are lost, within bounds, until told to stop."""

    def payloads(self, calls: Sequence[Call], done: Done | None = None) -> list[Payload]:
        """Run tasks that leave one payload each; see ``run``."""
        self.run(calls, done)
        return [call.payload() for call in calls]

    def values(self, calls: Sequence[Call], done: Done | None = None) -> list[Any]:
        """The payloads of tasks that leave one each; the cluster forgets them."""
        values = []
        for payload in self.payloads(calls, done):
            values.append(self.value(payload))
            payload.release()
        return values

    def given(self, payload: Payload) -> Held | None:
        """See ``Held``."""
        return None if payload.ref is None else Held(payload.ref)

    def _run(self, calls: Sequence[Call], made: Made) -> None:
        def finished(index: int, work: Work | None, refs: Refs) -> None:
            self._tell(calls[index].losses.name, work)
            made(calls[index], refs)

        run_tasks(
            [call.submit for call in calls],
            [call.losses for call in calls],
            in_flight=cluster.num_cpus(),
            cancellation=self._cancellation,
            made=finished,
        )
