"""What a specification stands for at this moment: every reference spelled out and pinned.

Everything after works on that alone, so that all of a job sees one model and the same inputs.
"""

from interference_service.domain.specification import AnalysisSpecification
from interference_service.references.models import model_digest
from interference_service.references.preprocessing.preprocessor_config import resolved_inputs
from interference_service.references.stores import Stores


def resolve(specification: AnalysisSpecification, stores: Stores) -> AnalysisSpecification:
    """Spell out and pin what a specification points at.

    Args:
        specification: As the client wrote it, with a model in a store.
        stores: The operator's stores.

    Returns:
        The same with the model's digest, and inputs of plain steps.

    Raises:
        InputUnsupported: A reference is not offered, or leads outside the stores.
        InputUnavailable: What it points at is missing, unreadable, or not what it wants.
    """
    model, data = specification.model, specification.data
    pinned = model.model_copy(update={"digest": model_digest(model, stores)})
    plain = data.model_copy(update={"inputs": resolved_inputs(data.inputs, stores)})
    return specification.model_copy(update={"model": pinned, "data": plain})
