"""Looking whether what is submitted is there, apart from everything else."""

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor

from interference_service.domain.ports import ReferenceChecker
from interference_service.domain.specification import AnalysisSpecification

_AT_ONCE = 16


class Checks:
    """Runs checks in threads of their own: a bucket that hangs takes none of the job store's."""

    def __init__(self, checker: ReferenceChecker) -> None:
        self._checker = checker
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="check")

    async def check(self, specification: AnalysisSpecification) -> None:
        """See ``ports.ReferenceChecker.check``; more than a few wait for each other."""
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, context.run, self._checker.check, specification)
