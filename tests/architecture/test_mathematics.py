"""What the mathematics promises of its code: short functions that say which section they compute."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "service/interference_service/core"
MODULES = sorted(CORE.rglob("*.py"))
ENGINES = ("gradients.py", "homogeneous.py", "segmented/")
"""How gradients are had; many of their functions handle tensors, and compute no section."""
SECTIONS = set(re.findall(r"^## (\d+)\. ", (CORE / "README.md").read_text(), re.MULTILINE))
CITATION = re.compile(r"Mathematics §+(\d+(?:[-, ]+\d+)*)")
LONGEST_FUNCTION = 40

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(module: Path) -> str:
    return module.relative_to(CORE).as_posix()


def public_functions(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names with what their docstrings say; a method may leave the section to its class."""
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            text = ast.get_docstring(node) or ""
            methods = node.body if isinstance(node, ast.ClassDef) else []
            if isinstance(node, Function):
                yield node.name, text
            for method in methods:
                if isinstance(method, Function) and not method.name.startswith("_"):
                    yield f"{node.name}.{method.name}", text + (ast.get_docstring(method) or "")


def is_engine(module: Path) -> bool:
    return name_of(module).startswith(ENGINES)


@pytest.mark.parametrize("module", [m for m in MODULES if not is_engine(m)], ids=name_of)
def test_every_public_function_cites_the_section_that_it_computes(module):
    functions = public_functions(ast.parse(module.read_text()))
    assert [name for name, text in functions if not CITATION.search(text)] == []


def test_every_engine_says_which_section_it_computes():
    for engine in ("gradients.py", "homogeneous.py", "segmented/__init__.py"):
        assert CITATION.search((CORE / engine).read_text()), engine


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_every_section_cited_is_in_the_mathematics(module):
    cited = {n for found in CITATION.findall(module.read_text()) for n in re.findall(r"\d+", found)}
    assert cited <= SECTIONS


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_no_function_is_longer_than_a_screen(module):
    tree = ast.parse(module.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    lengths = {each.name: (each.end_lineno or 0) - each.lineno + 1 for each in functions}
    assert {name for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == set()
