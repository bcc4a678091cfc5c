"""A result as its readers use it."""

import io
import json
import math
import re

import numpy as np
import pytest
from rich.console import Console

from interference_client import Estimate, Result
from interference_client._render import UNDETERMINED, render_result
from interference_service.domain.result import AnalysisResult
from interference_service.rpc.convert_result import result_to_wire
from support.domain_examples import CLASSES, analysis_result, result_matrices

NAME = "projects/default/analysisJobs/nightly"


def result_of(analysis: AnalysisResult, matrices=None) -> Result:
    known = result_matrices() if matrices is None else matrices
    return Result(
        result_to_wire(NAME, analysis),
        lambda ids, *_: ((each, known[each]) for each in ids or known),
    )


@pytest.fixture
def analysis() -> AnalysisResult:
    return analysis_result()


@pytest.fixture
def result(analysis) -> Result:
    return result_of(analysis)


def test_classes_have_their_names_shares_and_flags(analysis, result):
    assert result.class_names == CLASSES
    for info in analysis.classes:
        found = result.classes[info.id]
        assert (found.prior, found.rows_used, found.minority) == (
            info.prior,
            info.rows_used,
            info.minority,
        )
        assert found.flags == tuple(flag.value.removeprefix("CLASS_FLAG_") for flag in info.flags)


def test_why_no_more_rows_were_used_is_told(analysis, result):
    assert result.sampling_outcome == analysis.method.sampling_outcome == "single_round"


def test_every_metric_of_every_class_is_an_estimate(analysis, result):
    (shared,) = (scope for scope in analysis.scopes if scope.id == "shared")
    for column in shared.metrics:
        for index, name in enumerate(CLASSES):
            found = result.classes[name].metric(column.name)
            np.testing.assert_equal(found.value, column.values[index])


def test_a_metric_that_the_service_does_not_have_is_undetermined(result):
    assert not result.classes[CLASSES[0]].metric("invented").determined


def test_the_previous_analysis_is_told_with_what_has_changed_since(analysis, result):
    found, told = result.previous, analysis.previous
    assert (found.job, found.version, found.end_time) == (
        told.analysis_job,
        "v6",
        told.end_time,
    )
    assert found.change(CLASSES[1], "progress_ratio") == Estimate(-0.25, -0.5, 0.125)
    for name, metric in ((CLASSES[0], "progress_ratio"), ("nobody", "progress_ratio")):
        assert not found.change(name, metric).determined
    assert not found.change(CLASSES[1], "suppression").determined
    assert found.differing_fields == ("options.head",)
    document = result.to_dict()["previous"]
    assert document["changes"][CLASSES[0]]["progress_ratio"]["value"] is None


def test_the_first_analysis_has_none_before_it(analysis):
    first = result_of(analysis.model_copy(update={"previous": None}))
    assert first.previous is None
    assert first.to_dict()["previous"] is None


def test_a_streak_is_told_of_every_class(result):
    assert [each.unlearned_streak for each in result.classes.values()] == [0, 0, 4]


def test_people_are_shown_how_often_a_class_was_unlearned_and_how_it_has_changed(analysis):
    matrices = cosine_example()
    analysis = analysis.model_copy(update={"matrices": infos(analysis, matrices)})
    text = rendered(result_of(analysis, matrices), width=160)
    assert "unlearned, 4 in a row" in text
    assert "-0.25 [-0.50, +0.12]" in text
    first = analysis.model_copy(update={"previous": None})
    assert "change" not in rendered(result_of(first, matrices), width=160)


def test_a_scope_that_is_not_there_is_an_error(result):
    with pytest.raises(KeyError):
        result.classes_in("layer9")


def test_the_result_becomes_json_without_nan(result):
    text = json.dumps(result.to_dict(), allow_nan=False)
    assert json.loads(text)["name"] == f"{NAME}/result"


def rendered(result: Result, width: int = 120, **changes) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    render_result(result, console, **changes)
    return console.file.getvalue()


def cosine_example() -> dict[str, np.ndarray]:
    """One entry conflicts clearly, one is unsure, one is undetermined."""
    cosine = np.array([[1, -0.5, 0.1], [-0.5, 1, math.nan], [0.1, math.nan, 1]])
    return {
        "shared/cosine": cosine,
        "shared/plain_cosine": cosine / 2,
        "shared/lower": cosine - 0.3,
        "shared/upper": cosine + 0.3,
    }


def test_the_matrix_tells_clear_unsure_and_undetermined_entries_apart(analysis):
    matrices = cosine_example()
    result = result_of(
        analysis.model_copy(update={"matrices": infos(analysis, matrices)}), matrices
    )
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system="standard")
    render_result(result, console)
    text = console.file.getvalue()
    assert re.search(r"\x1b\[1;31m *-0\.50\*", text)
    assert re.search(r"\x1b\[2;34m *\+0\.10", text)
    assert UNDETERMINED in text


def test_the_plain_matrix_is_the_published_one(analysis):
    matrices = cosine_example()
    result = result_of(
        analysis.model_copy(update={"matrices": infos(analysis, matrices)}), matrices
    )
    assert "-0.25" in rendered(result, plain=True)


@pytest.mark.parametrize("name", ["[red]{}[/]", "[/x]{}", "[bold"])
def test_names_are_printed_as_they_are_written(analysis, name):
    matrices = cosine_example()
    classes = tuple(
        each.model_copy(update={"id": name.format(index), "minority": True})
        for index, each in enumerate(analysis.classes)
    )
    changes = {"matrices": infos(analysis, matrices), "classes": classes}
    text = rendered(result_of(analysis.model_copy(update=changes), matrices))
    assert text.count(name.format(0)) >= 2


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("size", [2, 10, 40, 1000])
def test_a_table_fits_the_console_and_keeps_every_row_known(size, width):
    analysis = analysis_result(size)
    classes = tuple(
        each.model_copy(update={"id": f"Hot-Spot-Multi {index}", "minority": True})
        for index, each in enumerate(analysis.classes)
    )
    matrices = dict.fromkeys(
        ("shared/cosine", "shared/lower", "shared/upper"), np.full((size, size), -0.5)
    )
    changes = {"matrices": infos(analysis, matrices), "classes": classes}
    result = result_of(analysis.model_copy(update=changes), matrices)
    console = Console(file=io.StringIO(), width=width, color_system=None)
    render_result(result, console)
    lines = console.file.getvalue().splitlines()
    assert len(lines) < 80
    assert all(len(line.rstrip()) <= width for line in lines)
    rows = [line for line in lines if re.match(r" *\d+\.\d% ", line)]
    assert all("Hot-Spot" in row and "…" not in row.split("Hot-Spot")[0] for row in rows)
    assert all(row.count("-0.50") >= 1 for row in rows)


def infos(analysis: AnalysisResult, matrices) -> tuple:
    (like, *_) = analysis.matrices
    return tuple(like.model_copy(update={"id": name}) for name in matrices)
