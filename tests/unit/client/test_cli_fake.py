"""Commands about results, against the fake service."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from interference_client import Client, Gate, _cli_check, cli
from interference_client.testing import FakeClass, FakeResult, FakeService, StaysPending, Succeeds
from support.client_values import DATA, MODEL
from support.command_line import SUBMISSION

HOSTILE = "<b>|\n`x`</b>"


def outcome(value: float, *, unlearned: bool = False) -> Succeeds:
    rare = FakeClass(
        progress_ratio=(value, value - 0.1, value + 0.1), minority=True, unlearned=unlearned
    )
    matrix = np.array([[1.0, -0.5], [-0.5, 1.0]])
    return Succeeds(
        FakeResult({"common": FakeClass(), HOSTILE: rare}, matrices={"shared/cosine": matrix})
    )


@pytest.fixture
def run(fake: FakeService, monkeypatch, capsys):
    """Runs a command; its status and both outputs."""
    monkeypatch.setenv("INTERFERENCE_TARGET", fake.target)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            status = cli.main(arguments)
        except SystemExit as ended:
            status = int(ended.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def finished(fake: FakeService, job_id: str, plan: Succeeds, **submission) -> None:
    fake.plan(plan)
    with Client(fake.target) as client:
        client.submit(MODEL, DATA, job_id=job_id, **submission).wait(timeout=20)


@pytest.mark.parametrize(
    ("after", "status"), [(outcome(0.9), 0), (outcome(0.1), 1), (outcome(float("nan")), 8)]
)
def test_diff_ends_with_what_became_of_the_minorities(fake, run, after, status):
    finished(fake, "before", outcome(0.8))
    finished(fake, "after", after)
    assert run("diff", "before", "after")[0] == status
    found, out, _ = run("diff", "before", "after", "--json")
    assert (found, json.loads(out)["before"].split("/")[3]) == (status, "before")


def test_diff_says_of_a_minority_that_is_new_what_it_is(fake, run):
    rare = FakeClass(progress_ratio=(-0.5, -0.6, -0.4), minority=True, unlearned=True)
    finished(fake, "before", Succeeds(FakeResult({"a": FakeClass(), "old": FakeClass()})))
    finished(fake, "after", Succeeds(FakeResult({"a": FakeClass(), "rare": rare})))
    status, out, _ = run("diff", "before", "after")
    assert status == 1
    assert "removed: old\nadded: rare (minority, WORSE)\nWORSE" in out


def test_diff_marks_what_got_worse(fake, run):
    finished(fake, "before", outcome(0.8))
    finished(fake, "after", outcome(-0.5, unlearned=True))
    out = run("diff", "before", "after")[1]
    assert "worse: unlearned now" in out
    assert out.rstrip().endswith("WORSE")
    assert run("diff", "before", "after", "--tolerance=-1")[0] == 2


@pytest.mark.parametrize(
    ("gate", "status"),
    [
        ("a:summary/worst_progress_ratio>=0", 0),
        ("a:summary/worst_progress_ratio>=0.95", 1),
        ("a:shared/cosine/common/nobody>=0", 8),
    ],
)
def test_gates_of_the_command_line_are_judged_on_a_finished_result(fake, run, gate, status):
    finished(fake, "job", outcome(0.8))
    found, out, _ = run("gate", "job", f"--gate={gate}", "--json")
    assert found == status
    assert json.loads(out)["verdict"]["gates"][0]["id"] == "a"
    assert run("gate", "job")[0] == 8


def test_a_report_in_html_stands_for_itself_and_runs_nothing(fake, run, tmp_path):
    finished(fake, "job", outcome(0.8))
    path = tmp_path / "report.html"
    assert run("report", "job", f"--out={path}")[0] == 0
    text = path.read_text()
    assert text.startswith("<!doctype html>")
    picture = ElementTree.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    drawn = [each for each in picture.iter() if each.tag.endswith("rect")]
    assert len(drawn) == 4
    assert drawn[0].get("fill") == "#2166ac"
    assert "-0.50" in text
    assert "<b>" not in text
    assert "&lt;b&gt;" in text
    for sign in ("<script", "src=", "href=", "http://", "https://", "@import"):
        assert sign not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_a_report_in_markdown_escapes_what_it_is_told(fake, run):
    finished(fake, "job", outcome(0.8))
    status, out, _ = run("report", "job")
    assert status == 0
    assert out.startswith("# ")
    assert "Gradient Conflict Matrix" in out
    assert "-0.50" in out
    table = [line for line in out.splitlines() if line.startswith("| ") and r"\`x\`" in line]
    assert table
    assert "<b>" not in out.replace(r"\<b", "")
    assert json.loads(run("report", "job", "--json")[1])["text"] == out


def test_a_report_says_what_the_gates_said(fake, run):
    gates = [Gate.parse("learns:summary/worst_progress_ratio>=0.95")]
    finished(fake, "job", outcome(0.5), gates=gates)
    assert "VIOLATED" in run("report", "job")[1]


def test_a_report_of_many_classes_shows_the_largest_and_the_smallest(fake, run):
    classes = {f"c{index:02}": FakeClass(row_count=100 - index) for index in range(40)}
    finished(fake, "job", Succeeds(FakeResult(classes)))
    out = run("report", "job")[1]
    assert "32 of 40 classes" in out
    assert "| c00 |" in out
    assert "| c20 |" not in out


def test_matrices_are_written_of_the_classes_that_are_wanted(fake, run):
    cosines = np.array([[1.0, -0.5], [-0.5, 0.25]])
    flow = np.array([[1.0, 2.0], [3.0, 4.0]])
    matrices = {"shared/cosine": cosines, "layers/flow": flow, "head/gram": np.eye(2)}
    finished(fake, "done", Succeeds(FakeResult(matrices=matrices)))
    found = json.loads(run("matrix", "done", "shared/cosine", "--class=rare", "--json")[1])
    assert (found["rows"], found["columns"], found["elements"]) == (["rare"], ["rare"], [[0.25]])
    out = run("matrix", "done", "layers/flow", "--class=rare", "--class=common")[1]
    assert out == ",rare,common\nfeatures,2.0,1.0\nhead,4.0,3.0\n"
    assert run("matrix", "done", "shared/cosine", "--class=nobody")[0] == 9
    assert run("matrix", "done", "--layers=he*")[1] == "head/gram\n"
    assert run("matrix", "done", "--layers=none")[0] == 9


def test_what_is_given_and_does_not_fit_is_told_in_a_line(fake, run):
    finished(fake, "done", Succeeds())
    for status, arguments in (
        (9, ("result", "done", "--scope=nowhere")),
        (9, ("matrix", "done", "shared/none")),
        (2, (*SUBMISSION, "--attach")),
        (2, ("matrix", "done", "--class=rare")),
        (2, ("matrix", "done", "shared/cosine", "--layers=head")),
        (2, (*SUBMISSION, "--architecture-arguments=[]")),
        (2, ("info", "--context=none")),
        (2, ("check", "--context=none")),
        (2, ("update", "done")),
    ):
        found, _, err = run(*arguments)
        assert found == status, arguments
        assert "Traceback" not in err


def test_update_merges_labels_and_changes_what_it_is_told(fake, run):
    fake.plan(StaysPending())
    with Client(fake.target) as client:
        client.submit(MODEL, DATA, job_id="job", labels={"a": "1", "b": "2"})
    changes = ("--set-label=c=3", "--remove-label=a", "--display-name=new", "--priority=high")
    status, out, _ = run("update", "job", *changes, "--json")
    document = json.loads(out)
    assert (status, document["labels"]) == (0, {"b": "2", "c": "3"})
    assert (document["display_name"], document["priority"]) == ("new", "high")
    assert run("update", "job")[0] == 2
    run("update", "job", "--annotation=run=7", "--ttl=60")
    assert fake.submissions[0].annotations["run"] == "7"


def test_list_asks_for_state_and_monitor(fake, run):
    finished(fake, "one", outcome(0.5))
    fake.plan(StaysPending())
    with Client(fake.target) as client:
        client.submit(MODEL, DATA, job_id="two")
    assert "two" in run("list", "--state=pending")[1]
    assert "one" not in run("list", "--state=pending")[1]
    assert run("list", "--monitor=solar")[1] == ""


def test_check_says_that_all_is_well_and_what_is_not(fake, run):
    status, out, _ = run("check", "--json")
    document = json.loads(out)
    assert (status, document["ok"], document["encrypted"]) == (0, True, False)
    assert document["server"]["limits"]["max_classes"] == 10_000
    assert "ok   permitted" in run("check")[1]
    status, out, _ = run("check", "--target=127.0.0.1:1", "--json")
    assert (status, json.loads(out)["error"]["type"]) == (7, "Unavailable")


def test_check_says_that_a_token_is_missing():
    with FakeService(token="secret") as locked:
        assert cli.main(["check", f"--target={locked.target}"]) == 6


def test_check_says_that_this_client_is_too_old(fake, run, monkeypatch):
    info = Client.server_info

    def newer(self, **_):
        return replace(info(self), minimum_client_version="99.0")

    monkeypatch.setattr(_cli_check.Client, "server_info", newer)
    status, out, _ = run("check")
    assert status == 9
    assert "99.0 or newer" in out


@pytest.mark.parametrize(("shell", "check"), [("bash", "-n"), ("zsh", "-n"), ("fish", "-n")])
def test_completions_are_scripts_that_their_shell_reads(run, shell, check):
    status, out, _ = run("completion", shell)
    assert status == 0
    assert "diff" in out
    if found := shutil.which(shell):
        subprocess.run([found, check], input=out, text=True, check=True, env=os.environ)


def test_the_version_is_told(run):
    status, out, _ = run("--version")
    assert status == 0
    assert out.startswith("gradient-interference ")


def test_errors_of_usage_are_documents_too(run):
    status, out, err = run("get", "job", "--ca=/nowhere.pem", "--json")
    assert (status, err) == (2, "")
    assert "nowhere" in json.loads(out)["error"]["message"]


def test_a_context_says_where_the_service_is(fake, run, monkeypatch, tmp_path):
    monkeypatch.delenv("INTERFERENCE_TARGET")
    path = tmp_path / "contexts.toml"
    path.write_text(f'[contexts.here]\ntarget = "{fake.target}"\n')
    monkeypatch.setenv("INTERFERENCE_CONFIG", str(path))
    assert run("info", "--context=here")[0] == 0
    assert run("info", "--context=there")[0] == 2
