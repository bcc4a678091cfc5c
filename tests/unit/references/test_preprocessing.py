"""Rows become arguments by what was declared, and by nothing else."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as numpy_strategies
from PIL import Image

from interference_service.domain.inputs import (
    ColumnsSource,
    ImageLayout,
    ImageMode,
    ImageSource,
    Input,
    InputType,
    ResizeFilter,
    TensorSource,
)
from interference_service.errors import InvalidData
from interference_service.references.data.columns import BytesColumn, NumberColumn, Rows
from interference_service.references.preprocessing import MAX_PIXELS, prepare

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(raw: bytes, mode: str = "RGB") -> np.ndarray:
    with Image.open(io.BytesIO(raw)) as image:
        return np.asarray(image.convert(mode))


def argument(given: Input, dtype: torch.dtype = torch.float64, **columns: object) -> torch.Tensor:
    held = {
        name: BytesColumn.of(each) if isinstance(each, list) else NumberColumn(np.asarray(each))
        for name, each in columns.items()
    }
    count = len(next(iter(columns.values())))
    return prepare([given], Rows(held, count), dtype=dtype, device=torch.device("cpu"))[given.name]


def images(*raw: bytes, dtype: torch.dtype = torch.float64, **options: object) -> np.ndarray:
    source = ImageSource(column="i", **options)
    return argument(Input(name="x", image=source), dtype, i=list(raw)).numpy()


def refused(call, field: str, match: str | None = None) -> None:
    with pytest.raises(InvalidData, match=match) as caught:
        call()
    assert [each.field for each in caught.value.violations] == [f"spec.data.inputs[0].{field}"]


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


@pytest.mark.parametrize("options", [{}, {"transparency": bytes([0, 128, 255])}])
@pytest.mark.parametrize("mode", list(ImageMode))
def test_images_with_a_palette_have_its_colours(mode, options):
    palette = Image.fromarray(PIXELS).quantize(8)
    buffer = io.BytesIO()
    palette.save(buffer, "PNG", **options)
    wanted = palette.convert("RGB").convert("RGB" if mode is ImageMode.RGB else "L")
    found = images(buffer.getvalue(), mode=mode, scale=1, layout=ImageLayout.CHANNELS_LAST)
    np.testing.assert_array_equal(found[0].squeeze(), np.asarray(wanted))


def test_sixteen_bits_are_scaled_to_eight():
    wide = np.array([[0, 255, 256], [32768, 65280, 65535]], dtype=np.uint16)
    found = images(encoded(wide), mode=ImageMode.GREY, scale=1)
    np.testing.assert_array_equal(found[0, 0], wide >> 8)


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
    assert abs(found.shape[2] - height * edge / min(width, height)) <= 0.5
    assert abs(found.shape[3] - width * edge / min(width, height)) <= 0.5


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


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"GIF89a" + bytes(20),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        encoded(PIXELS)[:60],
        encoded(PIXELS, "JPEG")[:300],
        encoded(PIXELS, "WEBP")[:40],
        encoded(PIXELS, "BMP"),
        encoded(PIXELS, "TIFF"),
        encoded(PIXELS, "GIF"),
    ],
    ids=lambda raw: repr(raw[:8]),
)
def test_what_is_no_jpeg_png_or_webp_is_refused(raw):
    refused(lambda: images(raw), "image.column", "no JPEG, PNG or WebP")


def huge_png(width: int, height: int) -> bytes:
    """A few bytes that claim to be a large image."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "size", [(4097, 4096), (10_000, 9_000), (12_000, 12_000), (20_000, 20_000), (2**31 - 1, 1)]
)
def test_an_image_that_unfolds_to_too_much_is_refused_undecoded(size):
    raw = huge_png(*size)
    assert len(raw) < 200
    refused(lambda: images(raw), "image.column", f"at most {MAX_PIXELS} pixels")


def test_numbers_in_the_place_of_an_image_are_refused():
    source = Input(name="x", image=ImageSource(column="n"))
    refused(lambda: argument(source, n=np.arange(3)), "image.column", "not the bytes of images")


def tensors(values: object, dtype: torch.dtype = torch.float64, **options: object) -> torch.Tensor:
    given = Input(name="x", tensor=TensorSource(column="n", **options))
    return argument(given, dtype, n=np.asarray(values))


@pytest.mark.parametrize(
    "kind", [np.bool_, np.uint8, np.int16, np.uint16, np.int64, np.float16, np.float32, np.float64]
)
def test_every_type_of_numbers_is_cast(kind):
    found = tensors(np.array([[0, 1], [1, 0]], dtype=kind))
    assert found.dtype is torch.float64
    assert found.tolist() == [[0, 1], [1, 0]]


def test_integers_stay_integers_where_they_are_asked_for():
    found = tensors(np.array([[1, 2]], dtype=np.int32), type=InputType.INT64)
    assert found.dtype is torch.int64
    assert found.tolist() == [[1, 2]]


@pytest.mark.parametrize("kind", [np.float32, np.bool_])
def test_other_numbers_are_no_integers(kind):
    values = np.zeros((1, 2), dtype=kind)
    refused(lambda: tensors(values, type=InputType.INT64), "tensor.column", "not integers")


def test_rows_take_their_shape():
    values = np.arange(24.0).reshape(2, 12)
    np.testing.assert_array_equal(tensors(values, shape=(3, 2, 2)), values.reshape(2, 3, 2, 2))
    refused(lambda: tensors(values, shape=(5, 2)), "tensor.shape", "has 12 numbers a row")


def test_a_tensor_is_normalised_along_its_first_axis():
    values = np.arange(24.0).reshape(2, 12)
    mean, deviation = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 0.5])
    found = tensors(
        values, shape=(3, 4), scale=0.5, mean=tuple(mean), standard_deviation=tuple(deviation)
    )
    cube = values.reshape(2, 3, 4)
    np.testing.assert_allclose(found, (cube * 0.5 - mean[:, None]) / deviation[:, None])


@pytest.mark.parametrize("name", ["mean", "standard_deviation"])
def test_as_many_means_as_entries_of_the_first_axis_are_needed(name):
    refused(lambda: tensors(np.zeros((2, 3)), **{name: (1.0, 1.0)}), f"tensor.{name}")
    refused(lambda: tensors(np.zeros(2), **{name: (1.0,)}), f"tensor.{name}")


@given(
    numpy_strategies.arrays(
        np.float64, st.tuples(st.integers(1, 5), st.just(2)), elements=st.floats(-9, 9)
    )
)
def test_columns_are_joined_in_order_and_normalised_each(values):
    source = ColumnsSource(columns=("b", "a"), mean=(1.0, -2.0), standard_deviation=(2.0, 0.5))
    found = argument(Input(name="x", columns=source), a=values[:, 0], b=values[:, 1])
    expected = np.stack([(values[:, 1] - 1) / 2, (values[:, 0] + 2) / 0.5], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_column_of_lists_or_bytes_is_no_column_of_numbers():
    source = Input(name="x", columns=ColumnsSource(columns=("a", "b")))
    fine = np.zeros(2)
    refused(lambda: argument(source, a=fine, b=np.zeros((2, 3))), "columns.columns[1]", "lists")
    refused(lambda: argument(source, a=[b"1", b"2"], b=fine), "columns.columns[0]", "bytes")


def test_every_input_is_prepared_under_its_name_in_the_type_asked_for():
    given = [
        Input(name="left", tensor=TensorSource(column="n")),
        Input(name="right", tensor=TensorSource(column="n", type=InputType.INT64)),
    ]
    rows = Rows({"n": NumberColumn(np.arange(3))}, 3)
    found = prepare(given, rows, dtype=torch.float32, device=torch.device("cpu"))
    assert {name: each.dtype for name, each in found.items()} == {
        "left": torch.float32,
        "right": torch.int64,
    }


def test_stored_rows_stay_as_they_are():
    stored = np.arange(3.0)
    stored.flags.writeable = False
    found = tensors(stored)
    found += 1
    assert stored.tolist() == [0, 1, 2]
