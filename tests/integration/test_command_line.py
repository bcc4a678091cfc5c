"""The command line against a real service, as a pipeline would call it."""

import json
import subprocess
import sys

import pytest

from interference_client import Client

SUBMIT = (
    "submit",
    "--model-uri=data://mlp.pt2",
    "--data-uri=data://rows.parquet",
    "--label=label",
    "--input=input=tensor:x,shape=1x6x6",
    "--folds=4",
)


@pytest.fixture
def interference(service):
    """Runs the command line in a process of its own."""

    def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "interference_client.cli", *arguments]
        return subprocess.run(
            [*command, f"--target={service.grpc}"], capture_output=True, text=True, timeout=100
        )

    return call


def test_a_pipeline_submits_waits_and_is_told_to_go_on(interference):
    done = interference(*SUBMIT, "--wait", "--gate=few:summary/unlearned_minorities<=4")
    assert done.returncode == 0, done.stderr
    assert "PASSED" in done.stdout
    assert "succeeded" in done.stderr


def test_a_pipeline_is_told_to_stop(interference):
    done = interference(*SUBMIT, "--wait", "--gate=many:summary/conflicting_pairs>=100", "--json")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["verdict"]["outcome"] == "VIOLATED"


def test_what_was_found_is_read_back(interference, client: Client):
    name = interference(*SUBMIT).stdout.strip()
    assert interference("gate", name).returncode == 8
    table = interference("result", name)
    assert "Gradient Conflict Matrix (shared" in table.stdout
    matrix = json.loads(interference("matrix", name, "shared/plain_cosine", "--json").stdout)
    assert matrix["elements"] == client.job(name).result().conflict(plain=True).tolist()
    assert name in interference("list", "--filter=state = SUCCEEDED").stdout
    assert interference("delete", name).returncode == 0
    assert interference("get", name).returncode == 9


def test_bad_input_is_refused_by_field(interference):
    done = interference(*SUBMIT, "--model-uri=data://none.pt2")
    assert done.returncode == 9
    assert "analysis_job.spec.model.uri: " in done.stderr


def test_a_failed_job_says_why(interference):
    done = interference(*SUBMIT, "--label=target", "--wait")
    assert done.returncode == 3
    assert "spec.data.label_column: " in done.stdout


def test_what_the_service_is_can_be_asked(interference):
    assert "max_classes" in interference("info").stdout
