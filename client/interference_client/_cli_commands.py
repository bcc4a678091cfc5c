"""Commands that make jobs and follow them; each returns its exit status."""

import argparse
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from itertools import islice

from interference_client import _cli_exit as exits
from interference_client._cli_exit import Exit
from interference_client._cli_mistakes import Mistake, as_given
from interference_client._cli_output import Output
from interference_client._cli_signals import ended_by
from interference_client._cli_specification import specification
from interference_client._client import Client, Job
from interference_client._requests import Changes, Submission

_CANCEL_SECONDS = 8.0

Command = Callable[[Client, argparse.Namespace, Output], int]


def submit(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Submit a job, and wait for it if told to."""
    if arguments.attach and not arguments.job_id:
        raise Mistake("--attach takes the job of --job-id, which is missing")
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
    with as_given():
        wanted = specification(arguments)
    job = client.submit_specification(wanted, **submission)
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
    def wait() -> None:
        output.note(f"waiting for {job.name}")
        job.wait(timeout=arguments.timeout, progress=True, check=False)

    ending = ended_by(wait)
    if ending is None:
        output.job(job.snapshot)
        return exits.of_job(job.snapshot)
    if arguments.cancel_on_interrupt:
        # Who ends this process does not wait long for it.
        job.cancel("interrupted", timeout=_CANCEL_SECONDS)
        output.note(f"{job.name} is being cancelled")
    else:
        output.note(f"{job.name} goes on")
    return _ended(ending)


def _ended(by: signal.Signals) -> int:
    return Exit.TERMINATED if by is signal.SIGTERM else Exit.INTERRUPTED


def watch(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Write every event of a job until its end."""
    job = client.job(arguments.job)

    def follow() -> None:
        for event in job.events(timeout=arguments.timeout):
            output.event(event)

    ending = ended_by(follow)
    return exits.of_job(job.snapshot) if ending is None else _ended(ending)


def get(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Write a job as it is."""
    output.job(client.job(arguments.job).snapshot)
    return Exit.PASSED


def list_jobs(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Write the jobs of the project, a line each."""
    jobs = client.list(
        arguments.filter,
        state=arguments.state,
        monitor=arguments.monitor,
        order_by=arguments.order_by,
        page_size=min(arguments.limit, 200),
    )
    for job in islice(jobs, arguments.limit):
        output.jobs_line(job.snapshot)
    return Exit.PASSED


def cancel(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Ask for the end of a job."""
    output.job(client.job(arguments.job).cancel(arguments.reason).snapshot)
    return Exit.PASSED


def update(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Change what may be changed of a job."""
    job = client.job(arguments.job)
    changes = Changes()
    if arguments.display_name is not None:
        changes["display_name"] = arguments.display_name
    if arguments.set_label or arguments.remove_label:
        changes["labels"] = _changed(
            job.snapshot.labels, arguments.set_label, arguments.remove_label
        )
    if arguments.annotation:
        changes["annotations"] = _changed(job.snapshot.annotations, arguments.annotation, [])
    if arguments.priority is not None:
        changes["priority"] = arguments.priority
    if arguments.ttl is not None:
        changes["ttl"] = timedelta(seconds=arguments.ttl)
    if not changes:
        raise Mistake("there is nothing to change; see interference update --help")
    output.job(job.update(**changes).snapshot)
    return Exit.PASSED


def _changed(
    known: Mapping[str, str], added: Sequence[tuple[str, str]], removed: Sequence[str]
) -> dict[str, str]:
    """The service takes all labels at once; the etag of the job keeps changes of others."""
    return {key: value for key, value in known.items() if key not in removed} | dict(added)


def delete(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Remove a job and its result."""
    name = client.name_of(arguments.job)
    client.delete(name, allow_missing=arguments.allow_missing)
    output.document({"deleted": name}, f"{name} is deleted")
    return Exit.PASSED
