"""Encoded images become numbers as declared, and as Pillow decodes them."""

import io
import zlib

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as numpy_strategies
from PIL import Image

from interference_service.domain.inputs import (
    ImageLayout,
    ImageMode,
    ImageSource,
    Input,
    ResizeFilter,
)
from support.hostile_images import png
from support.prepared import argument, encoded, images, refused

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def decoded(raw: bytes, mode: str = "RGB") -> np.ndarray:
    with Image.open(io.BytesIO(raw)) as image:
        return np.asarray(image.convert(mode))


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
def test_pixels_become_numbers_from_0_to_1_with_channels_first(kind, options):
    found = images(encoded(PIXELS, kind, **options))
    np.testing.assert_allclose(found[0], PIXELS.transpose(2, 0, 1) / 255, rtol=1e-12)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_images_are_decoded_as_pillow_does(kind):
    raw = encoded(PIXELS, kind)
    np.testing.assert_allclose(images(raw)[0], decoded(raw).transpose(2, 0, 1) / 255, rtol=1e-12)


@given(
    pixels=numpy_strategies.arrays(np.uint8, st.tuples(*[st.integers(1, 6)] * 2, st.just(3))),
    scale=st.floats(-3, 3),
    mean=st.tuples(*[st.floats(-2, 2)] * 3),
    deviation=st.tuples(*[st.floats(0.1, 4)] * 3),
)
def test_scale_mean_and_deviation_are_applied_per_channel(pixels, scale, mean, deviation):
    options = {"scale": scale, "mean": mean, "standard_deviation": deviation}
    expected = (pixels * scale - np.array(mean)) / np.array(deviation)
    last = images(encoded(pixels), layout=ImageLayout.CHANNELS_LAST, **options)
    np.testing.assert_allclose(last[0], expected, rtol=1e-9, atol=1e-9)
    first = images(encoded(pixels), **options)
    np.testing.assert_array_equal(first, last.transpose(0, 3, 1, 2))


def test_grey_images_have_one_channel():
    found = images(encoded(PIXELS), mode=ImageMode.GREY, scale=1)
    np.testing.assert_array_equal(found[0, 0], decoded(encoded(PIXELS), "L"))
    assert found.shape == (1, 1, 5, 7)


def test_a_grey_image_asked_for_in_colour_has_equal_channels():
    found = images(encoded(PIXELS[:, :, 0]), scale=1)
    np.testing.assert_array_equal(found[0], np.stack([PIXELS[:, :, 0]] * 3))


def test_transparency_is_dropped():
    opacity = np.full((5, 7, 1), 128, dtype=np.uint8)
    found = images(encoded(np.concatenate([PIXELS, opacity], axis=2)), scale=1)
    np.testing.assert_array_equal(found[0], PIXELS.transpose(2, 0, 1))


def as_stored(raw: bytes, **options: object) -> np.ndarray:
    """Pixels of the first image as they are, channels last."""
    return images(raw, scale=1, layout=ImageLayout.CHANNELS_LAST, **options)[0]


COLOURS = Image.fromarray(PIXELS)
OPACITY = np.random.default_rng(1).integers(0, 256, (5, 7), dtype=np.uint8)
GREY_AND_OPACITY = Image.merge("LA", [COLOURS.convert("L"), Image.fromarray(OPACITY)])
SEEN = {
    "palette": (encoded(COLOURS.quantize(8)), COLOURS.quantize(8).convert("RGB")),
    "palette with opacity": (
        encoded(COLOURS.quantize(8), transparency=bytes([0, 128, 255])),
        COLOURS.quantize(8).convert("RGB"),
    ),
    "grey and opacity": (encoded(GREY_AND_OPACITY), COLOURS.convert("L").convert("RGB")),
    "one bit": (encoded(COLOURS.convert("1")), COLOURS.convert("1").convert("RGB")),
    "grey with one clear shade": (
        encoded(COLOURS.convert("L"), transparency=7), COLOURS.convert("L").convert("RGB"),
    ),
    "one clear colour": (encoded(COLOURS, transparency=(1, 2, 3)), COLOURS),
}  # fmt: skip
"""Files of every kind, and the colours that a viewer shows on opaque ground."""


@pytest.mark.parametrize("kind", SEEN)
def test_every_kind_of_png_has_its_colours_in_every_mode(kind):
    raw, wanted = SEEN[kind]
    grey = np.asarray(wanted.convert("L")).astype(int)
    np.testing.assert_array_equal(as_stored(raw), np.asarray(wanted))
    np.testing.assert_array_equal(as_stored(raw, mode=ImageMode.GREY)[..., 0], grey)
    np.testing.assert_array_equal(as_stored(raw, mode=ImageMode.GREY_16)[..., 0], grey * 257)
    np.testing.assert_array_equal(as_stored(raw, mode=ImageMode.RGBA)[..., :3], np.asarray(wanted))


def test_opacity_is_the_fourth_channel_where_it_is_asked_for():
    found = as_stored(encoded(GREY_AND_OPACITY), mode=ImageMode.RGBA)
    np.testing.assert_array_equal(found[..., 3], OPACITY)
    assert (as_stored(encoded(PIXELS), mode=ImageMode.RGBA)[..., 3] == 255).all()
    clear = as_stored(encoded(COLOURS.quantize(8), transparency=bytes(8)), mode=ImageMode.RGBA)
    assert (clear[..., 3] == 0).all()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "quality": 95}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_kind_of_jpeg_has_the_colours_that_pillow_sees(mode, options):
    raw = encoded(COLOURS.convert(mode), "JPEG", **options)
    np.testing.assert_array_equal(as_stored(raw), decoded(raw))


def test_the_orientation_that_a_camera_noted_is_not_applied():
    exif = Image.Exif()
    exif[0x0112] = 6
    raw = encoded(PIXELS, "JPEG", exif=exif)
    np.testing.assert_array_equal(as_stored(raw), decoded(encoded(PIXELS, "JPEG")))


@pytest.mark.parametrize("options", [{}, {"default_image": True}])
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_taken(kind, options):
    others = [Image.fromarray(255 - PIXELS), Image.fromarray(PIXELS // 2)]
    lossless = {"save_all": True, "append_images": others, "lossless": True, "quality": 100}
    raw = encoded(PIXELS, kind, **lossless, **options)
    with Image.open(io.BytesIO(raw)) as image:
        assert image.n_frames > 1
    np.testing.assert_array_equal(as_stored(raw), PIXELS)


WIDE = np.array([[0, 255, 256], [32768, 65280, 65535]], dtype=np.uint16)


def test_sixteen_bits_are_kept_where_they_are_asked_for():
    found = images(encoded(WIDE), mode=ImageMode.GREY_16)
    np.testing.assert_allclose(found[0, 0], WIDE / 65535, rtol=1e-12)


@pytest.mark.parametrize("which", [each for each in ResizeFilter if each != ResizeFilter.NEAREST])
def test_sixteen_bits_are_resized_and_cropped_as_they_are(which):
    # Far from black and white, for between its two passes Pillow clips what goes beyond them.
    smooth = (20_000 + 3_000 * np.add.outer(np.arange(3), np.arange(4))).astype(np.uint16)
    found = as_stored(
        encoded(smooth), mode=ImageMode.GREY_16, resize_height=8, resize_width=6, resize_filter=which,
        crop_height=4, crop_width=4,
    )  # fmt: skip
    name = which.value.removeprefix("RESIZE_FILTER_")
    wanted = Image.fromarray(smooth.astype(np.float32)).resize((6, 8), Image.Resampling[name])
    assert np.abs(found[..., 0] - np.asarray(wanted)[2:6, 1:5]).max() <= 1


def test_a_colour_image_of_sixteen_bits_does_not_lose_eight_of_them_unsaid():
    deep = png(2, 1, 16, 2, zlib.compress(b"\0" + bytes(range(12))))
    np.testing.assert_array_equal(as_stored(deep), [[[0, 2, 4], [6, 8, 10]]])
    refused(lambda: images(deep, mode=ImageMode.GREY_16), "image.column", "16 bits, of which 8")


def test_sixteen_bits_are_scaled_to_eight():
    for mode in (ImageMode.GREY, ImageMode.RGB, ImageMode.RGBA):
        found = images(encoded(WIDE), mode=mode, scale=1)
        np.testing.assert_array_equal(found[0, 0], WIDE >> 8)


@pytest.mark.parametrize("which", list(ResizeFilter))
def test_a_resize_is_pillows_with_the_named_filter(which):
    name = which.value.removeprefix("RESIZE_FILTER_")
    wanted = Image.fromarray(PIXELS).resize((4, 9), Image.Resampling[name])
    found = images(encoded(PIXELS), resize_width=4, resize_height=9, resize_filter=which, scale=1)
    np.testing.assert_array_equal(found[0], np.asarray(wanted).transpose(2, 0, 1))


@given(width=st.integers(1, 60), height=st.integers(1, 60), edge=st.integers(1, 24))
def test_the_shortest_edge_gets_its_length_and_the_other_keeps_the_shape(width, height, edge):
    raw = encoded(np.zeros((height, width), dtype=np.uint8))
    found = images(raw, resize_shortest_edge=edge)
    assert min(found.shape[2:]) == edge
    assert 0 <= height * edge / min(width, height) - found.shape[2] < 1
    assert 0 <= width * edge / min(width, height) - found.shape[3] < 1


def test_a_long_strip_is_not_blown_up():
    strip = encoded(np.zeros((1, 5000), dtype=np.uint8))
    assert images(strip, resize_shortest_edge=100, mode=ImageMode.GREY).shape == (1, 1, 100, 4096)


@given(st.integers(1, 5), st.integers(1, 7))
def test_a_crop_is_the_middle(height, width):
    found = images(encoded(PIXELS), crop_height=height, crop_width=width, scale=1)
    top, left = (5 - height) // 2, (7 - width) // 2
    middle = PIXELS[top : top + height, left : left + width]
    np.testing.assert_array_equal(found[0], middle.transpose(2, 0, 1))


def test_a_resize_comes_before_the_crop():
    found = images(
        encoded(PIXELS), resize_height=10, resize_width=14, crop_height=6, crop_width=6, scale=1,
        resize_filter=ResizeFilter.NEAREST,
    )  # fmt: skip
    large = PIXELS.repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(found[0], large[2:8, 4:10].transpose(2, 0, 1))


def test_images_of_different_sizes_need_a_resize():
    small, large = encoded(PIXELS[:3]), encoded(PIXELS)
    refused(lambda: images(small, large), "image.column", "set resize_height and resize_width")
    assert images(small, large, resize_height=4, resize_width=4).shape == (2, 3, 4, 4)


def test_an_image_smaller_than_its_crop_is_refused():
    refused(lambda: images(encoded(PIXELS), crop_height=6, crop_width=7), "image.column", "small")


def test_numbers_in_the_place_of_an_image_are_refused():
    source = Input(name="x", image=ImageSource(column="n"))
    refused(lambda: argument(source, n=np.arange(3)), "image.column", "not the bytes of images")


def test_lists_of_integers_in_the_place_of_an_image_are_refused():
    source = Input(name="x", image=ImageSource(column="n"))
    refused(lambda: argument(source, n=[[1], [2, 3]]), "image.column", "not the bytes of images")
