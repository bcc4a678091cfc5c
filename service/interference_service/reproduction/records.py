"""What is kept of a training: its settings, its scores, and what the service found on the way."""

from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from interference_service.reproduction.files import write_atomically

DatasetName: TypeAlias = Literal["cifar10-lt", "solar-panels", "infrared-solar-modules", "digits"]
NetworkName: TypeAlias = Literal[
    "multi_branch_cnn",
    "shared_attention_cnn",
    "csba_cnn",
    "csba_narrow",
    "csba_everywhere",
    "csba_normalised",
    "residual_cnn",
]
Loss: TypeAlias = Literal["cross_entropy", "class_balanced", "logit_adjusted"]
GradientRule: TypeAlias = Literal["mean", "per_class_normalised", "projected"]

RECORD = "record.json"
_SMALL_SHARE = 0.5


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RunKey(_Record):
    """What tells one training from the others of an experiment.

    Attributes:
        imbalance: Rows of the largest class over those of the smallest in the training data, where
            these are cut to a long tail; None: as they are.
        seed: Of the weights, the order, the augmentation, and of the split or cut where there is one.
    """

    dataset: DatasetName
    network: NetworkName
    loss: Loss = "cross_entropy"
    gradient: GradientRule = "mean"
    imbalance: float | None = None
    seed: int = 0

    @property
    def slug(self) -> str:
        """A name for files."""
        cut = "" if self.imbalance is None else f"-{self.imbalance:g}"
        return f"{self.dataset}{cut}-{self.network}-{self.loss}-{self.gradient}-seed{self.seed}"


class Budget(_Record):
    """What a training may take; equal for all that are compared.

    Attributes:
        learning_rate: The highest; it is warmed up to, and annealed by a cosine.
        analyse_every: Epochs between analyses by the service; 0: none. Epoch 0 and the last are always analysed otherwise.
        mixed_precision: Of 16 bits, where that loses little: float16 on a GPU, bfloat16 on a CPU.
    """

    epochs: int
    batch: int = 128
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warm_up_epochs: int = 1
    augment: bool = True
    analyse_every: int = 0
    mixed_precision: bool = False


class Scores(_Record):
    """Of the network on held-out rows, by class.

    Attributes:
        confusion: Rows of a class (first axis) by what the network said (second).
        losses: Mean cross-entropy of a class's rows; None where it has none.
    """

    confusion: tuple[tuple[int, ...], ...]
    losses: tuple[float | None, ...]


class Attention(_Record):
    """The weights that a network's attentions give the channels, on held-out rows.

    Attributes:
        mean: Over attentions, channels and rows.
        over_rows: Standard deviation of a weight over rows; root mean square over all weights.
        over_classes: Likewise, of a weight's means over the rows of each class.
    """

    mean: float
    over_rows: float
    over_classes: float


class Epoch(_Record):
    """One pass over the training data, and the scores after it; epoch 0 is the network untrained.

    Attributes:
        attention: None: the network has none, or it was not recorded.
    """

    epoch: int
    seconds: float
    training_loss: float | None
    learning_rate: float | None
    scores: Scores
    attention: Attention | None = None


class Bounded(_Record):
    """A number with its 95 % interval; None where it is undetermined."""

    value: float | None
    lower: float | None = None
    upper: float | None = None


class ClassFinding(_Record):
    """What the service found of a class in the shared layers.

    Attributes:
        cosine: Mean corrected cosine with the classes that are no minority.
        plain_cosine: Likewise, of the plain matrix (the paper's).
        by: The main suppressor; None: none.
    """

    name: str
    share: float
    rows: int
    minority: bool
    finding: str
    progress_ratio: Bounded
    suppression: Bounded
    cosine: Bounded
    plain_cosine: float | None
    norm: float | None
    by: str | None = None


class LayerFinding(_Record):
    """What the service found in a layer: mean cosine of minorities with the other classes."""

    name: str
    minority_cosine: float | None
    plain_minority_cosine: float | None


class Analysis(_Record):
    """An analysis by the service of the network after an epoch.

    Attributes:
        matrix: Corrected Gradient Conflict Matrix of the shared layers; None: undetermined.
        plain_matrix: The paper's.
        summary: Numbers of the whole analysis by name.
        seconds: From submission to result.
    """

    epoch: int
    job: str
    seconds: float
    classes: tuple[ClassFinding, ...]
    layers: tuple[LayerFinding, ...]
    matrix: tuple[tuple[float | None, ...], ...]
    plain_matrix: tuple[tuple[float | None, ...], ...]
    summary: dict[str, Bounded]


class RunRecord(_Record):
    """A training, finished or on its way.

    Attributes:
        training_rows: By class, in the order of ``class_names``.
        parameters: Numbers that are trained.
        device: Where it was trained.
    """

    key: RunKey
    budget: Budget
    class_names: tuple[str, ...]
    training_rows: tuple[int, ...]
    evaluation_rows: tuple[int, ...]
    parameters: int
    device: str
    epochs: tuple[Epoch, ...] = ()
    analyses: tuple[Analysis, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether all epochs of the budget are there."""
        return bool(self.epochs) and self.epochs[-1].epoch == self.budget.epochs

    @property
    def minorities(self) -> tuple[str, ...]:
        """Classes with less than half of the uniform share of the training rows, as for the service."""
        limit = _SMALL_SHARE * sum(self.training_rows) / len(self.training_rows)
        rows = zip(self.class_names, self.training_rows, strict=True)
        return tuple(name for name, count in rows if count < limit)

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_atomically(path, self.model_dump_json(indent=1).encode())


def load(path: Path) -> RunRecord:
    """Read a training that ``RunRecord.save`` wrote."""
    return RunRecord.model_validate_json(path.read_bytes())
