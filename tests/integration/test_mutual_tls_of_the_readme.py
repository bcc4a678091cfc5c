"""From nothing to mutual TLS with tokens by what the README says, and by nothing else."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.network_ports import free_port
from support.readmes import SERVICE, blocks, section
from support.service import FEW_RESOURCES
from support.waiting import eventually

BASH = ("bash", "-euo", "pipefail", "-c")
NOT_PERMITTED, UNREACHABLE = 6, 7


class Shell:
    """Somebody at a terminal, with a home of their own."""

    def __init__(self, home: Path) -> None:
        self.port, self.metrics = free_port(), free_port()
        self._home = home
        own = {
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "INTERFERENCE_PORT": str(self.port),
            "INTERFERENCE_TELEMETRY__PORT": str(self.metrics),
        }
        self._environment = os.environ | FEW_RESOURCES | own

    def run(self, block: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*BASH, self._on_free_port(block)],
            env=self._environment,
            cwd=self._home,
            capture_output=True,
            text=True,
            timeout=200,
        )

    @contextmanager
    def running(self, block: str) -> Iterator[None]:
        """While the last command of a block runs."""
        log = self._home / "service.log"
        served = block.replace("\ninterference-service serve", "\nexec interference-service serve")
        assert served != block
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*BASH, served], env=self._environment, cwd=self._home, stdout=output, stderr=output
            )
        try:
            eventually(lambda: process.poll() is not None or self._ready(), within_seconds=150)
            assert process.poll() is None, log.read_text()
            yield
        finally:
            process.terminate()
            process.wait(60)

    def _ready(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.metrics}/readyz"
            return urllib.request.urlopen(url, timeout=5).status == 200
        except OSError:
            return False

    def _on_free_port(self, block: str) -> str:
        return block.replace("localhost:50051", f"localhost:{self.port}")


@pytest.mark.timeout(600)
def test_a_new_user_comes_to_mutual_tls_with_tokens(tmp_path: Path):
    text = section(SERVICE, "Mutual TLS on one machine")
    certificates, token, service, client, refused = blocks(text, "bash")
    shell = Shell(tmp_path)
    for block in (certificates, token):
        done = shell.run(block)
        assert done.returncode == 0, done.stderr
    with shell.running(service):
        done = shell.run(client)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "succeeded" in (done.stdout + done.stderr).lower()
        asked = client.partition("interference check")[0]
        without_token, without_certificate = refused.splitlines()
        assert shell.run(asked + without_token).returncode == NOT_PERMITTED
        assert shell.run(asked + without_certificate).returncode == UNREACHABLE
    home = tmp_path / "interference"
    audit = (home / "audit.jsonl").read_text()
    assert "refusal" in audit
    assert "solar-pipeline" in audit
    assert (home / "server.key").stat().st_mode & 0o077 == 0
