"""Changes of a job beside those that its worker makes; pure."""

from interference_client._requests import Changes, update_request
from interference_client.errors import Aborted
from interference_client.values import JobSnapshot

_SETTINGS = ("display_name", "labels", "annotations", "priority")


class Update:
    """A change of a job, over the tries that it takes.

    The etag of a job also changes with its state, which is nobody's decision: where its settings
    are as the caller knows them, the change is tried once more.

    Args:
        known: The job as the caller knows it.
        changes: What it is to be.

    Attributes:
        request: The request of the next try.
    """

    def __init__(self, known: JobSnapshot, changes: Changes) -> None:
        self.request = update_request(known.name, known.etag, changes)
        self._known = known
        self._changes = changes
        self._tried_again = False

    def made(self, error: Aborted, now: JobSnapshot) -> bool:
        """Whether a try whose answer was lost has made the change; else it may be tried again.

        Args:
            error: How the last try ended.
            now: The job as it is.

        Raises:
            Aborted: ``error``, if somebody else has changed the job.
        """
        if error.repeated and all(self._wanted(name, now) for name in self._changes):
            return True
        if self._tried_again or not self._untouched(now, or_wanted=error.repeated):
            raise error
        self._tried_again = True
        self.request.analysis_job.etag = now.etag
        return False

    def _wanted(self, name: str, now: JobSnapshot) -> bool:
        if name != "ttl":
            return bool(getattr(now, name) == self._changes.get(name))
        # Only a job that has ended says how long it is kept.
        return (
            now.end_time is not None
            and now.expire_time is not None
            and now.expire_time - now.end_time == self._changes.get("ttl")
        )

    def _untouched(self, now: JobSnapshot, *, or_wanted: bool) -> bool:
        for name in _SETTINGS:
            own = or_wanted and name in self._changes and self._wanted(name, now)
            if not own and getattr(now, name) != getattr(self._known, name):
                return False
        own = or_wanted and "ttl" in self._changes and self._wanted("ttl", now)
        return own or self._known.expire_time in {None, now.expire_time}
