"""What each command does; returns its exit status."""

import argparse
import csv
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from itertools import islice

import numpy as np

from interference_client import _cli_exit as exits
from interference_client._cli_exit import Exit
from interference_client._cli_output import Output
from interference_client._cli_specification import specification
from interference_client._client import Client, Job
from interference_client._requests import Submission

Command = Callable[[Client, argparse.Namespace, Output], int]


def submit(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Submit a job, and wait for it if told to."""
    submission = Submission(
        job_id=arguments.job_id,
        if_exists="attach" if arguments.attach else "error",
        display_name=arguments.display_name,
        labels=dict(arguments.set_label),
        annotations=dict(arguments.annotation),
        priority=arguments.priority,
        validate_only=arguments.validate_only,
    )
    if arguments.ttl:
        submission["ttl"] = timedelta(seconds=arguments.ttl)
    job = client.submit_specification(specification(arguments), **submission)
    if arguments.validate_only:
        output.validated(job.snapshot)
        return Exit.PASSED
    if arguments.wait:
        return _wait(job, arguments, output)
    output.document(job.snapshot.to_dict(), job.name)
    return Exit.PASSED


def wait(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Wait for the end of a job."""
    return _wait(client.job(arguments.job), arguments, output)


def _wait(job: Job, arguments: argparse.Namespace, output: Output) -> int:
    try:
        job.wait(timeout=arguments.timeout, progress=True, check=False)
    except KeyboardInterrupt:
        if arguments.cancel_on_interrupt:
            job.cancel("interrupted")
            output.note(f"{job.name} was cancelled")
        else:
            output.note(f"{job.name} goes on")
        return Exit.INTERRUPTED
    output.job(job.snapshot)
    return exits.of_job(job.snapshot)


def watch(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Write every event of a job until its end."""
    job = client.job(arguments.job)
    for event in job.events(timeout=arguments.timeout):
        output.event(event)
    return exits.of_job(job.snapshot)


def get(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Write a job as it is."""
    output.job(client.job(arguments.job).snapshot)
    return Exit.PASSED


def list_jobs(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Write the jobs of the project, a line each."""
    jobs = client.list(
        arguments.filter, order_by=arguments.order_by, page_size=min(arguments.limit, 200)
    )
    for job in islice(jobs, arguments.limit):
        output.jobs_line(job.snapshot)
    return Exit.PASSED


def cancel(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Ask for the end of a job."""
    output.job(client.job(arguments.job).cancel(arguments.reason).snapshot)
    return Exit.PASSED


def delete(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Remove a job and its result."""
    name = client.name_of(arguments.job)
    client.delete(name, allow_missing=arguments.allow_missing)
    output.document({"deleted": name}, f"{name} is deleted")
    return Exit.PASSED


def result(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Write the result of a job."""
    found = client.job(arguments.job).result()
    if output.json:
        output.document(found.to_dict(), "")
        return Exit.PASSED
    from rich.console import Console

    from interference_client._render import render_result

    render_result(found, Console(), scope=arguments.scope, plain=arguments.plain)
    return Exit.PASSED


def matrix(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Write one matrix: as CSV, as JSON, or to a NumPy file."""
    found = client.job(arguments.job).result()
    if arguments.id is None:
        output.document(list(found.matrix_ids), "\n".join(found.matrix_ids))
        return Exit.PASSED
    elements = found.matrix(arguments.id)
    rows = list(found.layers) if arguments.id.startswith("layers/") else list(found.class_names)
    if arguments.out is not None:
        with arguments.out.open("wb") as file:
            np.save(file, elements)
        output.note(f"{arguments.id} is in {arguments.out}")
    elif output.json:
        document = {"id": arguments.id, "rows": rows, "columns": list(found.class_names)}
        output.document(document | {"elements": elements.tolist()}, "")
    else:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["", *found.class_names])
        writer.writerows([name, *row] for name, row in zip(rows, elements.tolist(), strict=True))
    return Exit.PASSED


def gate(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Wait for a job and write what its gates say; a job without gates has no verdict."""
    job = client.job(arguments.job)
    job.wait(timeout=arguments.timeout, progress=True, check=False)
    if job.state != "SUCCEEDED":
        output.job(job.snapshot)
        return exits.of_job(job.snapshot)
    output.verdict(job.snapshot)
    verdict = job.verdict
    return exits.of_outcome(verdict.outcome if verdict and verdict.gates else "")


def info(client: Client, arguments: argparse.Namespace, output: Output) -> int:  # noqa: ARG001
    """Write what the service is and can do."""
    found = client.server_info()
    lines = [f"version {found.version}, engine {found.engine_version}"]
    lines.append(f"capabilities: {', '.join(found.capabilities) or 'none'}")
    lines += [f"{name}: {value:g}" for name, value in found.limits.items()]
    output.document(asdict(found), "\n".join(lines))
    return Exit.PASSED
