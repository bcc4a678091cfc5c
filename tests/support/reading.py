"""A process that reads all matrices of a job, one after the other: ``TARGET NAME``."""

import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from interference_client import Client


@dataclass(frozen=True, slots=True)
class Reading:
    """What it took."""

    matrices: int
    size: int
    seconds: float
    more_memory: int
    """Bytes at the peak beyond those that the process had before the first matrix."""


def read_in_a_process(target: str, name: str, *, within_seconds: float) -> Reading:
    """Read all matrices of a job in a process of its own."""
    command = [sys.executable, "-m", "support.reading", target, name]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=within_seconds)
    return Reading(**json.loads(done.stdout))


def _read(target: str, name: str) -> Reading:
    with Client(target, insecure=True) as client:
        result = client.job(name).result()
        before, begin = _peak(), time.monotonic()
        number = size = 0
        for _, matrix in result.matrices():
            number += 1
            size += matrix.nbytes
        return Reading(number, size, time.monotonic() - begin, _peak() - before)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(_read(*sys.argv[1:]))))
