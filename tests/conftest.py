"""Settings and servers that every test shares."""

import os
import signal
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

settings.register_profile("default", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("default")

# Tests run side by side: each process computes on one core, or they wait for each other.
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
# A shell has what runs in its background ignore interrupts, and processes inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Processes that tests start find what the tests are made of, as the tests do.
_HERE = str(Path(__file__).parent)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), _HERE]))


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server, started for the first test that asks for one."""
    from support.postgresql import postgres_server

    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_database(postgres) -> str:
    """Name of a database that is the test's own, with the newest schema."""
    return postgres.emptied()


@pytest.fixture(autouse=True)
def log_without_a_past():
    """What one test's call has told the log is not about another's."""
    structlog.contextvars.clear_contextvars()
