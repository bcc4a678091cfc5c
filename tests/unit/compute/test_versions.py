"""A worker that would compute something else is told apart."""

import os
import subprocess
import sys

import pytest
from ray import cloudpickle

from interference_service import __version__
from interference_service.compute.versions import differences, environment_reader, refusal

SERVICE = {
    "Python": "3.11.9",
    "Ray": "2.60.0",
    "torch": "2.13.0",
    "gradient-interference": "0.1.0",
    "sources": "aa",
}


def test_the_same_environment_has_no_differences():
    assert differences(SERVICE, dict(SERVICE)) == []


@pytest.mark.parametrize("name", ["Python", "Ray", "torch", "gradient-interference"])
def test_every_version_is_compared_and_named_on_both_sides(name):
    found = differences(SERVICE, SERVICE | {name: "0.0.9", "sources": "bb"})
    assert found == [f"{name} 0.0.9, the service {name} {SERVICE[name]}"]


def test_what_is_missing_is_said_to_be_missing():
    assert differences(SERVICE, SERVICE | {"torch": ""}) == ["no torch, the service torch 2.13.0"]
    assert len(differences(SERVICE, {})) == 4


def test_other_code_under_the_same_version_is_found():
    found = differences(SERVICE, SERVICE | {"sources": "bb"})
    assert found == ["other code under the same version of gradient-interference"]


def test_the_refusal_names_node_difference_and_remedy():
    error = refusal("10.0.0.7", differences(SERVICE, SERVICE | {"Ray": "2.59.1"}))
    assert error.reason == "WORKER_LOST"
    assert error.metadata == {"node": "10.0.0.7"}
    for part in ("10.0.0.7", "Ray 2.59.1, the service Ray 2.60.0", "one image"):
        assert part in error.message


def test_an_environment_is_read_where_this_module_is_not_known():
    sent = cloudpickle.dumps(environment_reader())
    reading = f"import pickle, sys; print(pickle.loads({sent!r})())"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    shadow = "import sys; sys.modules['interference_service.compute.versions'] = None; " + reading
    done = subprocess.run(
        [sys.executable, "-c", shadow], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "'Ray'" in done.stdout


def test_all_of_an_environment_is_told():
    found = environment_reader()()
    assert found["gradient-interference"] == __version__
    assert all(found.values())
    assert differences(environment_reader()(), found) == []
