"""Every kind of input can be written as text; what does not fit is told by its step."""

import re

import pytest

from interference.v1 import analysis_job_pb2 as job_pb2
from interference_client import ModelReference, ParquetData
from interference_client._cli_inputs import named_input
from interference_client._specification_message import specification_message
from interference_client.inputs import (
    Columns,
    Image,
    Input,
    Tensor,
    Tokens,
    columns,
    image,
    tensor,
    tokens,
)
from support.readmes import CLIENT as CLIENT_README

MADE = {"image": image, "tensor": tensor, "columns": columns, "tokens": tokens}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x=image:jpeg", Image("jpeg")),
        (
            "x=image:jpeg,mode=grey_16,size=32x48,filter=lanczos,crop=24x20,scale=1/255,mean=0.5,"
            "std=1/4,layout=channels_last",
            Image(
                "jpeg",
                mode="grey_16",
                size=(32, 48),
                filter="lanczos",
                crop=(24, 20),
                scale=1 / 255,
                mean=(0.5,),
                std=(0.25,),
                layout="channels_last",
            ),
        ),
        ("x=image:i,shortest_edge=256,mode=RGBA", Image("i", shortest_edge=256, mode="RGBA")),
        (
            "x=image:i,preprocessor=models://vit/preprocessor_config.json",
            Image("i", preprocessor="models://vit/preprocessor_config.json"),
        ),
        ("x=tensor:a", Tensor("a")),
        (
            "x=tensor:a,shape=1x8x8,scale=0.5,mean=1,std=2,dtype=float32",
            Tensor("a", shape=(1, 8, 8), scale=0.5, mean=(1.0,), std=(2.0,)),
        ),
        ("x=tensor:a,shape=7,dtype=int64", Tensor("a", shape=(7,), dtype="int64")),
        ("x=columns:a", Columns(["a"])),
        (
            "x=columns:age+income,mean=40:1e4,std=10:5e3,fill=-1",
            Columns(["age", "income"], mean=(40.0, 1e4), std=(10.0, 5e3), fill=-1.0),
        ),
        ("x=tokens:ids", Tokens("ids")),
        (
            "x=tokens:ids,padding=-1,max_length=128,fixed_length=true,mask=false",
            Tokens("ids", padding=-1, max_length=128, fixed_length=True),
        ),
        ("x=tokens:ids,mask=true", Tokens("ids", mask=True)),
    ],
)
def test_every_kind_of_input_is_read_with_all_its_steps(text, wanted):
    assert named_input(text) == ("x", wanted)


def test_a_name_may_hold_what_the_service_will_judge():
    assert named_input("input_ids=tokens:input.ids") == ("input_ids", Tokens("input.ids"))


@pytest.mark.parametrize(
    "text", ["", "x", "x=", "x=image", "x=image:", "=image:a", "x=video:a", "x=:a", "x=IMAGE:a"]
)
def test_what_is_no_input_is_told_with_examples_of_all_kinds(text):
    with pytest.raises(ValueError, match=r"is no input.*image:.*tensor:.*columns:.*tokens:"):
        named_input(text)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("x=image:a,shape=3", "image has no step 'shape'; it has crop, filter, layout"),
        ("x=image:a,", "image has no step ''"),
        ("x=tensor:a,size=3x3", "tensor has no step 'size'; it has dtype, mean, scale, shape, std"),
        ("x=columns:a,scale=2", "columns has no step 'scale'; it has dtype, fill, mean, std"),
        ("x=tokens:a,dtype=int64", "tokens has no step 'dtype'; it has fixed_length, mask"),
        ("x=image:a,size=3x4,size=3x4", "size is given twice"),
        ("x=image:a,size=3", "size is '3': write height and width, such as 32x48"),
        ("x=image:a,size=3x4x5", "size is '3x4x5': write height and width"),
        ("x=image:a,crop=axb", "crop is 'axb': write numbers joined by x"),
        ("x=image:a,size", "size is '': write numbers"),
        ("x=image:a,shortest_edge=1.5", "shortest_edge is '1.5': write an integer"),
        ("x=image:a,mode=grey16", "mode is 'grey16': it must be one of RGB, grey, RGBA, grey_16"),
        ("x=image:a,filter=cubic", "filter is 'cubic': it must be one of nearest, bilinear"),
        ("x=image:a,layout=NCHW", "layout is 'NCHW': it must be one of channels_first"),
        ("x=image:a,scale=1/0", "scale is '1/0': write a number, such as 0.5 or 1/255"),
        ("x=image:a,mean=0.5:", "mean is '0.5:': write a number"),
        ("x=image:a,std=half", "std is 'half': write a number"),
        ("x=image:a,preprocessor=", "preprocessor is '': it is empty"),
        ("x=tensor:a,shape=2x", "shape is '2x': write numbers"),
        ("x=tensor:a,dtype=int32", "dtype is 'int32': it must be one of float32, int64"),
        ("x=columns:a++b", "a column without a name"),
        ("x=columns:a,fill=none", "fill is 'none': write a number"),
        ("x=tokens:a,padding=0.5", "padding is '0.5': write an integer"),
        ("x=tokens:a,max_length=", "max_length is '': write an integer"),
        ("x=tokens:a,mask", "mask is '': it must be true or false"),
        ("x=tokens:a,fixed_length=yes", "fixed_length is 'yes': it must be true or false"),
    ],
)
def test_what_does_not_fit_is_told_by_its_step(text, match):
    with pytest.raises(ValueError, match=match):
        named_input(text)


def test_the_examples_of_the_readme_say_the_same_in_python_and_from_a_shell():
    text = CLIENT_README.read_text("utf-8")
    examples = re.findall(r"^\| `(\w+\(.*?\))` \| `(\w+:.*?)` \|", text, re.MULTILINE)
    assert len(examples) == 7
    for python, shell in examples:
        made = eval(python, {}, MADE)
        _, read = named_input(f"x={shell}")
        assert specified(read) == specified(made), python


def specified(given: Input) -> job_pb2.AnalysisSpec:
    data = ParquetData("r://r", label="y", inputs={"x": given})
    return specification_message(ModelReference("m://m"), data)
