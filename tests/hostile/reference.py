"""What a hostile reference is, and how it must end."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from interference_client import ModelReference, Options, ParquetData, tensor
from interference_client.inputs import Image
from interference_client.specification import LabelledData
from interference_service.compute.limits import Limits
from interference_service.errors import AnalysisError, InvalidRequest
from support.archives import DYNAMIC, draft, meta, node, tensor as named

MIB = 1 << 20
LIMITS = Limits(memory_bytes=512 * MIB, seconds=30)
"""What the operator of a small service would set."""


class Submission(NamedTuple):
    """What a client would submit."""

    model: ModelReference
    data: LabelledData
    options: Options = Options(folds=4)


@dataclass(frozen=True, slots=True)
class Site:
    """A directory of the store ``data`` that a reference builds its files in.

    Attributes:
        root: Directory of the store.
        folder: Name of the directory below it.
    """

    root: Path
    folder: str

    @property
    def directory(self) -> Path:
        """Where the files go."""
        return self.root / self.folder

    @property
    def canary(self) -> Path:
        """A file that the payloads would make."""
        return self.directory / "canary"

    def path(self, name: str) -> Path:
        """A file of the directory."""
        return self.directory / name

    def uri(self, name: str) -> str:
        """What a client calls it."""
        return f"data://{self.folder}/{name}"

    def model(self, name: str = "", **changes: object) -> Submission:
        """Good rows for the model in a file, or for a good model."""
        if not name:
            draft().write(self.path(name := "good.pt2"))
        self._good_rows()
        data = ParquetData(self.uri("good.parquet"), label="label", inputs={"x": tensor("x")})
        return Submission(ModelReference(self.uri(name), **changes), data)

    def rows(self, data: LabelledData) -> Submission:
        """A good model for rows of four numbers called ``x``, or of images of 2 by 2 pixels."""
        flat = node("flatten", [named("x")], self=named("x"), start_dim={"as_int": 1})
        flat["target"] = "torch.ops.aten.flatten.using_ints"
        good = draft()
        good.graph["nodes"].insert(0, flat)
        if isinstance(data.inputs["x"], Image):
            good.graph["tensor_values"]["x"] = meta(DYNAMIC, 1, 2, 2)
        good.write(self.path("good.pt2"))
        return Submission(ModelReference(self.uri("good.pt2")), data)

    def table(self, name: str = "rows.parquet", **changes: object) -> Submission:
        """A good model for the rows of a Parquet file."""
        data = {"label": "label", "inputs": {"x": tensor("x")}} | changes
        return self.rows(ParquetData(self.uri(name), **data))

    def _good_rows(self) -> None:
        pq.write_table(good_table(), self.path("good.parquet"))


def good_table(rows: int = 60) -> pa.Table:
    """Rows of four numbers called ``x``, with a ``label`` from 0 to 2."""
    numbers = pa.array([(row * 7 % 11) / 8 for row in range(4 * rows)], pa.float32())
    labels = pa.array([row % 3 for row in range(rows)])
    return pa.table({"x": pa.FixedSizeListArray.from_arrays(numbers, 4), "label": labels})


@dataclass(frozen=True, slots=True)
class HostileReference:
    """A reference that is made to hurt.

    Attributes:
        name: What is hostile about it.
        builds: Writes its files, and says what a client submits.
        error: Kind of the error that it ends in; None: what is hostile lies where nothing looks,
            and it runs as the model or the rows that it also is.
        field: Field of the error, below the specification.
        words: Of the rule that refuses it.
        end_to_end: Whether it is also submitted to a real service.
        most_bytes: Memory that reading it may take beyond what reading a good one takes.
        limits: Of the operator.
    """

    name: str
    builds: Callable[[Site], Submission]
    error: type[AnalysisError] | type[InvalidRequest] | None
    field: str = "model.uri"
    words: str = ""
    end_to_end: bool = False
    most_bytes: int = 256 * MIB
    limits: Limits = LIMITS
