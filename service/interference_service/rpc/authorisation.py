"""Whether the principal may do what the decoded request asks for."""

from functools import partial
from typing import Any

import grpc
import structlog

from interference_service.domain.access import Refusal
from interference_service.domain.tracing import UNTRACED, Tracer
from interference_service.errors import PermissionDenied
from interference_service.rpc.authentication import current_principal
from interference_service.rpc.handlers import Continuation, Handler, checked
from interference_service.rpc.permissions import OPEN_METHODS, RULES


class AuthorisationInterceptor(grpc.aio.ServerInterceptor):
    """Lets a request pass to its handler if its project is the principal's; stands innermost.

    It looks at the name in the request and at nothing else, so a refusal tells nothing of whether
    there is such a job.
    """

    def __init__(self, tracer: Tracer = UNTRACED) -> None:
        self._tracer = tracer

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """The method's handler, behind the permission."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method in OPEN_METHODS:
            return handler
        return checked(handler, partial(self._authorise, method))

    def _authorise(self, method: str, request: Any) -> None:
        """Raises PermissionDenied, or InvalidRequest where the request names nothing."""
        principal, rule = current_principal(), RULES.get(method)
        called = method.rpartition("/")[2]
        if rule is None:
            raise _denied(f"{called} is open to nobody")
        resource = rule.resource(request) if rule.resource is not None else ""
        if not resource:
            if not principal.has(rule.role, None):
                raise _denied(
                    f"{principal.name} may not call {called}; it takes the role {rule.role}"
                )
            return
        tell(resource, self._tracer)
        project = resource.split("/")[1]
        if not principal.has(rule.role, project):
            raise _denied(
                f"{principal.name} may not call {called} in projects/{project}; "
                f"it takes the role {rule.role} there"
            )


def tell(resource: str, tracer: Tracer) -> None:
    """Have the lines of this call in the log, and its span, say what it is about.

    Args:
        resource: Name of a project or of a job.
        tracer: Records the span.
    """
    _, project, *job = resource.split("/")
    about = {"project": project, "job": resource} if job else {"project": project}
    structlog.contextvars.bind_contextvars(resource=resource, **about)
    tracer.describe({f"interference.{what}": name for what, name in about.items()})


def _denied(message: str) -> PermissionDenied:
    return PermissionDenied(message, metadata={"cause": Refusal.PERMISSION_DENIED.value})
