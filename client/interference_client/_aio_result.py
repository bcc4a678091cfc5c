"""The result of a job for asynchronous code."""

from collections.abc import AsyncIterator, Callable, Sequence

from interference.v1 import analysis_result_pb2 as result_pb2
from interference_client._matrix_stream import Matrix
from interference_client.result import SHARED, Kept, ResultData
from interference_client.specification import Gate
from interference_client.values import Verdict


class AsyncResult(ResultData):
    """The result of a job; matrices are read when they are asked for, and kept. See ``Result``."""

    def __init__(
        self,
        message: result_pb2.AnalysisResult,
        read: Callable[
            [Sequence[str], Sequence[str], float | None], AsyncIterator[tuple[str, Matrix]]
        ],
    ) -> None:
        super().__init__(message)
        self._read = read
        self._kept: Kept = {}

    async def matrix(
        self, matrix_id: str, *, classes: Sequence[str] = (), timeout: float | None = None
    ) -> Matrix:
        """One matrix, read-only. Has shape ``[rows, columns]``. See ``Result.matrix``.

        Raises:
            KeyError: There is none of that id.
            InvalidArgument: There is no such class, or one is named twice.
        """
        self._check(matrix_id)
        key = matrix_id, tuple(classes)
        if key not in self._kept:
            read = self._read([matrix_id], classes, timeout)
            self._kept[key] = {name: matrix async for name, matrix in read}[matrix_id]
        return self._kept[key]

    def matrices(
        self,
        ids: Sequence[str] = (),
        *,
        layers: str = "",
        classes: Sequence[str] = (),
        timeout: float | None = None,
    ) -> AsyncIterator[tuple[str, Matrix]]:
        """Matrices one at a time, with their ids; none is kept. See ``Result.matrices``.

        Raises:
            KeyError: No matrix is of such a layer.
        """
        return self._read(self.ids_in(layers, ids) if layers else ids, classes, timeout)

    async def conflict(self, scope_or_layer: str = SHARED, *, plain: bool = False) -> Matrix:
        """The Gradient Conflict Matrix of a scope or layer. Has shape ``[C, C]``."""
        return await self.matrix(self._conflict_id(scope_or_layer, plain=plain))

    async def judge(self, gates: Sequence[Gate]) -> Verdict:
        """What gates say of it, as if the job had had them; reads the matrices that they name."""
        needed = self._subjects.matrices(gates)
        return self._subjects.judge(gates, {each: await self.matrix(each) for each in needed})

    async def layer_metric(self, name: str) -> Matrix:
        """A metric of every layer and class. Has shape ``[L, C]``."""
        return await self.matrix(f"layers/{name}")
