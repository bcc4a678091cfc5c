"""What the operator allows of models, beside the stores."""

from dataclasses import dataclass

from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.errors import InputUnsupported

ARCHITECTURES = (
    "csba_cnn",
    "mlp",
    "multi_branch_cnn",
    "plain_cnn",
    "residual_cnn",
    "shared_attention_cnn",
)
"""Names of the networks that come with the service."""


@dataclass(frozen=True, slots=True)
class ModelPolicy:
    """What the operator allows of models; travels to the workers with the stores.

    Attributes:
        architectures: Names of the networks that weights are read for; ours, or entry points.
        allow_checkpoints: Whether weights are read from checkpoints too, by torch's restricted
            unpickler.
        hugging_face_classes: Model classes of transformers, beside those known to work.
    """

    architectures: tuple[str, ...] = ARCHITECTURES
    allow_checkpoints: bool = False
    hugging_face_classes: tuple[str, ...] = ()

    def check(self, reference: ModelReference) -> None:
        """Refuse what the operator does not allow; nothing is read.

        Raises:
            InputUnsupported: A checkpoint where none is allowed, a network that is not listed, or
                a directory where a file is due.
        """
        if reference.format is ModelFormat.CHECKPOINT and not self.allow_checkpoints:
            raise InputUnsupported.at(
                "model.format",
                "is MODEL_FORMAT_CHECKPOINT, which this server does not allow, since a checkpoint "
                "is a pickle; convert it with safetensors.torch.save_file(network.state_dict(), "
                "path) and name it as MODEL_FORMAT_STATE_DICT",
            )
        if reference.architecture and reference.architecture not in self.architectures:
            raise InputUnsupported.at(
                "model.architecture",
                f"is {reference.architecture!r}; those of this server are "
                f"{', '.join(self.architectures) or 'none'}; ask the operator for another, or name "
                "an archive of torch.export.save, which needs none",
            )
        directory = reference.format is ModelFormat.HUGGING_FACE
        if reference.format is not ModelFormat.MLFLOW and directory != reference.uri.endswith("/"):
            raise InputUnsupported.at(
                "model.uri",
                f"is {reference.uri!r}; with {reference.format} it must "
                + ("be a directory and end in '/'" if directory else "be a file"),
            )
