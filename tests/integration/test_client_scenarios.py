"""A real service behaves towards clients as the fake one, which their own tests rely on."""

from collections.abc import Iterator
from typing import Any

import pytest

from interference_client import Client, Job, ModelReference, Options
from interference_service.demo.server import Running
from support.client_scenarios import ClientScenarios, Outcome, World
from support.submissions import rows, slow_rows

MODEL = ModelReference("data://mlp.pt2", monitor="solar")
SLOW = ModelReference("data://slow.pt2", monitor="solar")
INPUTS: dict[str, Any] = {
    "succeeds": (MODEL, rows()),
    "fails": (MODEL, rows(label="target")),
    "runs": (SLOW, slow_rows()),
}


class TestTheService(ClientScenarios):
    @pytest.fixture(scope="class")
    @classmethod
    def world(cls, service: Running) -> Iterator[World]:
        with Client(service.grpc) as client:

            def submit(outcome: Outcome, **submission: Any) -> Job:
                model, data = INPUTS[outcome]
                return client.submit(model, data, Options(folds=4), **submission)

            yield World(client, submit)
