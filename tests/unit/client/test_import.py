"""Importing the client brings nothing heavy."""

import json
import subprocess
import sys


def imported_by(statement: str) -> set[str]:
    script = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_the_client_imports_no_heavy_library():
    heavy = {"torch", "ray", "pydantic", "pyarrow", "sqlalchemy", "scipy", "pandas", "matplotlib"}
    found = imported_by("import interference_client, interference_client.aio")
    assert not found & (heavy | {"rich", "interference_service"})


def test_the_command_line_imports_rich_only_to_draw():
    assert "rich" not in imported_by("import interference_client.cli")
