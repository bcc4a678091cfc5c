"""What the service says that it takes, held against the contract and the formats that it reads."""

import pytest

from interference.v1 import analysis_job_pb2
from interference_service.domain.specification import DataFormat, ModelFormat
from interference_service.references.capabilities import capabilities
from interference_service.references.models import FORMATS
from interference_service.references.policy import ModelPolicy

GENEROUS = ModelPolicy(allow_checkpoints=True)
OF_SPECIFICATIONS = {
    enumeration.name
    for enumeration in analysis_job_pb2.DESCRIPTOR.enum_types_by_name.values()
    if enumeration.name not in {"Priority", "Comparison"}
}


def names(policy: ModelPolicy = GENEROUS, *, with_registry: bool = True) -> set[str]:
    return set(capabilities(policy, with_registry=with_registry))


def test_where_everything_is_allowed_everything_of_the_contract_is_taken():
    contract = {
        value.name
        for name in OF_SPECIFICATIONS
        for value in analysis_job_pb2.DESCRIPTOR.enum_types_by_name[name].values
        if value.number
    }
    assert names() == contract


def test_formats_that_are_told_are_formats_that_are_read():
    read = {*FORMATS, ModelFormat.MLFLOW, *DataFormat}
    assert {each for each in names() if "_FORMAT_" in each} == {each.value for each in read}


@pytest.mark.parametrize(
    ("policy", "with_registry", "missing"),
    [
        (ModelPolicy(), True, {"MODEL_FORMAT_CHECKPOINT"}),
        (GENEROUS, False, {"MODEL_FORMAT_MLFLOW"}),
        (
            ModelPolicy(architectures=(), allow_checkpoints=True),
            True,
            {"MODEL_FORMAT_STATE_DICT", "MODEL_FORMAT_CHECKPOINT"},
        ),
    ],
)
def test_what_the_operator_does_not_allow_is_not_told(policy, with_registry, missing):
    assert names() - names(policy, with_registry=with_registry) == missing


def test_models_of_transformers_are_told_only_where_it_is_installed(monkeypatch):
    monkeypatch.setattr("interference_service.references.capabilities.find_spec", lambda _: None)
    assert "MODEL_FORMAT_HUGGING_FACE" not in names()
