"""What the READMEs say is what the programs do."""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from interference_client import errors
from interference_client._cli_exit import Exit
from interference_service.core.metrics import CLASS_METRICS, PAIR_METRICS, SUMMARY_METRICS
from interference_service.settings import Settings
from support.readmes import CLIENT, EVERY, README, SERVICE, blocks, prose, rows, section

BROKEN_PIPE, TERMINATED = 141, 143
"""Statuses that a shell sees of processes that a signal has ended."""


def part_of(annotation: Any) -> type[BaseModel] | None:
    """The settings that a field holds, if it holds any."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (dict, tuple):
        return None
    return next((found for each in get_args(annotation) if (found := part_of(each))), None)


def variables(kind: type[BaseModel], prefix: str) -> Iterator[tuple[str, object]]:
    for name, field in kind.model_fields.items():
        variable = f"{prefix}{name.upper()}"
        if part := part_of(field.annotation):
            yield from variables(part, f"{variable}__")
        elif field.is_required():
            yield variable, ...
        else:
            yield variable, field.get_default(call_default_factory=True)


def written(default: object) -> str:
    """A default as the tables have it."""
    match default:
        case bool():
            return f"`{str(default).lower()}`"
        case int() | float():
            return f"`{default:g}`" if default != int(default) else f"`{int(default)}`"
        case tuple() | dict():
            return f"`{json.dumps(list(default) if isinstance(default, tuple) else default)}`"
        case _ if default is ...:
            return "must be set"
        case _:
            # Secrets and paths too: what is empty is not set.
            return f"`{default}`" if default is not None and str(default) else "none"


def test_every_setting_is_told_with_its_default():
    text = section(SERVICE, "Settings")
    told = {cells[0].strip("`"): re.sub(r" \(.*\)$", "", cells[1]) for cells in rows(text)}
    wanted = {name: written(each) for name, each in variables(Settings, "INTERFERENCE_")}
    assert told == wanted


def test_the_exit_statuses_are_those_of_the_command_line():
    _, _, table = CLIENT.read_text("utf-8").partition("| exit status | meaning |\n")
    numbers = re.findall(r"^\| ([\d, ]+) \|", table.partition("\n\n")[0], re.MULTILINE)
    told = [int(each) for line in numbers for each in line.split(",")]
    assert sorted(told) == sorted({*Exit, BROKEN_PIPE, TERMINATED})


def test_the_tree_of_errors_is_that_of_the_module():
    (tree,) = blocks(section(CLIENT, "Errors"), "text")
    assert [line.strip() for line in tree.split("\n") if line] == [
        line.strip()
        for line in str(errors.__doc__).split("::\n\n")[1].split("\n\nAll of")[0].split("\n")
    ]


def test_the_subjects_of_gates_are_those_of_the_registry():
    text = section(CLIENT, "Gates")
    assert set(re.findall(r"`summary/(\w+)`", text)) == set(SUMMARY_METRICS)
    scalars, matrices = (line for line in text.split("\n") if line.startswith("| `shared/"))
    of_a_class = set(re.findall(r"`(\w+)`", scalars)) - {"shared", "all"}
    assert of_a_class == set(CLASS_METRICS)
    named = set(re.findall(r"`(\w+)`", matrices)) | {"cosine"}
    assert named == set(PAIR_METRICS)


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.parent.name)
def test_no_row_stands_outside_a_table(path: Path):
    tables = re.findall(r"(?:^\|.*\n)+", "\n".join([*prose(path), ""]), re.MULTILINE)
    assert tables
    for table in tables:
        head, rule, *others = table.splitlines()
        assert re.fullmatch(r"(\| -+ )+\|", rule), head
        assert others, head


def test_no_paragraph_is_said_twice():
    lines = [line for path in EVERY for line in prose(path)]
    said = Counter(line for line in lines if len(line) > 60)
    assert [line for line, times in said.items() if times > 1] == []


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.parent.name)
def test_every_link_leads_somewhere(path: Path):
    for target in re.findall(r"\]\(([^)]+)\)", "\n".join(prose(path))):
        name, _, anchor = target.partition("#")
        if name.startswith("https:"):
            continue
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


def anchors(path: Path) -> set[str]:
    """What the headings of a file are called in links."""
    titles = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.parent.name)
def test_examples_in_python_are_python(path: Path):
    for example in blocks(path.read_text("utf-8"), "python"):
        ast.parse(example)


def test_the_first_readme_leads_to_the_others():
    text = README.read_text("utf-8")
    assert "(service/README.md)" in text
    assert "(client/README.md)" in text
    assert "(service/README.md#mutual-tls-on-one-machine)" in text
