"""What to analyse and how, as values; names and defaults are those of the service."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Literal

from interference_client.inputs import Input


@dataclass(frozen=True, slots=True)
class ModelReference:
    """A trained model.

    Attributes:
        uri: ``{store}://{path}``, or ``file:///…`` below a store of the service; with ``"mlflow"``
            ``models:/{name}/{version}`` or ``models:/{name}@{alias}``.
        format: How it is stored.
        monitor: The series that its analyses belong to; empty for none.
        version: Which model of the series.
        digest: ``sha256:…`` that it must have; empty for any.
        architecture: Network registered on the service, for formats that hold weights alone.
        architecture_arguments: Its arguments.
        key_prefix: What the names of the weights begin with that those of the architecture do not;
            empty: what training tools add is found.
        output: Which output of forward holds the logits: a key, or a position from 0; empty:
            ``logits`` where there is one, else the first.
        expected_interval: After at most how long the next analysis of the monitor is expected, from
            a minute to 366 days, so that monitoring can say that it is stale; None: none is.
    """

    uri: str
    format: Literal["torch_export", "hugging_face", "state_dict", "mlflow", "checkpoint"] = (
        "torch_export"
    )
    monitor: str = ""
    version: str = ""
    digest: str = ""
    architecture: str = ""
    architecture_arguments: Mapping[str, Any] = field(default_factory=dict)
    key_prefix: str = ""
    output: str = ""
    expected_interval: timedelta | None = None


@dataclass(frozen=True)
class LabelledData:
    """Labelled rows; made as ``ParquetData`` and its like, which say how they are stored.

    Attributes:
        uris: One URI or several, as of a model; one that ends in ``/`` names a directory.
        label: Column of the class: integers from 0, or strings; with the loss ``"multi_label"`` of
            lists of them, empty for a row without labels.
        inputs: For every argument of the model's forward, how it is made.
        group: Column whose values are compared instead of the classes; empty for none, as it must
            be with the loss ``"multi_label"``, whose groups are the labels.
        class_names: Names of the classes in the order of the model's outputs.
        shares: Shares of the classes in the update, a sampler's for instance; empty: the data's.
            With the loss ``"multi_label"`` the last is of ``(absent)``.
        class_weights: Class weights that the training gives the update; empty for none. Give them
            here or to the loss: in both they would act twice.
        max_rows_per_class: Most rows used of a class; 0: all.
        seed: Which rows, if not all.
        target_precision: Wanted half-width of the interval of every minority's progress ratio, of
            every class's where there is no minority. No more rows are used than it takes, and none
            beyond ``max_rows_per_class``. 0: one round of all of them.
        digest: ``sha256:…`` that a single file must have.
    """

    format: ClassVar[str]

    uris: str | Sequence[str]
    label: str
    inputs: Mapping[str, Input]
    group: str = ""
    class_names: Sequence[str] = ()
    shares: Sequence[float] = ()
    class_weights: Sequence[float] = ()
    max_rows_per_class: int = 0
    seed: int = 0
    target_precision: float = 0.0
    digest: str = ""


class ParquetData(LabelledData):
    """Rows in Parquet files; directories may be hive partitions."""

    format = "parquet"


class ArrowData(LabelledData):
    """Rows in Arrow IPC files (Feather) or streams, such as data sets of Hugging Face on disk."""

    format = "arrow"


@dataclass(frozen=True)
class CsvData(LabelledData):
    """Rows in comma-separated values with a header.

    Attributes:
        delimiter: What stands between values; empty: a comma.
    """

    format = "csv"
    delimiter: str = ""


class JsonlData(LabelledData):
    """Rows in files of one JSON object a line."""

    format = "jsonl"


class ImageFolderData(LabelledData):
    """Images in a directory a class: the columns ``image`` and ``label``."""

    format = "image_folder"


class WebDatasetData(LabelledData):
    """Samples in tar shards; a column for every extension, and ``json.{field}``."""

    format = "webdataset"


class NpzData(LabelledData):
    """Arrays of numpy; the first axis is the rows."""

    format = "npz"


class SafetensorsData(LabelledData):
    """Tensors in safetensors; the first axis is the rows."""

    format = "safetensors"


@dataclass(frozen=True, slots=True)
class Loss:
    """Loss of one row; ``kind`` is that of the training, and so are its parameters.

    ``"multi_label"`` is the sum of the binary cross entropies of all labels, for rows with lists of
    labels. It is cut into a group for every label, of its terms in the rows that have it, and one
    called ``(absent)``, of the terms of all labels in the rows that lack them. Each row is used for
    one of its groups at most, each with the chance 1 / (1 + the most labels of a row).

    Attributes:
        kind: ``"cross_entropy"``, ``"focal"``, ``"binary"``, ``"margin"`` or ``"multi_label"``.
        label_smoothing: Of cross entropy.
        class_weights: Factor of every class's or label's loss; empty for none.
        focal_gamma: Focusing parameter of the focal loss.
        margin: Of the margin loss.
    """

    kind: Literal["cross_entropy", "focal", "binary", "margin", "multi_label"] = "cross_entropy"
    label_smoothing: float = 0.0
    class_weights: Sequence[float] = ()
    focal_gamma: float = 2.0
    margin: float = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """How to analyse.

    Attributes:
        loss: Loss of one row.
        folds: Folds of a class; more give steadier intervals and cost memory.
        layers: Globs on layer names; empty: all.
        layer_depth: Components of a module's name that make a layer; 0: all.
        head: ``"auto"``, ``"none"``, or a glob on the class head's layer name.
        engine: How gradients are kept: exactly where the server's memory allows (``"auto"``), or
            those of large layers always as sketches, whose error the intervals then hold.
        sketch_width: Numbers kept of the gradient of a large layer; 0: the server's default.
        precision: Arithmetic of the passes.
        minorities: Names of the minorities; empty: by share.
        minority_share: Part of the uniform share below which a class is a minority.
        conflict_level: A pair conflicts where its cosine is below.
        confidence_level: Of every interval.
    """

    loss: Loss = Loss()
    folds: int = 8
    layers: Sequence[str] = ()
    layer_depth: int = 0
    head: str = "auto"
    engine: Literal["auto", "exact", "sketch"] = "auto"
    sketch_width: int = 0
    precision: Literal["float32", "tf32", "bfloat16", "float64"] = "float32"
    minorities: Sequence[str] = ()
    minority_share: float = 0.5
    conflict_level: float = 0.0
    confidence_level: float = 0.95


_GATE = re.compile(
    r"(?P<id>[a-z][a-z0-9_-]*):(?P<subject>.+?)(?P<sign>>=|<=)(?P<bound>[-+.0-9eE]+)"
)


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition on one number of the result; exactly one bound.

    Attributes:
        id: Its name.
        subject: ``summary/{metric}``, ``{scope}/{metric}/{class}``,
            ``{scope or layer}/cosine/{class}/{class}``, ``changes/{metric}/{class}`` since the
            previous analysis of the monitor, or ``classes/unlearned_streak/{class}``.
        at_least: Lower bound.
        at_most: Upper bound.
    """

    id: str
    subject: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"gate {self.id!r} needs at_least or at_most, and not both")

    @classmethod
    def parse(cls, text: str) -> "Gate":
        """A gate from ``id:subject>=bound`` or ``id:subject<=bound``.

        Raises:
            ValueError: The text is of another form.
        """
        found = _GATE.fullmatch(text.strip())
        if found is None:
            raise ValueError(
                f"{text!r} is no gate; write id:subject>=bound, for instance "
                "minorities-learn:summary/worst_progress_ratio>=0"
            )
        bound = float(found["bound"])
        name = "at_least" if found["sign"] == ">=" else "at_most"
        return cls(found["id"], found["subject"].strip(), **{name: bound})
