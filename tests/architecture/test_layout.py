"""What the layout of the project promises."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("folder", ["proto", "service", "client", "tests"])
def test_a_source_root_is_no_package(folder):
    assert not (ROOT / folder / "__init__.py").exists()


def modules_after(statement: str) -> set[str]:
    code = f"{statement}; import sys; print(*sys.modules, sep='\\n')"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout.split()
    )


def test_the_client_brings_neither_torch_nor_ray():
    heavy = {"torch", "ray", "sqlalchemy", "pydantic", "interference_service", "rich", "pandas"}
    assert not modules_after("import interference_client, interference_client.aio") & heavy


def test_the_command_line_imports_rich_only_to_draw():
    assert "rich" not in modules_after("import interference_client.cli")


def test_the_command_line_imports_torch_only_to_export():
    assert "torch" not in modules_after("import interference_client.cli")


def test_the_process_that_answers_requests_has_no_torch():
    assert "torch" not in modules_after("import interference_service.main")


@pytest.mark.parametrize("module", ["interference_service.main", "interference_client"])
def test_nobody_pays_for_traces_who_wants_none(module):
    assert not [each for each in modules_after(f"import {module}") if "opentelemetry" in each]


def test_no_module_but_the_settings_reads_the_environment():
    readers = [
        path.relative_to(ROOT / "service/interference_service").as_posix()
        for path in (ROOT / "service/interference_service").rglob("*.py")
        if "os.environ" in path.read_text() or "getenv" in path.read_text()
    ]
    # Ray, torch and transformers take theirs from the environment alone; the demo hands one to its
    # server; and what workers must not have is taken out of theirs.
    assert set(readers) <= {
        "settings/__init__.py",
        "settings/parts.py",
        "compute/cluster.py",
        "compute/secrets.py",
        "demo/server.py",
        "references/models/hugging_face_network.py",
        "references/models/saved.py",
    }


def test_the_generated_modules_are_committed_beside_the_contract():
    protos = list((ROOT / "proto/interference/v1").glob("*.proto"))
    assert protos
    for proto in protos:
        assert proto.with_name(f"{proto.stem}_pb2.py").exists()
        assert proto.with_name(f"{proto.stem}_pb2.pyi").exists()


def test_modules_are_small_enough_to_hold_in_the_head():
    modules = [
        path for root in ("service", "client", "tests") for path in (ROOT / root).rglob("*.py")
    ]
    assert modules
    long = {
        str(path.relative_to(ROOT)) for path in modules if len(path.read_text().splitlines()) > 300
    }
    assert long == set()
