"""From a registered model to a file of a store; for a process that may know the registry."""

from dataclasses import dataclass

from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.errors import InputUnavailable, InputUnsupported
from interference_service.references.registry.mlmodel import model_data
from interference_service.references.registry.registry import ModelRegistry
from interference_service.references.stores import Stores
from interference_service.references.stores.store import Place

FIELD = "model.uri"


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model in a store.

    Attributes:
        reference: Of its file.
        version: In the registry; empty without one.
    """

    reference: ModelReference
    version: str = ""


def resolve_model(
    reference: ModelReference, stores: Stores, registry: ModelRegistry | None
) -> ResolvedModel:
    """What a reference stands for now: the file of an exported program where it names a registry.

    An alias may stand for another version in a moment, so this is done once for a job. What the
    registry says passes the stores as what a client says does.

    Args:
        reference: As the client wrote it; those that name no registry come back as they are.
        stores: The operator's stores.
        registry: The operator's registry; None where there is none.

    Raises:
        InputUnsupported: There is no registry, the model is outside the stores, or was not logged
            as an exported program.
        InputUnavailable: There is no such model, or the registry or the store does not answer.
    """
    if reference.format is not ModelFormat.MLFLOW:
        return ResolvedModel(reference)
    if registry is None:
        raise InputUnsupported.at(
            "model.format",
            "is MODEL_FORMAT_MLFLOW, but the operator of this server named no registry; give the "
            "model's file in a store, with MODEL_FORMAT_TORCH_EXPORT",
        )
    found = registry.find(reference.uri, FIELD)
    place = Place(f"{reference.uri} (version {found.version})", FIELD)
    directory = stores.uri_of(found.location, place)
    with stores.open(f"{directory}/MLmodel", FIELD) as file:
        data = f"{directory}/{model_data(file, place)}"
    _check_format(data, place, stores)
    changes = {"uri": f"{data}/model.pt2", "format": ModelFormat.TORCH_EXPORT}
    return ResolvedModel(reference.model_copy(update=changes), found.version)


def _check_format(data: str, place: Place, stores: Stores) -> None:
    """The model was logged as an exported program."""
    try:
        stores.entry(f"{data}/model.pt2", FIELD)
    except InputUnavailable as missing:
        try:
            stores.entry(f"{data}/model.pth", FIELD)
        except InputUnavailable:
            raise missing from None
        raise InputUnsupported.at(
            FIELD,
            f"{place.uri!r} was logged as a pickle, which is never opened; log it again with "
            "mlflow.pytorch.log_model(…, serialization_format='pt2')",
        ) from None
