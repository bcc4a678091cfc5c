"""What a caller writes arrives at the service as meant, with the service's own defaults."""

from dataclasses import replace
from datetime import timedelta

import pytest

from interference_client import (
    Gate,
    Image,
    Loss,
    ModelReference,
    Options,
    ParquetData,
    columns,
    image,
    tensor,
    tokens,
)
from interference_client._specification_message import specification_message
from interference_client.inputs import Input
from interference_service.domain.inputs import (
    ColumnsSource,
    ImageLayout,
    ImageMode,
    ImageSource,
    Source,
    TokensSource,
)
from interference_service.domain.options import LossKind
from interference_service.domain.specification import AnalysisSpecification
from interference_service.errors import InvalidRequest
from interference_service.rpc.convert_specification import specification_from_wire
from support.domain_examples import CLASSES, rich_specification

MODEL = ModelReference("models://m.pt2")
DATA = ParquetData("rows://r.parquet", label="label", inputs={"x": tensor("x")})


def received(*arguments, **more) -> AnalysisSpecification:
    """What the service makes of it."""
    return specification_from_wire(specification_message(*arguments, **more), "spec")


def test_everything_that_can_be_said_arrives():
    wanted = rich_specification()
    found = received(
        ModelReference(
            "models://solar/v7",
            format="state_dict",
            digest="sha256:" + "0a" * 32,
            architecture="resnet18",
            architecture_arguments={"width": 2},
            monitor="solar-panels",
            version="v7",
            expected_interval=timedelta(days=1, seconds=0.5),
        ),
        ParquetData(
            ["data://a.parquet", "data://b.parquet"],
            label="label",
            group="site",
            inputs={
                "pixels": image(
                    "jpeg",
                    mode="grey",
                    size=(32, 48),
                    filter="lanczos",
                    scale=0.5,
                    mean=[0.1],
                    std=[0.2],
                    layout="channels_last",
                ),
                "angles": tensor("angles", shape=(2, 3)),
                "site": columns(["x", "y"], dtype="int64"),
            },
            class_names=CLASSES,
            shares=[0.5, 0.25, 0.25],
            class_weights=[1, 2, 3],
            max_rows_per_class=64,
            seed=-(2**40),
            target_precision=0.1,
        ),
        Options(
            loss=Loss("focal", focal_gamma=0.0),
            folds=12,
            layers=["conv*"],
            head="fc",
            engine="sketch",
            sketch_width=128,
            precision="float64",
            minorities=[CLASSES[2]],
            minority_share=0.3,
            conflict_level=-0.1,
            confidence_level=0.9,
        ),
        [Gate("no-unlearning", "summary/worst_progress_ratio", at_least=0)],
        timedelta(hours=1, microseconds=250000),
    )
    assert found == wanted


def test_defaults_are_those_of_the_service():
    assert received(MODEL, DATA, Options()) == received(MODEL, DATA)


def test_image_defaults_are_those_of_the_service():
    data = ParquetData("r://r", label="y", inputs={"x": Image("image")})
    sent = specification_message(MODEL, data)
    silent = specification_message(MODEL, data)
    silent.data.inputs[0].image.Clear()
    silent.data.inputs[0].image.column = "image"
    assert specification_from_wire(sent, "spec") == specification_from_wire(silent, "spec")


def source(given: Input) -> Source:
    """What the service makes of an input."""
    inputs = {"x": given, "other": tensor("other")}
    return received(MODEL, replace(DATA, inputs=inputs)).data.inputs[0].source


def test_tokens_arrive():
    given = tokens("ids", padding=-7, max_length=128, fixed_length=True, mask=True)
    wanted = TokensSource(column="ids", padding=-7, max_length=128, fixed_length=True, mask=True)
    assert source(given) == wanted
    assert source(tokens("ids")) == TokensSource(column="ids")


def test_a_fill_arrives_and_0_is_one():
    assert source(columns(["a"], fill=0)) == ColumnsSource(columns=("a",), fill=0.0)
    assert source(columns(["a"])) == ColumnsSource(columns=("a",))


def test_a_preprocessor_arrives_alone():
    uri = "models://vit/preprocessor_config.json"
    given = image("i", preprocessor=uri, mode="grey", layout="channels_last")
    wanted = ImageSource(
        column="i",
        preprocessor_uri=uri,
        mode=ImageMode.GREY,
        layout=ImageLayout.CHANNELS_LAST,
    )
    assert source(given) == wanted


@pytest.mark.parametrize("mode", ["RGB", "grey", "RGBA", "grey_16"])
def test_every_mode_arrives_with_its_own_scale(mode):
    found = source(image("i", mode=mode))
    assert isinstance(found, ImageSource)
    assert found.mode == f"IMAGE_MODE_{mode.upper()}"
    assert found.scale == 1 / (65535 if mode == "grey_16" else 255)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (tokens("ids", fixed_length=True), "tokens.fixed_length"),
        (tokens("ids", max_length=-1), "tokens.max_length"),
        (tokens(""), "tokens.column"),
        (image("i", preprocessor="models://p.json", size=(3, 3)), "image.preprocessor_uri"),
        (image("i", preprocessor="../p.json"), "image.preprocessor_uri"),
        (columns(["a"], fill=0.5, dtype="int64"), "columns.fill"),
        (columns([]), "columns.columns"),
    ],
    ids=str,
)
def test_an_input_that_does_not_fit_is_refused_by_its_field(given, field):
    with pytest.raises(InvalidRequest) as caught:
        source(given)
    assert [each.field for each in caught.value.violations] == [f"spec.data.inputs[0].{field}"]


@pytest.mark.parametrize("kind", ["cross_entropy", "focal", "binary", "margin", "multi_label"])
def test_every_loss_of_the_client_is_one_of_the_service(kind):
    found = received(MODEL, DATA, Options(loss=Loss(kind, class_weights=[1, 2])))
    assert found.options.loss.kind == f"LOSS_KIND_{kind.upper()}"
    assert len(LossKind) == 5


def test_names_of_labels_must_leave_that_of_the_absent_ones():
    data = replace(DATA, class_names=["cat", "(absent)"])
    assert received(MODEL, data).data.class_names == ("cat", "(absent)")
    with pytest.raises(InvalidRequest) as caught:
        received(MODEL, data, Options(loss=Loss("multi_label")))
    assert [each.field for each in caught.value.violations] == ["spec.data.class_names"]


def test_one_uri_is_a_list_of_one():
    assert received(MODEL, DATA).data.uris == ("rows://r.parquet",)


def test_a_gate_is_parsed_with_its_subject_and_bound():
    gate = Gate.parse("learns:shared/progress_ratio/Cell-Multi:2>=-0.5")
    assert gate == Gate("learns", "shared/progress_ratio/Cell-Multi:2", at_least=-0.5)
    assert Gate.parse("few:summary/conflicting_pairs<=3") == Gate(
        "few", "summary/conflicting_pairs", at_most=3
    )


@pytest.mark.parametrize(
    "text", ["", "summary/x>=0", "a:x", "a:x==0", "a:x>=high", "a:x>=nan", "A:x>=0", "a:>=0"]
)
def test_what_is_no_gate_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="is no gate"):
        Gate.parse(text)


@pytest.mark.parametrize("bounds", [{}, {"at_least": 0, "at_most": 1}])
def test_a_gate_has_exactly_one_bound(bounds):
    with pytest.raises(ValueError, match="and not both"):
        Gate("g", "summary/x", **bounds)
