"""Settings that every test shares."""

import os
from pathlib import Path

from hypothesis import settings

settings.register_profile("default", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("default")

# Processes that tests start find what the tests are made of, as the tests do.
_HERE = str(Path(__file__).parent)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), _HERE]))
