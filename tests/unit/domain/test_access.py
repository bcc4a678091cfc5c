"""Roles, and who has them where."""

from itertools import product

import pytest

from interference_service.domain.access import Credentials, Principal, Role, joined


def test_each_role_includes_those_before_it():
    order = [Role.READER, Role.WRITER, Role.ADMIN]
    for (i, one), (j, other) in product(enumerate(order), enumerate(order)):
        assert one.includes(other) == (i >= j)


def test_a_principal_of_whom_nothing_is_said_may_do_nothing():
    assert not any(
        Principal("alice").has(role, project) for role in Role for project in ("solar", None)
    )


@pytest.mark.parametrize(
    ("role", "project", "expected"),
    [
        (Role.READER, "solar", True),
        (Role.WRITER, "solar", True),
        (Role.ADMIN, "solar", False),
        (Role.READER, "wind", True),
        (Role.WRITER, "wind", False),
        (Role.READER, "water", False),
        (Role.WRITER, None, True),
        (Role.ADMIN, None, False),
        (Role.READER, "*", False),
    ],
)
def test_a_role_counts_in_its_project_alone(role, project, expected):
    alice = Principal("alice", {"solar": Role.WRITER, "wind": Role.READER})
    assert alice.has(role, project) is expected


def test_a_role_in_every_project_counts_beside_that_in_one():
    alice = Principal("alice", {"*": Role.READER, "solar": Role.WRITER})
    assert alice.has(Role.READER, "wind")
    assert not alice.has(Role.WRITER, "wind")
    assert alice.has(Role.WRITER, "solar")


def test_grants_are_joined_by_the_role_that_includes_the_other():
    one, other = {"solar": Role.WRITER, "*": Role.READER}, {"solar": Role.READER, "*": Role.ADMIN}
    expected = {"solar": Role.WRITER, "*": Role.ADMIN}
    assert joined([one, other]) == joined([other, one]) == expected
    assert joined([]) == {}


def test_what_a_caller_shows_is_not_shown_on():
    assert "secret" not in repr(Credentials(("Bearer secret",), "CN=pipeline"))
