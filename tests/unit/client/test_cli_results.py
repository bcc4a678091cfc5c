"""Results and matrices on the command line."""

import json
import subprocess
import sys

import numpy as np
import pytest

from interference_client import Result
from interference_service.rpc.convert_result import result_to_wire
from support.domain_examples import CLASSES, analysis_result, result_matrices
from support.scripted_service import NAME, job


@pytest.fixture
def with_result(service, monkeypatch):
    service.script("GetAnalysisJob", job("SUCCEEDED"))
    service.script("GetAnalysisResult", result_to_wire(NAME, analysis_result()))
    monkeypatch.setattr(Result, "matrix", lambda _, name, **__: result_matrices()[name])


def test_result_is_one_json_document(with_result, run):
    status, out, _ = run("result", "nightly", "--json")
    assert status == 0
    assert [each["id"] for each in json.loads(out)["classes"]] == list(CLASSES)


def test_matrix_is_csv_with_the_names_of_the_classes(with_result, run):
    status, out, _ = run("matrix", "nightly", "shared/suppression")
    first, second, *_ = out.splitlines()
    assert status == 0
    assert first == ',background,"Snow, wet",Müll'
    values = [float(each) for each in second.split(",")[1:]]
    np.testing.assert_array_equal(values, result_matrices()["shared/suppression"][0])


def test_matrix_is_a_numpy_file_if_told_so(with_result, run, tmp_path):
    path = tmp_path / "m.npy"
    assert run("matrix", "nightly", "shared/cosine", f"--out={path}")[0] == 0
    np.testing.assert_array_equal(np.load(path), result_matrices()["shared/cosine"])


def test_matrix_without_an_id_lists_them(with_result, run):
    assert run("matrix", "nightly")[1].splitlines() == list(result_matrices())


def test_an_unknown_matrix_is_9(service, run):
    service.script("GetAnalysisJob", job("SUCCEEDED"))
    service.script("GetAnalysisResult", result_to_wire(NAME, analysis_result()))
    assert run("matrix", "nightly", "shared/nothing")[0] == 9


def test_without_rich_a_table_asks_for_it_and_json_does_not(target, with_result):
    script = (
        "import sys; sys.modules['rich'] = sys.modules['rich.console'] = None;"
        "from interference_client.cli import main; sys.exit(main(sys.argv[1:]))"
    )

    def run_without(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", script, *arguments, f"--target={target}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    table = run_without("result", "nightly")
    assert table.returncode == 2
    assert "gradient-interference[cli]" in table.stderr
    assert run_without("result", "nightly", "--json").returncode == 0
