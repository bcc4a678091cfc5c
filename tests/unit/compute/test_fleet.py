"""Where gradient actors start."""

from hypothesis import given, strategies as st

from interference_service.compute.fleet import Worker, emptiest
from interference_service.compute.slots import Needs


def workers(*nodes: str) -> list[Worker]:
    return [Worker(None, Needs(1, 0), node) for node in nodes]


def test_actors_spread_over_the_slots_that_are_left():
    slots = {"a": 2, "b": 1}
    assert emptiest(slots, []) == "a"
    assert emptiest(slots, workers("a", "a")) == "b"


@given(st.lists(st.sampled_from(["a", "b", "head"]), max_size=12))
def test_a_node_without_cores_for_actors_gets_none_however_full_the_others_are(taken):
    assert emptiest({"head": 0, "a": 1, "b": 1}, workers(*taken)) != "head"
