"""``interference-service healthcheck``, against a metrics port."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from interference_service.cli import main
from interference_service.security.metrics_port import open_context
from interference_service.telemetry.exposition import start_exposition
from support.access import Failures
from support.certificates import authority
from support.network_ports import free_port


class Port:
    """Answers probes, over TLS where it is asked to."""

    def __init__(self, monkeypatch, host: str = "127.0.0.1", tls=None) -> None:
        self.reason = ""
        registry = CollectorRegistry()
        probes = {"/healthz": lambda: "", "/readyz": lambda: self.reason}
        self.exposition = start_exposition(host, 0, registry, registry, probes, tls)
        monkeypatch.setenv("INTERFERENCE_TELEMETRY__HOST", host)
        monkeypatch.setenv("INTERFERENCE_TELEMETRY__PORT", str(self.exposition.port))


@pytest.fixture
def port(monkeypatch):
    made = Port(monkeypatch)
    yield made
    made.exposition.close()


def test_a_service_that_lives_and_takes_work_is_well(port, capsys):
    assert main(["healthcheck"]) == 0
    assert main(["healthcheck", "--ready"]) == 0
    assert capsys.readouterr().out == "ok\nok\n"


def test_one_that_takes_no_work_lives_and_says_why(port, capsys):
    port.reason = "not there: store"
    assert main(["healthcheck"]) == 0
    assert main(["healthcheck", "--ready"]) == 1
    assert "/readyz says 503: not there: store" in capsys.readouterr().err


def test_one_that_listens_on_every_interface_is_asked_on_this_machine(monkeypatch):
    made = Port(monkeypatch, "0.0.0.0")
    assert main(["healthcheck"]) == 0
    made.exposition.close()


def test_neither_its_name_nor_a_certificate_of_ours_matters(monkeypatch, tmp_path: Path):
    signer = authority()
    files = signer.server("metrics.example").write(tmp_path, "server")
    authorities = tmp_path / "authorities"
    authorities.write_bytes(signer.pem)
    made = Port(monkeypatch, tls=open_context(*files, authorities, Failures()).current)
    for name, path in zip(("CERTIFICATE", "KEY"), files, strict=True):
        monkeypatch.setenv(f"INTERFERENCE_TELEMETRY__TLS_{name}", str(path))
    assert main(["healthcheck"]) == 0
    made.exposition.close()


def test_a_service_that_does_not_answer_is_not_well(monkeypatch, capsys):
    port = free_port()
    monkeypatch.setenv("INTERFERENCE_TELEMETRY__PORT", str(port))
    assert main(["healthcheck"]) == 1
    assert capsys.readouterr().err == (
        f"interference-service: no answer on 127.0.0.1:{port}: Connection refused\n"
    )


@pytest.mark.parametrize(("port", "told"), [("0", "0 does not say where"), ("high", "integer")])
def test_settings_that_do_not_say_where_it_is_are_told(monkeypatch, capsys, port, told):
    monkeypatch.setenv("INTERFERENCE_TELEMETRY__PORT", port)
    assert main(["healthcheck"]) == 1
    assert told in capsys.readouterr().err
