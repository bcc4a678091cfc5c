"""Tries hostile references one by one, each in a process of its own with little memory.

``python -m hostile.trials ROOT FAMILY…`` writes one line of JSON for each to ``ROOT/outcomes``.
The files are built in one process and read in another, whose end, memory and canary are looked at
from outside: a reader that crashes or hangs is an outcome like any other.
"""

import json
import math
import os
import pickle
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hostile.reference import LIMITS, HostileReference, Site, Submission
from interference_client._specification_message import specification_message
from interference_service.compute import remote
from interference_service.compute.classes import label_table
from interference_service.compute.context import (
    Inspection,
    JobContext,
    RowBlock,
    SegmentTask,
    UnitTask,
)
from interference_service.compute.differentiation import GradientWorker
from interference_service.compute.limits import Limits
from interference_service.errors import ServiceError
from interference_service.references.checker import StoreReferenceChecker
from interference_service.references.policy import ModelPolicy
from interference_service.references.stores import Stores
from interference_service.rpc.convert_specification import specification_from_wire

MEMORY_BYTES = 3 << 30
"""Address space of a process beyond what the libraries take."""
SECONDS = 90
"""After them a reader is taken to hang."""
BATCH_ROWS = 128
OUTCOMES = "outcomes"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reference ended.

    Attributes:
        name: Of the reference.
        error: Class of the error that was raised; empty: none.
        fields: Of its violations.
        message: What it says; of an error that is not ours, its traceback.
        signal: That ended the process; 0: none.
        canary: Whether code of the reference ran.
        grown_bytes: Most memory that the process took beyond that of a good reference.
        seconds: How long reading took, to tell which references make the suite slow.
    """

    name: str
    error: str = ""
    fields: tuple[str, ...] = ()
    message: str = ""
    signal: int = 0
    canary: bool = False
    grown_bytes: int = 0
    seconds: float = 0.0


def usual_bytes(root: Path) -> int:
    """Memory of a process that reads a good reference."""
    site = Site(root, "good")
    site.directory.mkdir()
    return _good(lambda: read(site.model(), root, LIMITS))


def load_modules(root: Path) -> None:
    """Load what reading loads, so that not every process has to.

    Only the names come from a process that has read: its threads would not outlive a fork.
    """
    site = Site(root, "modules")
    site.directory.mkdir()
    names = site.path("names")

    def told() -> None:
        read(site.model(), root, LIMITS)
        names.write_text("\n".join(sys.modules))

    _good(told)
    for name in names.read_text().split("\n"):
        with suppress(ImportError):  # Some are made, not loaded.
            import_module(name)


def _good(work: Callable[[], object]) -> int:
    status, most = _forked(work)
    if status:
        raise RuntimeError("a good reference is not read")
    return most


def tried(reference: HostileReference, site: Site, usual: int) -> Outcome:
    """Build a reference and read it, in two processes."""
    site.directory.mkdir()
    submission, said = site.path("submission"), site.path("said")
    submission.write_bytes(b"")
    status, _ = _forked(lambda: submission.write_bytes(pickle.dumps(reference.builds(site))))
    if status:
        return Outcome(reference.name, "NotBuilt", message=f"ended with the status {status}")
    started = time.monotonic()
    status, most = _forked(
        lambda: said.write_text(_reading(submission, site.root, reference.limits))
    )
    told = json.loads(said.read_text()) if said.exists() else {}
    return Outcome(
        reference.name,
        **told,
        signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        canary=site.canary.exists(),
        grown_bytes=max(0, most - usual),
        seconds=time.monotonic() - started,
    )


def _forked(work: Callable[[], object]) -> tuple[int, int]:
    """Status of a process that does the work, and the most memory it had."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:  # noqa: BLE001 - a child must not go on as its parent
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status, usage = os.wait4(child, 0)
    return status, usage.ru_maxrss * 1024


def _reading(submission: Path, root: Path, limits: Limits) -> str:
    """What becomes of a submission, as JSON."""
    most = _mapped_bytes() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(SECONDS)
    try:
        read(pickle.loads(submission.read_bytes()), root, limits)
    except ServiceError as error:
        fields = [each.field.removeprefix("spec.") for each in error.violations]
        return json.dumps(
            {"error": type(error).__name__, "fields": fields, "message": error.message}
        )
    except BaseException as error:  # noqa: BLE001 - what is no error of ours is what we look for
        return json.dumps(
            {"error": type(error).__name__, "message": traceback.format_exc()[-3000:]}
        )
    return "{}"


def read(submission: Submission, root: Path, limits: Limits) -> None:
    """Do with a submission what the service and its workers do, without the cluster.

    Raises:
        ServiceError: It is refused.
    """
    wire = specification_message(submission.model, submission.data, submission.options)
    found = specification_from_wire(wire, "spec")
    stores = Stores({"data": root}, ModelPolicy(allow_checkpoints=True))
    StoreReferenceChecker(stores).check(found, threading.Event())
    context = JobContext(found, stores, BATCH_ROWS, limits=limits)
    context = replace(context, specification=_called(remote.resolve, context))
    content = _called(remote.fetch_model, context)
    inspection = _called(remote.inspect, context, content)
    _called(remote.digest_data, context)
    blocks = _blocks(context, inspection)
    names = tuple(inspection.shapes)
    worker = GradientWorker(context, content, names, "cpu", None, inspection.segmentation)
    segments = tuple(_segment(index, block) for index, block in enumerate(blocks))
    width = sum(math.prod(shape) for shape in inspection.shapes.values())
    worker.gradients(UnitTask(segments, ((0, width),)), blocks)


def _called(function: Any, *arguments: object) -> Any:
    """What a function of the workers returns, called here."""
    _, value = function._function(*arguments)
    return value


def _blocks(context: JobContext, inspection: Inspection) -> list[RowBlock]:
    """All rows of the data."""
    fragments = inspection.fragments
    scans = [_called(remote.scan, context, *each) for each in enumerate(fragments)]
    values = list({value: None for scan in scans for value in scan.values})
    names = context.specification.data.class_names
    table = label_table(values, names, inspection.num_outputs)
    return [
        _called(remote.fetch, context, each, np.arange(each.num_rows), table) for each in fragments
    ]


def _segment(index: int, block: RowBlock) -> SegmentTask:
    count = len(block.targets)
    return SegmentTask("all", np.full(count, index), np.arange(count))


def _mapped_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def main(root: Path, families: list[str]) -> None:
    """Try all references of some families."""
    torch.set_num_threads(1)
    load_modules(root)
    usual = usual_bytes(root)
    for family in families:
        for index, reference in enumerate(import_module(f"hostile.{family}").REFERENCES):
            outcome = tried(reference, Site(root, f"{family}-{index}"), usual)
            with (root / OUTCOMES).open("a") as outcomes:
                outcomes.write(json.dumps(asdict(outcome)) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
