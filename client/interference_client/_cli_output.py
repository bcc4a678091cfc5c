"""What the command line writes: documents to standard output, everything else to standard error."""

import json
import sys
from dataclasses import asdict
from typing import Any

from interference_client.errors import InterferenceError
from interference_client.values import (
    JobSnapshot,
    Progress,
    ResolvedInputs,
    Verdict,
    json_ready,
)


class Output:
    """Lines for people, or JSON documents for programs."""

    def __init__(self, *, json_lines: bool) -> None:
        self.json = json_lines

    def document(self, document: Any, text: str) -> None:
        """Write one document, or the text that stands for it."""
        line = json.dumps(json_ready(document), ensure_ascii=False) if self.json else text
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Write for people, whatever the form of documents."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def job(self, job: JobSnapshot) -> None:
        """Write a job."""
        self.document(job.to_dict(), _job_text(job))

    def validated(self, job: JobSnapshot) -> None:
        """Write what a job would read that was validated."""
        found = job.resolved_inputs
        document = {"valid": True, "resolved_inputs": asdict(found) if found else None}
        self.document(document, "\n".join(["valid", *(_resolved_lines(found) if found else ())]))

    def event(self, event: JobSnapshot | Progress) -> None:
        """Write an event of a watch."""
        if isinstance(event, JobSnapshot):
            self.document({"snapshot": event.to_dict()}, _job_line(event))
        else:
            units = f"{event.completed_units}/{event.total_units}" if event.total_units else ""
            self.document({"progress": asdict(event)}, f"{event.stage.lower()} {units}".rstrip())

    def jobs_line(self, job: JobSnapshot) -> None:
        """Write a job of a list."""
        self.document(job.to_dict(), _job_line(job))

    def verdict(self, name: str, verdict: Verdict | None) -> None:
        """Write what gates say of a job."""
        document = {"name": name, "verdict": asdict(verdict) if verdict else None}
        self.document(document, _verdict_text(verdict))

    def failure(self, error: BaseException, text: str) -> None:
        """Write what went wrong here, and not with the service."""
        if self.json:
            self.document({"error": {"type": type(error).__name__, "message": text}}, "")
        else:
            self.note(f"error: {text}")

    def error(self, error: InterferenceError) -> None:
        """Write an error: for programs to standard output, for people to standard error."""
        if self.json:
            self.document({"error": error_document(error)}, "")
            return
        lines = [f"error: {error}"]
        lines += [f"  {each.field}: {each.description}" for each in error.violations]
        if error.request_id:
            lines.append(f"  (request {error.request_id})")
        self.note("\n".join(lines))


def error_document(error: InterferenceError) -> dict[str, Any]:
    """An error for programs."""
    return {
        "type": type(error).__name__,
        "message": str(error),
        "reason": error.reason,
        "violations": [asdict(each) for each in error.violations],
        "metadata": error.metadata,
        "request_id": error.request_id,
        "retry_after_seconds": error.retry_after_seconds,
    }


def limit_text(value: float | str) -> str:
    """A limit of the service for people."""
    return value if isinstance(value, str) else f"{value:,.15g}"


def _job_line(job: JobSnapshot) -> str:
    created = job.create_time.isoformat(timespec="seconds") if job.create_time else "-"
    outcome = job.verdict.outcome if job.verdict and job.verdict.gates else ""
    parts = (job.name, f"{job.state:<10}", created, job.monitor, job.version, outcome)
    return "  ".join(part for part in parts if part).rstrip()


def _job_text(job: JobSnapshot) -> str:
    lines = [_job_line(job)]
    if job.state == "RUNNING":
        done = f"{job.progress.completed_units}/{job.progress.total_units}"
        lines.append(f"  {job.progress.stage.lower()} {done}, attempt {job.attempt}")
    if job.error is not None:
        lines.append(f"  {job.error.reason}: {job.error.message}")
        lines += [f"  {each.field}: {each.description}" for each in job.error.violations]
    if job.resolved_inputs is not None:
        lines += _resolved_lines(job.resolved_inputs)
    if job.verdict is not None and job.verdict.gates:
        lines.append(_verdict_text(job.verdict))
    return "\n".join(lines)


def _resolved_lines(found: ResolvedInputs) -> list[str]:
    version = f" (version {found.model_version})" if found.model_version else ""
    used = f" ({found.rows_used} used)" if found.rows_used else ""
    lines = [
        f"  model {found.model_uri}{version} {found.model_digest}",
        f"  data {found.data_digest}",
        f"  {found.row_count} rows{used}, {found.class_count or 'unknown'} classes, "
        f"{found.layer_count} layers",
    ]
    return lines + [f"  input {name}: {json.dumps(each)}" for name, each in found.inputs.items()]


def _verdict_text(verdict: Verdict | None) -> str:
    if verdict is None or not verdict.gates:
        return "no gates, so no verdict"
    return "\n".join(f"{each.outcome:<12} {each.id}: {each.explanation}" for each in verdict.gates)
