"""Commands that read what jobs have found."""

import argparse
import csv
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from interference_client import _cli_exit as exits
from interference_client._cli_exit import Exit
from interference_client._cli_mistakes import Mistake, as_given
from interference_client._cli_output import Output, limit_text
from interference_client._client import Client
from interference_client._report import REPORTS
from interference_client._tables import changes
from interference_client.comparison import UNDETERMINED

_FORMATS = {".html": "html", ".htm": "html"}


def result(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Write the result of a job."""
    found = client.job(arguments.job).result()
    if output.json:
        output.document(found.to_dict(), "")
        return Exit.PASSED
    from rich.console import Console

    from interference_client._render import render_result

    with as_given():
        found.conflict(arguments.scope, plain=arguments.plain)  # it is kept
    render_result(found, Console(), scope=arguments.scope, plain=arguments.plain)
    return Exit.PASSED


def matrix(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Write one matrix: as CSV, as JSON, or to a NumPy file; without an id list them."""
    if arguments.id is None and arguments.classes:
        raise Mistake("--class needs the id of a matrix")
    if arguments.id is not None and arguments.layers:
        raise Mistake("--layers lists matrices; leave it out beside the id of one")
    found = client.job(arguments.job).result()
    if arguments.id is None:
        with as_given():
            ids = found.ids_in(arguments.layers) if arguments.layers else list(found.matrix_ids)
        output.document(ids, "\n".join(ids))
        return Exit.PASSED
    with as_given():
        elements = found.matrix(arguments.id, classes=arguments.classes)
    columns = arguments.classes or list(found.class_names)
    rows = list(found.layers) if arguments.id.startswith("layers/") else columns
    document = {"id": arguments.id, "rows": rows, "columns": columns}
    if arguments.out is not None:
        with arguments.out.open("wb") as file:
            np.save(file, elements)
        _written(arguments.out, output, document, arguments.id)
    elif output.json:
        output.document(document | {"elements": elements.tolist()}, "")
    else:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["", *columns])
        writer.writerows([name, *row] for name, row in zip(rows, elements.tolist(), strict=True))
    return Exit.PASSED


def gate(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Wait for a job and write what its gates say, or those that are given here."""
    job = client.job(arguments.job)
    job.wait(timeout=arguments.timeout, progress=True, check=False)
    if job.state != "SUCCEEDED":
        output.job(job.snapshot)
        return exits.of_job(job.snapshot)
    verdict = job.result().judge(arguments.gate) if arguments.gate else job.verdict
    output.verdict(job.name, verdict)
    return exits.of_outcome(verdict.outcome if verdict and verdict.gates else "")


def diff(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Write what got worse and better from one job's result to another's.

    Ends with 1 if a minority got worse or one that is new is unlearned, with 8 if one cannot be
    compared.
    """
    before, after = (client.job(each).result() for each in (arguments.before, arguments.after))
    found = after.compare(before, tolerance=arguments.tolerance)
    if output.json:
        output.document(found.to_dict(), "")
        return exits.of_comparison(found.outcome)
    from rich.console import Console

    from interference_client._render import render_table

    render_table(changes(found), Console())
    gone = dict.fromkeys(found.removed_minorities, UNDETERMINED)
    for what, names, known in (
        ("removed", found.removed, gone),
        ("added", found.added, found.added_minorities),
    ):
        if names:
            told = (
                f"{each} (minority, {known[each]})" if each in known else each for each in names
            )
            output.document(None, f"{what}: {', '.join(told)}")
    output.document(None, found.outcome)
    return exits.of_comparison(found.outcome)


def report(client: Client, arguments: argparse.Namespace, output: Output) -> int:
    """Write a result as one file for people: Markdown, or HTML with a picture of the matrix."""
    job = client.job(arguments.job)
    suffix = arguments.out.suffix.lower() if arguments.out else ""
    kind = arguments.format or _FORMATS.get(suffix, "markdown")
    text = REPORTS[kind](job.snapshot, job.result())
    if arguments.out is not None:
        arguments.out.write_text(text, encoding="utf-8")
        _written(arguments.out, output, {"name": job.name, "format": kind}, "the report")
    elif output.json:
        output.document({"name": job.name, "format": kind, "text": text}, "")
    else:
        sys.stdout.write(text)
    return Exit.PASSED


def _written(path: Path, output: Output, document: dict[str, object], what: str) -> None:
    if output.json:
        output.document(document | {"out": str(path)}, "")
    else:
        output.note(f"{what} is in {path}")


def info(client: Client, arguments: argparse.Namespace, output: Output) -> int:  # noqa: ARG001
    """Write what the service is and can do."""
    found = client.server_info()
    lines = [f"version {found.version}, engine {found.engine_version}"]
    lines.append(f"capabilities: {', '.join(found.capabilities) or 'none'}")
    lines += [f"{name}: {limit_text(value)}" for name, value in found.limits.items()]
    output.document(asdict(found), "\n".join(lines))
    return Exit.PASSED
