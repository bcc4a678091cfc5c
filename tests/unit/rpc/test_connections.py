"""How many connections there may be; what the limits do is seen in ``tests/hostile``."""

import resource

import pytest

from interference_service.rpc.connections import Connections

MOST = "grpc.max_allowed_incoming_connections"


@pytest.mark.parametrize(
    ("files", "connections"),
    [(1, 1), (1024, 512), (1 << 20, 10_000), (resource.RLIM_INFINITY, 10_000)],
)
def test_connections_take_half_of_the_files_that_may_be_open(monkeypatch, files, connections):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert Connections().options()[MOST] == connections


def test_a_number_that_the_operator_gives_is_taken():
    assert Connections(most=7).options()[MOST] == 7


def test_no_time_becomes_none_which_would_mean_for_ever():
    assert Connections(idle_seconds=1e-9).options()["grpc.max_connection_idle_ms"] == 1
