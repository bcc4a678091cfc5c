"""The result of a job: numbers by name, and matrices read when they are asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import numpy as np

from interference.v1 import analysis_result_pb2 as result_pb2
from interference_client._columns import classes_of_scope, data_frame, previous_of, subjects_of
from interference_client._gates import Subjects
from interference_client._matrix_stream import Matrix
from interference_client.comparison import Comparison, compare
from interference_client.findings import (
    ClassResult,
    Conflict,
    LayerResult,
    PreviousAnalysis,
    SummaryNumber,
)
from interference_client.specification import Gate
from interference_client.values import Estimate, Verdict, json_ready

SHARED = "shared"
"""The scope of all layers but the class head."""
_OWNERS = frozenset({SHARED, "all", "layers"})
"""Owners of matrices beside layers; a layer of such a name has a prefix in the ids of its matrices."""


class ResultData:
    """All of a result but its matrices."""

    def __init__(self, message: result_pb2.AnalysisResult) -> None:
        self._message = message

    @property
    def name(self) -> str:
        """Resource name of the result."""
        return self._message.name

    @property
    def sampling_outcome(self) -> str:
        """Why no more rows were used.

        ``target_reached`` (of ``ParquetData.target_precision``), ``data_exhausted``,
        ``budget_reached`` (``max_rows_per_class``), or ``single_round`` where there was no target.
        """
        return self._message.method.sampling_outcome

    @property
    def rounds(self) -> int:
        """Rounds of sampling that were made."""
        return self._message.method.rounds

    @property
    def sketch_width(self) -> int:
        """Numbers kept of the gradient of a large layer; 0 where all of them were."""
        return self._message.method.sketch_width

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Order of every class axis."""
        return tuple(each.id for each in self._message.classes)

    @cached_property
    def classes(self) -> Mapping[str, ClassResult]:
        """Classes in the shared scope, by name."""
        return self.classes_in(SHARED)

    @cached_property
    def layers(self) -> Mapping[str, LayerResult]:
        """Layers by name, in the order of every layer axis."""
        return {
            each.id: LayerResult(
                each.id,
                each.parameter_count,
                each.head,
                each.parameter_norm,
                each.conflicting_pairs,
                each.majority_to_minority_norm_ratio,
            )
            for each in self._message.layers
        }

    @cached_property
    def summary(self) -> Mapping[str, SummaryNumber]:
        """Numbers of the whole analysis, by name."""
        return {
            each.name: SummaryNumber(Estimate.of(each.estimate), each.class_id)
            for each in self._message.summary
        }

    @cached_property
    def top_conflicts(self) -> Sequence[Conflict]:
        """The pairs with the least cosines in the shared scope, least first."""
        names = self.class_names
        return tuple(
            Conflict(
                names[each.row],
                names[each.column],
                Estimate.of(each.cosine),
                each.p_value,
                each.significant,
            )
            for each in self._message.top_conflicts
        )

    @cached_property
    def previous(self) -> PreviousAnalysis | None:
        """What has changed since the previous analysis of the monitor; None without one."""
        return previous_of(self._message)

    @property
    def minorities(self) -> Sequence[ClassResult]:
        """The minorities, in the order of the classes."""
        return tuple(each for each in self.classes.values() if each.minority)

    @property
    def method(self) -> Mapping[str, Any]:
        """How the numbers were made."""
        method = self._message.method
        return {field.name: getattr(method, field.name) for field in method.DESCRIPTOR.fields}

    @cached_property
    def matrix_ids(self) -> tuple[str, ...]:
        """Every matrix that can be read."""
        return tuple(each.id for each in self._message.matrices)

    def classes_in(self, scope: str) -> Mapping[str, ClassResult]:
        """Classes in a scope, by name.

        Raises:
            KeyError: There is no such scope.
        """
        return classes_of_scope(self._message, scope)

    def compare(self, before: "ResultData", *, tolerance: float = 0.0) -> Comparison:
        """What got worse and what got better since another result of the same monitor.

        Args:
            before: The other one.
            tolerance: Changes up to it count as none.
        """
        return compare(before, self, tolerance=tolerance)

    @cached_property
    def _subjects(self) -> Subjects:
        """What gates may speak of."""
        return subjects_of(self._message)

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON types, without matrices; NaN becomes null."""
        return {
            "name": self.name,
            "classes": [json_ready(asdict(each)) for each in self.classes.values()],
            "layers": [json_ready(asdict(each)) for each in self.layers.values()],
            "summary": {name: json_ready(asdict(each)) for name, each in self.summary.items()},
            "top_conflicts": [json_ready(asdict(each)) for each in self.top_conflicts],
            "matrices": list(self.matrix_ids),
            "method": json_ready(dict(self.method)),
            "previous": json_ready(asdict(self.previous)) if self.previous else None,
        }

    def ids_in(self, layers: str, ids: Sequence[str] = ()) -> list[str]:
        """Ids of the matrices of some layers.

        Args:
            layers: Glob that the names of the layers fit, as ``layer4.*``.
            ids: Among which; empty: all.

        Raises:
            KeyError: There are none, or one of ``ids`` is not there.
        """
        for each in ids:
            self._check(each)
        fitting = [name for name in self.layers if fnmatchcase(name, layers)]
        owners = {f"layer:{name}" if name in _OWNERS else name for name in fitting}
        found = [each for each in ids or self.matrix_ids if each.rpartition("/")[0] in owners]
        if not found:
            raise KeyError(f"no matrix of layers {layers!r}; matrix_ids lists all")
        return found

    def _check(self, matrix_id: str) -> None:
        if matrix_id not in self.matrix_ids:
            raise KeyError(f"no matrix {matrix_id!r}; matrix_ids lists them")

    @staticmethod
    def _conflict_id(scope_or_layer: str, *, plain: bool) -> str:
        return f"{scope_or_layer}/{'plain_cosine' if plain else 'cosine'}"

    def to_pandas(self) -> Any:
        """Classes as a data frame: a row each, value and bounds of every metric as columns.

        Raises:
            ImportError: pandas is not installed.
        """
        return data_frame(self.classes.values())


Read = Callable[[Sequence[str], Sequence[str], float | None], Iterator[tuple[str, Matrix]]]
"""Reads matrices by their ids, of some classes, within so many seconds; nothing named means all."""
Kept = dict[tuple[str, tuple[str, ...]], Matrix]
"""Matrices that were read, by id and classes."""


class Result(ResultData):
    """The result of a job; matrices are read when they are asked for, and kept."""

    def __init__(self, message: result_pb2.AnalysisResult, read: Read) -> None:
        super().__init__(message)
        self._read = read
        self._kept: Kept = {}

    def matrix(
        self, matrix_id: str, *, classes: Sequence[str] = (), timeout: float | None = None
    ) -> Matrix:
        """One matrix, read-only. Has shape ``[rows, columns]``.

        Args:
            matrix_id: As ``matrix_ids`` lists them.
            classes: Names of the classes whose rows and columns are wanted, in that order; empty:
                all.
            timeout: Seconds for all of it.

        Raises:
            KeyError: There is none of that id.
            InvalidArgument: There is no such class, or one is named twice.
        """
        self._check(matrix_id)
        key = matrix_id, tuple(classes)
        if key not in self._kept:
            self._kept[key] = dict(self._read([matrix_id], classes, timeout))[matrix_id]
        return self._kept[key]

    def matrices(
        self,
        ids: Sequence[str] = (),
        *,
        layers: str = "",
        classes: Sequence[str] = (),
        timeout: float | None = None,
    ) -> Iterator[tuple[str, Matrix]]:
        """Matrices one at a time, with their ids; none is kept.

        Args:
            ids: Those wanted, in that order; empty: all.
            layers: Glob; of those only the ones of layers that it fits, as ``layer4.*``. Empty: all.
            classes: As of ``matrix``.
            timeout: Seconds for all of it.

        Raises:
            KeyError: No matrix is of such a layer.
        """
        return self._read(self.ids_in(layers, ids) if layers else ids, classes, timeout)

    def conflict(self, scope_or_layer: str = SHARED, *, plain: bool = False) -> Matrix:
        """The Gradient Conflict Matrix of a scope or layer. Has shape ``[C, C]``.

        Args:
            scope_or_layer: ``shared``, ``all``, or the name of a layer; one that is called like a
                scope has the prefix ``layer:``.
            plain: The paper's, without correction for sampling noise.
        """
        return self.matrix(self._conflict_id(scope_or_layer, plain=plain))

    def layer_metric(self, name: str) -> Matrix:
        """A metric of every layer and class. Has shape ``[L, C]``."""
        return self.matrix(f"layers/{name}")

    def judge(self, gates: Sequence[Gate]) -> Verdict:
        """What gates say of it, as if the job had had them; reads the matrices that they name."""
        needed = self._subjects.matrices(gates)
        return self._subjects.judge(gates, {each: self.matrix(each) for each in needed})

    def heatmap(self, scope_or_layer: str = SHARED, *, plain: bool = False) -> Any:
        """The Gradient Conflict Matrix as a matplotlib figure; undetermined entries are blank.

        Raises:
            ImportError: matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("heatmap needs matplotlib; install it beside this client") from error
        figure = Figure(layout="constrained")
        axes = figure.subplots()
        drawn = axes.imshow(
            np.ma.masked_invalid(self.conflict(scope_or_layer, plain=plain)),
            cmap="RdBu",
            vmin=-1,
            vmax=1,
        )
        ticks = range(len(self.class_names))
        axes.set_xticks(ticks, self.class_names, rotation=90)
        axes.set_yticks(ticks, self.class_names)
        axes.set_title(f"Gradient Conflict Matrix, {scope_or_layer}")
        figure.colorbar(drawn, label="plain cosine" if plain else "corrected cosine")
        return figure
