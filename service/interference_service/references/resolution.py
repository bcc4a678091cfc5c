"""What a specification stands for at this moment: every reference spelled out and pinned.

Everything after works on that alone, so that all of a job sees one model and the same rows. Imports
torch only where it resolves: the service's process names what this module returns.
"""

from dataclasses import dataclass

from interference_service.domain.inputs import Input
from interference_service.domain.specification import AnalysisSpecification, DataReference
from interference_service.errors import InputUnsupported
from interference_service.references.stores import Stores


@dataclass(frozen=True, slots=True)
class Resolution:
    """A specification whose references are pinned.

    Attributes:
        specification: With the model's digest, and inputs of plain steps.
        model_version: Of the model in its registry; empty without one.
    """

    specification: AnalysisSpecification
    model_version: str = ""


def resolve(specification: AnalysisSpecification, stores: Stores) -> Resolution:
    """Spell out and pin what a specification points at.

    Args:
        specification: As the client wrote it.
        stores: The operator's stores.

    Raises:
        InputUnsupported: A reference is not offered, or leads outside the stores.
        InputUnavailable: What it points at is missing, unreadable, or not what it wants.
    """
    from interference_service.references.models import model_digest

    model = specification.model
    pinned = model.model_copy(update={"digest": model_digest(model, stores)})
    data = specification.data.model_copy(update={"inputs": _plain_inputs(specification.data)})
    return Resolution(specification.model_copy(update={"model": pinned, "data": data}))


def _plain_inputs(data: DataReference) -> tuple[Input, ...]:
    for index, each in enumerate(data.inputs):
        if each.image is not None and each.image.preprocessor_uri:
            raise InputUnsupported.at(
                f"data.inputs[{index}].image.preprocessor_uri",
                "is not offered by this server; give the steps themselves",
            )
    return data.inputs
