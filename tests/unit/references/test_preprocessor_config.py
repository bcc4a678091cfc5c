"""A ``preprocessor_config.json`` makes the pixels that transformers makes of it, or is refused by name."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from PIL import Image
from transformers.image_processing_backends import PilBackend
from transformers.models.beit.image_processing_pil_beit import BeitImageProcessorPil
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil
from transformers.models.deit.image_processing_pil_deit import DeiTImageProcessorPil
from transformers.models.mobilenet_v1.image_processing_pil_mobilenet_v1 import (
    MobileNetV1ImageProcessorPil,
)
from transformers.models.mobilenet_v2.image_processing_pil_mobilenet_v2 import (
    MobileNetV2ImageProcessorPil,
)
from transformers.models.owlvit.image_processing_pil_owlvit import OwlViTImageProcessorPil
from transformers.models.pvt.image_processing_pil_pvt import PvtImageProcessorPil
from transformers.models.segformer.image_processing_pil_segformer import SegformerImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from interference_service.domain.inputs import (
    ImageLayout,
    ImageMode,
    ImageSource,
    Input,
    ResizeFilter,
    TensorSource,
)
from interference_service.errors import InputUnavailable, InputUnsupported
from interference_service.references.preprocessing.preprocessor_config import (
    MAX_BYTES,
    resolved_inputs,
)
from interference_service.references.stores import Stores
from support.prepared import argument, encoded

FIELD = "spec.data.inputs[0].image.preprocessor_uri"
PIXELS = np.random.default_rng(0).integers(0, 256, (61, 83, 3), dtype=np.uint8)
BOUND = 1e-5
"""Difference of what is about 1 in size: transformers computes in other orders of 32-bit arithmetic."""


def resolved(directory: Path, config: object, **options: object) -> ImageSource:
    """The steps of a config, or of what is no config."""
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    (directory / "preprocessor_config.json").write_bytes(text)
    source = ImageSource(column="i", preprocessor_uri="m://preprocessor_config.json", **options)
    (found,) = resolved_inputs([Input(name="x", image=source)], Stores({"m": directory}))
    assert found.image is not None
    assert not found.image.preprocessor_uri
    return found.image


def assert_same_pixels(directory: Path, processor: PilBackend, pixels: np.ndarray = PIXELS) -> None:
    """Ours and theirs, for the file that they write."""
    source = resolved(directory, processor.to_json_string().encode())
    raw = encoded(pixels)
    found = argument(Input(name="x", image=source), torch.float32, i=[raw])[0]
    with Image.open(io.BytesIO(raw)) as image:
        wanted = processor(image)["pixel_values"][0]
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, atol=BOUND)


PROCESSORS = [
    BeitImageProcessorPil, BitImageProcessorPil, BlipImageProcessorPil, CLIPImageProcessorPil,
    ConvNextImageProcessorPil, DeiTImageProcessorPil, MobileNetV1ImageProcessorPil,
    MobileNetV2ImageProcessorPil, OwlViTImageProcessorPil, PvtImageProcessorPil,
    SegformerImageProcessorPil, SiglipImageProcessorPil, ViTImageProcessorPil,
]  # fmt: skip


@pytest.mark.parametrize("processor", PROCESSORS, ids=lambda each: each.__name__)
def test_pixels_are_those_of_transformers_with_its_defaults(tmp_path, processor):
    assert_same_pixels(tmp_path, processor())


@pytest.mark.parametrize("size", [(224, 224), (30, 200), (200, 31), (97, 53), (5, 7)])
@pytest.mark.parametrize(
    "processor",
    [
        ViTImageProcessorPil(size={"height": 40, "width": 56}, resample=0),
        ViTImageProcessorPil(size=48, resample=1, do_rescale=False),
        ViTImageProcessorPil(do_normalize=False),
        ViTImageProcessorPil(image_mean=0.25, image_std=2.0, rescale_factor=1 / 127.5),
        BitImageProcessorPil(size={"shortest_edge": 37}, crop_size={"height": 31, "width": 36}),
        DeiTImageProcessorPil(size=64, crop_size=47),
        ConvNextImageProcessorPil(size={"shortest_edge": 32}),
        ConvNextImageProcessorPil(size={"shortest_edge": 48}, crop_pct=0.7),
        ConvNextImageProcessorPil(size={"shortest_edge": 383}, crop_pct=1.0),
        MobileNetV1ImageProcessorPil(do_center_crop=False),
    ],
    ids=lambda each: f"{type(each).__name__} {each.size}" if isinstance(each, PilBackend) else each,
)
def test_pixels_are_those_of_transformers_for_any_size(tmp_path, processor, size):
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert_same_pixels(tmp_path, processor, pixels)


def test_a_processor_that_does_nothing_gives_the_pixels(tmp_path):
    nothing = ViTImageProcessorPil(do_resize=False, do_rescale=False, do_normalize=False)
    assert_same_pixels(tmp_path, nothing)


VIT = {
    "do_normalize": True, "do_resize": True, "feature_extractor_type": "ViTFeatureExtractor",
    "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.5, 0.5], "resample": 2, "size": 224,
}  # fmt: skip
RESNET = VIT | {"feature_extractor_type": "ConvNextFeatureExtractor", "crop_pct": 0.875}
PLAIN = {
    "do_resize": True, "size": {"height": 8, "width": 9}, "resample": 3, "do_normalize": False,
}  # fmt: skip


def test_files_of_old_releases_are_read(tmp_path):
    vit = resolved(tmp_path, VIT)
    assert (vit.resize_height, vit.resize_width, vit.scale) == (224, 224, 1 / 255)
    assert (vit.mean, vit.standard_deviation) == ((0.5, 0.5, 0.5), (0.25, 0.5, 0.5))
    resnet = resolved(tmp_path, RESNET)
    assert (resnet.resize_shortest_edge, resnet.crop_height, resnet.crop_width) == (256, 224, 224)
    large = resolved(tmp_path, RESNET | {"size": 384})
    assert (large.resize_shortest_edge, large.resize_height, large.crop_height) == (0, 384, 0)
    clip = resolved(tmp_path, VIT | {"feature_extractor_type": "CLIPFeatureExtractor"})
    assert (clip.resize_shortest_edge, clip.resize_height) == (224, 0)


def test_mode_and_layout_are_those_of_the_input(tmp_path):
    options = {"mode": ImageMode.GREY, "layout": ImageLayout.CHANNELS_LAST}
    found = resolved(tmp_path, VIT | {"image_mean": [0.1], "image_std": 0.2}, **options)
    assert (found.mode, found.layout) == (ImageMode.GREY, ImageLayout.CHANNELS_LAST)
    assert (found.mean, found.standard_deviation) == ((0.1,), (0.2,))
    assert resolved(tmp_path, PLAIN).resize_filter is ResizeFilter.BICUBIC


def test_what_is_not_done_changes_nothing(tmp_path):
    more = {
        "do_pad": False, "pad_size": None, "do_center_crop": False, "crop_size": {"height": 1, "width": 1},
        "reduce_labels": False, "processor_class": "ViTProcessor", "data_format": "channels_first",
        "image_mean": "not read", "do_convert_rgb": True,
    }  # fmt: skip
    assert resolved(tmp_path, PLAIN | more) == resolved(tmp_path, PLAIN)


def test_other_inputs_stay_as_they_are():
    inputs = (
        Input(name="a", tensor=TensorSource(column="c")),
        Input(name="b", image=ImageSource(column="i", resize_shortest_edge=7)),
    )
    assert resolved_inputs(inputs, Stores({})) == inputs


def refused(call, match: str, field: str = FIELD, kind=InputUnsupported) -> None:
    with pytest.raises(kind, match=match) as caught:
        call()
    assert [each.field for each in caught.value.violations] == [field]


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"do_pad": True}, "has 'do_pad', which is not among"),
        ({"pad_size": {"height": 9, "width": 9}}, "'pad_size'"),
        ({"do_thumbnail": True}, "'do_thumbnail'"),
        ({"reduce_labels": True}, "'reduce_labels'"),
        ({"rescale_offset": True}, "'rescale_offset'"),
        ({"do_flip_channel_order": True}, "'do_flip_channel_order'"),
        ({"auto_map": {"AutoImageProcessor": "module.Class"}}, "'auto_map'"),
        ({"data_format": "channels_last"}, "'data_format'"),
        ({"x" * 500: 1}, "has 'x{80}', which"),
        ({"image_processor_type": "LevitImageProcessor"}, "of 'LevitImageProcessor', whose steps"),
        ({"image_processor_type": "PoolFormerImageProcessor", "crop_pct": 0.9}, "'PoolFormer"),
        ({"image_processor_type": "ViT"}, "of 'ViT', whose steps are not known"),
        ({"image_processor_type": ["ViTImageProcessor"]}, "whose steps are not known"),
        (
            {"image_processor_type": "ViTImageProcessor", "crop_pct": 0.9},
            "'crop_pct', which belongs",
        ),
        ({"crop_pct": 0.9}, "of ConvNext, whose size must be {shortest_edge}"),
        ({"crop_pct": 0, "size": 32}, "the crop_pct 0.0"),
        ({"crop_pct": 1.5, "size": 32}, "the crop_pct 1.5"),
        ({"crop_pct": 1e-3, "size": 32}, "the crop_pct 0.001"),
        ({"crop_pct": 0.9, "size": 32, "do_center_crop": True, "crop_size": 8}, "and the crop of"),
        ({"size": 224}, "size of one number; write {height, width} or {shortest_edge}"),
        ({"size": {"longest_edge": 9}}, "size of longest_edge; read are"),
        ({"size": {"shortest_edge": 9, "longest_edge": 12}}, "size of longest_edge, shortest_edge"),
        ({"size": {"height": 9}}, "size of height"),
        ({"size": {}}, "size of nothing"),
        ({"size": {"height": 0, "width": 9}}, "'0' for size.height; it must be from 1 to 4096"),
        ({"size": {"height": 5000, "width": 9}}, "'5000' for size.height"),
        ({"size": {"height": True, "width": 9}}, "'True' for size.height"),
        ({"size": {"shortest_edge": 8.5}}, "'8.5' for shortest_edge"),
        ({"size": None}, "does not say size; save it again"),
        ({"resample": 4}, "the resample '4'; read are 0 to 3"),
        ({"resample": None}, "the resample 'None'"),
        ({"resample": [2]}, "the resample"),
        ({"do_resize": None}, "does not say do_resize"),
        ({"do_normalize": None}, "does not say do_normalize"),
        ({"do_resize": "yes"}, "'yes' for do_resize; it must be true or false"),
        ({"do_center_crop": True}, "does not say crop_size"),
        ({"do_center_crop": True, "crop_size": {"shortest_edge": 3}}, "crop_size of shortest_edge"),
        ({"do_normalize": True, "image_std": [1, 1, 1]}, "does not say image_mean"),
        (
            {"do_normalize": True, "image_mean": [0, 0], "image_std": 1},
            "has 2 values of image_mean",
        ),
        ({"do_normalize": True, "image_mean": 0, "image_std": [1, 1, 0]}, "must not hold 0"),
        ({"do_normalize": True, "image_mean": ["a"] * 3, "image_std": 1}, "'a' for image_mean"),
        ({"rescale_factor": "1/255"}, "'1/255' for rescale_factor"),
        ({"rescale_factor": 10**400}, "for rescale_factor"),
    ],
    ids=str,
)
def test_what_is_not_done_here_is_refused_by_name(tmp_path, more, match):
    refused(lambda: resolved(tmp_path, PLAIN | more), match)


def test_colour_is_converted_as_the_input_says_or_not_at_all(tmp_path):
    config = PLAIN | {"do_convert_rgb": True}
    refused(lambda: resolved(tmp_path, config, mode=ImageMode.GREY), "do_convert_rgb, but the mode")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"{'a': 1}", "is not JSON"),
        (b'{"size": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b'"text"', "is not a JSON object"),
        (b'{"size": 1, "size": 2}', "names a key twice"),
        (b'{"rescale_factor": NaN}', "holds NaN"),
        (b'{"rescale_factor": 1e999}', "does not say do_resize|for rescale_factor"),
        (b'{"a": {"b": {"c": {"d": 1}}}}', "nested deeper than 4"),
        (b'{"a":' * 10_000, "nested deeper than 4|is not JSON"),
        (b"[" * 60_000, "nested deeper than 4|is not JSON"),
        (b" " * MAX_BYTES + b"{}", "has more than 64 KiB"),
    ],
    ids=lambda each: repr(each[:20]),
)
def test_what_is_no_such_file_is_refused(tmp_path, content, match):
    refused(lambda: resolved(tmp_path, content), match)


@given(
    st.dictionaries(
        st.sampled_from(sorted({*PLAIN, *RESNET, "crop_size", "do_center_crop", "do_rescale"})),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
            lambda each: (
                st.lists(each, max_size=3)
                | st.dictionaries(st.sampled_from(["height", "width", "shortest_edge"]), each)
            ),
            max_leaves=6,
        ),
    )
)
def test_any_values_are_steps_or_refused(tmp_path_factory, config):
    directory = tmp_path_factory.getbasetemp()
    try:
        source = resolved(directory, PLAIN | config)
    except InputUnsupported as error:
        found = error
    else:
        assert ImageSource.model_validate(source.model_dump()) == source
        return
    assert [each.field for each in found.violations] == [FIELD]


def test_the_field_is_that_of_the_input(tmp_path):
    inputs = [
        Input(name="a", tensor=TensorSource(column="c")),
        Input(name="b", image=ImageSource(column="i", preprocessor_uri="m://missing.json")),
    ]
    refused(
        lambda: resolved_inputs(inputs, Stores({"m": tmp_path})),
        "there is no file",
        FIELD.replace("[0]", "[1]"),
        InputUnavailable,
    )


def test_steps_are_never_left_out_unsaid():
    source = ImageSource(column="i", preprocessor_uri="m://preprocessor_config.json")
    with pytest.raises(AssertionError, match="resolved_inputs comes first"):
        argument(Input(name="x", image=source), i=[encoded(PIXELS)])
