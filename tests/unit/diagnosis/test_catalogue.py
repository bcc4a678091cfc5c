"""Which checks a configuration has, and what those of a cluster say at once."""

from pathlib import Path

import pytest

from interference_service.compute.settings import ComputeSettings
from interference_service.diagnosis.catalogue import checks_of
from interference_service.diagnosis.check import Outcome, Unwell, findings
from interference_service.diagnosis.remote import ClusterCheck
from interference_service.settings import Settings
from support.network_ports import free_port


def test_what_keeps_the_service_from_starting_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    gone = str(tmp_path / "gone" / "file")
    for name, value in {
        "STATE_DIRECTORY": str(tmp_path / "state"),
        "AUDIT__FILE": gone,
        "SECURITY__CERTIFICATE": gone,
        "SECURITY__KEY": gone,
        "SECURITY__ACCESS_FILE": gone,
        "SECURITY__OIDC__ISSUER": "https://issuer.example",
        "SECURITY__OIDC__AUDIENCE": "interference",
        "SECURITY__OIDC__KEYS_FILE": gone,
        "TELEMETRY__TLS_CERTIFICATE": gone,
        "TELEMETRY__TLS_KEY": gone,
    }.items():
        monkeypatch.setenv(f"INTERFERENCE_{name}", value)
    with checks_of(Settings(), cluster=False, ports=False) as checks:
        found = {each.name: each for each in findings(checks)}
    failed = {name for name, each in found.items() if each.outcome is Outcome.FAILED}
    assert failed == {
        "certificate",
        "metrics certificate",
        "access file",
        "issuer keys",
        "audit file",
    }
    assert found["results"].outcome is Outcome.OK
    assert "INTERFERENCE_AUDIT__FILE" in found["audit file"].remedy
    assert "TELEMETRY__TLS_CERTIFICATE" in found["metrics certificate"].remedy


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_cluster_that_nobody_listens_for_is_told_at_once(host):
    check = ClusterCheck(ComputeSettings(address=f"{host}:{free_port()}"), {})
    with pytest.raises(Unwell, match="cannot be reached: ") as caught:
        check.look()
    assert "INTERFERENCE_RAY_ADDRESS" in caught.value.remedy
