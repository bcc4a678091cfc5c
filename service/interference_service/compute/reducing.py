"""From gradient sums on the cluster to the statistics of layers, of scopes, and what they mean.

The statistics of a layer are as large as classes times segments, so they stay where they are
computed: a task has those of one block of layers, and sums of a few of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from interference_service.compute import remote
from interference_service.compute.calls import Ref, Refs, value
from interference_service.compute.context import ReduceTask
from interference_service.compute.plan import ColumnBlock
from interference_service.compute.scopes import LayerMatrices, LayerTask
from interference_service.compute.summary import layer_matrix_ids
from interference_service.compute.tasks import Done, Tasks
from interference_service.core.layers import Layer
from interference_service.core.scope import Setting
from interference_service.domain.result import Matrix

_AT_ONCE = 4
"""Sets of layers that one task adds up; they are all in its memory."""


class Reducer:
    """Reduces the gradient sums of one analysis, block by block."""

    def __init__(
        self, tasks: Tasks, layers: Sequence[Layer], columns: Sequence[ColumnBlock]
    ) -> None:
        """Prepare.

        Args:
            tasks: Runs the tasks.
            layers: In the order of the flat gradient.
            columns: Blocks of the projected gradient.
        """
        self._tasks = tasks
        self._layers = layers
        self._columns = columns

    @property
    def reductions(self) -> int:
        """Tasks that ``statistics`` runs."""
        return len(self._columns)

    @property
    def groups(self) -> int:
        """Blocks of whole layers, and so tasks that ``findings`` runs for them."""
        return sum(not each.goes_on for each in self._columns)

    def statistics(
        self,
        task: Callable[[tuple[int, int]], ReduceTask],
        sums: Sequence[Refs],
        done: Done | None = None,
    ) -> Refs:
        """References of the statistics of every block of whole layers.

        Args:
            task: From a range of columns to what is asked for.
            sums: Of every unit, one array a column block.
            done: Called after every finished task.
        """
        before: dict[int, Ref] = {}
        for wave in self._waves():
            submissions = [
                partial(
                    remote.reduce.remote,
                    task((self._columns[index].start, self._columns[index].end)),
                    before.get(index - 1, ()) if self._columns[index].goes_on else (),
                    *(refs[index] for refs in sums),
                )
                for index in wave
            ]
            refs = self._tasks.run(submissions, what="reduction of block", done=done)
            before |= dict(zip(wave, refs, strict=True))
        ends = [
            index
            for index in range(len(self._columns))
            if index + 1 == len(self._columns) or not self._columns[index + 1].goes_on
        ]
        return [before[index] for index in ends]

    def _waves(self) -> Iterator[list[int]]:
        """Order the blocks.

        Yields:
            The first blocks of all layers, then the second ones, which need those, and so on.
        """
        depth, waves = 0, dict[int, list[int]]()
        for index, each in enumerate(self._columns):
            depth = depth + 1 if each.goes_on else 0
            waves.setdefault(depth, []).append(index)
        yield from waves.values()

    def scope_sums(self, statistics: Refs) -> Ref:
        """Reference of the statistics of both scopes, added a few at a time in a fixed order."""
        heads = tuple(layer.head for layer in self._layers)
        parts = statistics
        while True:
            submissions = [
                partial(remote.sum_scopes.remote, heads, *parts[first : first + _AT_ONCE])
                for first in range(0, len(parts), _AT_ONCE)
            ]
            parts = self._tasks.run(submissions, what="sum of layers")
            if len(parts) == 1:
                return parts[0]

    def findings(
        self,
        statistics: Refs,
        setting: Setting,
        parameter_norms: Sequence[float],
        done: Done | None = None,
    ) -> tuple[Ref, Refs, Refs]:
        """References of what was found.

        Args:
            statistics: Of every block of whole layers.
            setting: Priors, minorities and levels.
            parameter_norms: ‖θ^l‖ of every layer.
            done: Called after every finished task.

        Returns:
            Of the scopes; and for every block of the findings of its layers and their matrices.
        """
        sums = self.scope_sums(statistics)
        judge = partial(remote.judge_scopes.remote, setting, sums)
        scopes = self._tasks.run([judge], what="scopes")[0]
        task = LayerTask(tuple(each.name for each in self._layers), tuple(parameter_norms))
        found = self._tasks.run_all(
            [partial(remote.judge_layers.remote, task, scopes, each) for each in statistics],
            what="layers of block",
            done=done,
        )
        return scopes, [each[0] for each in found], [each[1] for each in found]

    def matrices(self, own: Mapping[str, Matrix], of_layers: Refs) -> Mapping[str, Matrix]:
        """All matrices of a result by id.

        Args:
            own: Those that are no layer's.
            of_layers: Of every block of whole layers.
        """
        wholes = [each for each in self._columns if not each.goes_on]
        places = {
            matrix_id: (ref, self._layers[index].name, metric)
            for block, ref in zip(wholes, of_layers, strict=True)
            for index in block.layers
            for metric, matrix_id in layer_matrix_ids(self._layers[index].name).items()
        }
        return _Matrices(own, places)


class _Matrices(Mapping[str, Matrix]):
    """Matrices of a result, those of layers on the cluster until they are asked for."""

    def __init__(
        self, own: Mapping[str, Matrix], places: Mapping[str, tuple[Ref, str, str]]
    ) -> None:
        self._own = own
        self._places = places
        self._last: tuple[Ref, LayerMatrices] | None = None

    def __getitem__(self, matrix_id: str) -> Matrix:
        if matrix_id in self._own:
            return self._own[matrix_id]
        ref, layer, metric = self._places[matrix_id]
        # Whoever writes all of them asks for those of one block after another.
        if self._last is None or self._last[0] != ref:
            self._last = ref, value(ref)
        return self._last[1][layer][metric]

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from self._places

    def __len__(self) -> int:
        return len(self._own) + len(self._places)
