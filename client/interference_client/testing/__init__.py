"""A service for the tests of those who use this client: real gRPC, made-up results, no torch, no Ray.

::

    from interference_client import Client
    from interference_client.testing import FakeClass, FakeResult, FakeService, Fails, Succeeds

    with FakeService() as service:
        service.plan(Succeeds(FakeResult({"rare": FakeClass(progress_ratio=(-0.4, -0.6, -0.2))})))
        with Client(service.target) as client:
            our_pipeline(client)
    assert service.submissions[0].spec.model.version == "v7"

Names, states, etags, the order of a watch, errors and streams are those of the service. What a
submission points at is neither read nor checked, beyond that it is there.
"""

from interference_client.testing._plans import Fails, KeepsRunning, Plan, StaysPending, Succeeds
from interference_client.testing._results import FakeClass, FakePrevious, FakeResult
from interference_client.testing._service import FakeService

__all__ = [
    "Fails",
    "FakeClass",
    "FakePrevious",
    "FakeResult",
    "FakeService",
    "KeepsRunning",
    "Plan",
    "StaysPending",
    "Succeeds",
]
