"""What the checks have found, for people and for machines."""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict

from interference_service.diagnosis.catalogue import checks_of
from interference_service.diagnosis.check import Finding, Outcome, findings
from interference_service.lifecycle.deadline import Deadline
from interference_service.settings import Settings
from interference_service.telemetry.logs import configure_logging

_LEAVE_SECONDS = 30.0


def report(settings: Settings, *, cluster: bool, ports: bool, as_json: bool) -> bool:
    """Look, and tell what was found on standard output; returns whether all is well.

    Args:
        settings: The configuration.
        cluster: See ``checks_of``.
        ports: See ``checks_of``.
        as_json: One JSON document at the end, in place of a line a check.
    """
    configure_logging("ERROR", json=settings.telemetry.log_json)
    well = Finding("configuration", Outcome.OK, "every variable fits")
    with checks_of(settings, cluster=cluster, ports=ports) as checks:
        found = _told([well], as_json) + _told(findings(checks), as_json)
        if as_json:
            tell_document(found)
        # What hangs must not keep the process from its end.
        Deadline().arm(_LEAVE_SECONDS)
    return all(each.outcome is not Outcome.FAILED for each in found)


def _told(found: Iterable[Finding], as_json: bool) -> list[Finding]:
    told = []
    for each in found:
        if not as_json:
            tell_line(each)
        told.append(each)
    return told


def tell_line(finding: Finding) -> None:
    """Write a finding for people."""
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    sys.stdout.write(f"{finding.outcome.value:8}{finding.name}: {finding.text}{remedy}\n")
    sys.stdout.flush()


def tell_document(found: Iterable[Finding]) -> None:
    """Write findings for machines."""
    checks = [asdict(each) | {"outcome": each.outcome.value} for each in found]
    well = all(each["outcome"] != Outcome.FAILED.value for each in checks)
    sys.stdout.write(json.dumps({"well": well, "checks": checks}, indent=2) + "\n")
    sys.stdout.flush()
