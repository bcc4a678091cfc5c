"""How many actors fit on a cluster."""

import pytest
from hypothesis import given, strategies as st

from interference_service.compute.slots import Needs, Node, needs_of


def node(cpus: float = 0, gpus: float = 0) -> Node:
    return Node("a", "10.0.0.1", cpus, gpus)


@pytest.mark.parametrize(
    ("needs", "where", "room"),
    [
        (Needs(1, 0), node(cpus=2), 2),
        (Needs(2, 0), node(cpus=5), 2),
        (Needs(1.5, 0), node(cpus=3), 2),
        (Needs(0.1, 0), node(cpus=0.3), 3),
        (Needs(1, 0), node(cpus=0, gpus=8), 0),
        (Needs(1, 1), node(cpus=0, gpus=4), 4),
        (Needs(1, 0.5), node(gpus=4), 8),
        (Needs(1, 0.4), node(gpus=4), 8),
        (Needs(1, 0.1), node(gpus=1), 10),
        (Needs(1, 2), node(gpus=5), 2),
        (Needs(1, 1000), node(gpus=4), 0),
    ],
)
def test_room_is_what_fits_each_node_and_each_gpu(needs, where, room):
    assert needs.room_on(where) == room


@given(st.floats(0.0001, 1), st.integers(0, 8))
def test_fractions_never_share_more_of_a_gpu_than_there_is(fraction, gpus):
    room = Needs(1, fraction).room_on(node(gpus=gpus))
    assert room % max(1, gpus) == 0
    assert room * fraction <= gpus * (1 + 1e-3)


def test_no_actor_takes_cores_of_the_count_that_tasks_wait_for():
    assert Needs(1, 0).options == {"num_cpus": 0, "num_gpus": 0}
    assert Needs(1, 0.5).options == {"num_cpus": 0, "num_gpus": 0.5}


@pytest.mark.parametrize(
    ("device", "nodes", "gpus"),
    [
        ("auto", [node(cpus=2)], 0),
        ("auto", [node(cpus=2), node(gpus=1)], 0.5),
        ("cpu", [node(gpus=1)], 0),
        ("gpu", [node(cpus=2)], 0.5),
        ("auto", [], 0),
    ],
)
def test_gpus_are_used_where_asked_for_or_where_there_are_any(device, nodes, gpus):
    assert needs_of(device, 0.5, 2, nodes) == Needs(2, gpus)


def test_where_nothing_fits_it_is_told_what_was_needed_and_what_there_is():
    error = Needs(1, 1000).none_fits([node(gpus=2), node(gpus=2)])
    assert "one needs 1000 gpus of a node, the whole cluster has 4" in error.message
    assert "compute.gpus_per_actor" in error.message
    assert "0.5 cpus" in Needs(0.5, 0).none_fits([]).message
