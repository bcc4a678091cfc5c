"""One listing of jobs, page by page."""

from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from interference_service.domain.query import Cursor, JobQuery
from interference_service.errors import InvalidRequest, InvalidToken, Violation
from interference_service.jobs.filtering import parse_filter, parse_order
from interference_service.jobs.limits import Limits
from interference_service.jobs.tokens import Seal

_PAGE = "page"
_VALID = timedelta(days=3)
"""How long the token of a page is good."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What is listed, and for whom; the token of a page is good for no other listing."""

    project: str
    filter_text: str
    order_by: str
    principal: str

    def query(
        self, page_size: int, page_token: str, limits: Limits, seal: Seal, now: datetime
    ) -> JobQuery:
        """The query of a page.

        Args:
            page_size: Jobs wanted; 0: the default.
            page_token: As ``token`` made it; empty: the first page.
            limits: What is allowed.
            seal: Opens tokens.
            now: The time.

        Raises:
            InvalidRequest: Size, filter or order do not fit.
            InvalidToken: The token belongs to another listing, or is too old.
        """
        if page_size < 0:
            raise InvalidRequest.field("page_size", f"is {page_size}; it must not be negative")
        term, order = parse_filter(self.filter_text), parse_order(self.order_by)
        size = min(page_size or limits.default_page_size, limits.max_page_size)
        after = self._opened(page_token, seal, now) if page_token else None
        return JobQuery(self.project, term, order, size, after)

    def token(self, after: Cursor | None, seal: Seal, now: datetime) -> str:
        """The token of the next page; empty where there is none."""
        if after is None:
            return ""
        until = (now + _VALID).timestamp()
        payload = {"of": self._bound, "after": [after.value, after.job_id], "until": until}
        return seal.seal(_PAGE, payload)

    @property
    def _bound(self) -> list[str]:
        return list(astuple(self))

    def _opened(self, page_token: str, seal: Seal, now: datetime) -> Cursor:
        payload = seal.open(_PAGE, page_token, "page_token")
        if payload["of"] != self._bound:
            raise _refused("belongs to another listing; keep parent, filter and order_by")
        if payload["until"] < now.timestamp():
            raise _refused(f"is older than {_VALID.days} days; leave it empty to start over")
        return Cursor(*payload["after"])


def _refused(what: str) -> InvalidToken:
    return InvalidToken(f"page_token: {what}", violations=[Violation("page_token", what)])
