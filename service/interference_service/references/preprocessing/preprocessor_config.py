"""``preprocessor_config.json`` of Hugging Face as the steps of an image source.

Only of the processors that resize, crop, rescale and normalise and do nothing else, in this order; what a
file says beyond that is refused by its name, unless it says that it is not done. The pixels are those
of the processors that work with Pillow, but for rounding; those that work with torchvision round a resize
otherwise, as a rule by one of 255 levels.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from interference_service.domain.inputs import (
    MAX_SIDE,
    ImageMode,
    ImageSource,
    Input,
    ResizeFilter,
)
from interference_service.errors import AnalysisError, InputUnsupported
from interference_service.references.stores import Stores

MAX_BYTES = 64 << 10
"""Largest file."""
MAX_DEPTH = 4
"""Objects within objects."""

_Config = Mapping[str, Any]
_Steps = dict[str, Any]
_TYPE = re.compile("(?P<name>[A-Za-z0-9]{1,64}?)(ImageProcessor(Fast|Pil)?|FeatureExtractor)")
_CONVNEXT = "ConvNext"
_SQUARE = frozenset({"Beit", "Blip", "DeiT", "OwlViT", "Pvt", "Segformer", "ViT"})
"""Processors that take a size of one number as height and width."""
_SHORTEST_EDGE = frozenset(
    {"Bit", "CLIP", "ChineseCLIP", "MobileNetV1", "MobileNetV2", "Siglip", _CONVNEXT}
)
"""Those that take it as the shortest edge."""
_FILTERS = {
    0: ResizeFilter.NEAREST,
    1: ResizeFilter.LANCZOS,
    2: ResizeFilter.BILINEAR,
    3: ResizeFilter.BICUBIC,
}
"""By their numbers in Pillow."""
_PIXELS = frozenset(
    {
        "do_resize", "size", "resample", "crop_pct", "do_center_crop", "crop_size", "do_rescale",
        "rescale_factor", "do_normalize", "image_mean", "image_std", "do_convert_rgb",
    }
)  # fmt: skip
_OTHERS = frozenset(
    {
        "image_processor_type", "feature_extractor_type", "processor_class",
        "_name_or_path", "_valid_processor_keys", "_processor_class", "transformers_version",
    }
)  # fmt: skip
"""What says nothing about pixels; nothing that is named there is imported."""
_HARMLESS = (("data_format", "channels_first"),)
_CONVNEXT_CROPPED_BELOW = 384
_CONVNEXT_CROP = 224 / 256


class _Unfit(ValueError):
    """Something in the file that is not read."""


def resolved_inputs(inputs: Sequence[Input], stores: Stores) -> tuple[Input, ...]:
    """The inputs with the steps of their preprocessors written out.

    Args:
        inputs: As the client gave them.
        stores: The operator's stores.

    Returns:
        The same inputs, none of which has a ``preprocessor_uri``.

    Raises:
        InputUnavailable: A file is missing, or cannot be read.
        InputUnsupported: A file is too large, or says what is not done here.
    """
    return tuple(
        _resolved(each, f"data.inputs[{index}].image.preprocessor_uri", stores)
        for index, each in enumerate(inputs)
    )


def _resolved(each: Input, field: str, stores: Stores) -> Input:
    source = each.image
    if source is None or not source.preprocessor_uri:
        return each
    try:
        config = _read(source.preprocessor_uri, field, stores)
        steps = _steps(config, source.mode)
        given = source.model_dump(include={"column", "mode", "layout"})
        image = ImageSource.model_validate({**given, **steps})
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise _refused(source.preprocessor_uri, field, f"does not fit: {reason}") from error
    except _Unfit as error:
        raise _refused(source.preprocessor_uri, field, str(error)) from error
    return each.model_copy(update={"image": image})


def _refused(uri: str, field: str, reason: str) -> AnalysisError:
    return InputUnsupported.at(
        field, f"{uri!r} {reason}; or leave preprocessor_uri out and give the steps themselves"
    )


def _read(uri: str, field: str, stores: Stores) -> _Config:
    with stores.open(uri, field) as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise _Unfit(f"has more than {MAX_BYTES >> 10} KiB")
    try:
        found = json.loads(content, object_pairs_hook=_unique, parse_constant=_no_number)
    except RecursionError as error:
        raise _Unfit(f"is nested deeper than {MAX_DEPTH}") from error
    except _Unfit:
        raise
    except ValueError as error:
        raise _Unfit("is not JSON") from error
    if not isinstance(found, dict):
        raise _Unfit("is not a JSON object")
    _check_depth(found, MAX_DEPTH)
    return {key: value for key, value in found.items() if value is not None}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise _Unfit("names a key twice")
    return dict(pairs)


def _no_number(text: str) -> Any:
    raise _Unfit(f"holds {text}")


def _check_depth(value: Any, left: int) -> None:
    if not left:
        raise _Unfit(f"is nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            _check_depth(each, left - 1)


def _steps(config: _Config, mode: ImageMode) -> _Steps:
    _check_keys(config)
    kind = _kind(config)
    if _flag(config, "do_convert_rgb", default=False) and mode is not ImageMode.RGB:
        raise _Unfit(f"has do_convert_rgb, but the mode of the input is {mode}")
    steps = {
        **_resize(config, kind),
        **_center_crop(config),
        **_rescale(config),
        **_normalise(config, mode),
    }
    if kind == _CONVNEXT and _flag(config, "do_resize"):
        steps |= _convnext(config)
    return steps


def _check_keys(config: _Config) -> None:
    for key, value in config.items():
        not_done = value is False and key.startswith(("do_", "reduce_"))
        if key not in _PIXELS | _OTHERS and not not_done and (key, value) not in _HARMLESS:
            raise _Unfit(f"has {key[:80]!r}, which is not among the steps that are done here")


def _kind(config: _Config) -> str:
    """Processor that the file is of, without what all names end in; empty: not said."""
    name = config.get("image_processor_type", config.get("feature_extractor_type"))
    if name is None:
        return _CONVNEXT if "crop_pct" in config else ""
    found = _TYPE.fullmatch(name) if isinstance(name, str) else None
    kind = found["name"] if found else ""
    known = _SQUARE | _SHORTEST_EDGE
    if kind not in known:
        raise _Unfit(
            f"is of {str(name)[:80]!r}, whose steps are not known here; known are those of "
            f"{', '.join(sorted(known))}"
        )
    if "crop_pct" in config and kind != _CONVNEXT:
        raise _Unfit("has 'crop_pct', which belongs to ConvNext alone")
    return kind


def _resize(config: _Config, kind: str) -> _Steps:
    if not _flag(config, "do_resize"):
        return {}
    number = config.get("resample")
    if type(number) is not int or number not in _FILTERS:
        raise _Unfit(
            f"has the resample {str(number)[:80]!r}; read are 0 to 3, as Pillow numbers its filters"
        )
    return {**_size(config, kind), "resize_filter": _FILTERS[number]}


def _size(config: _Config, kind: str) -> _Steps:
    size = _required(config, "size")
    if not isinstance(size, dict):
        edge = _side("size", size)
        if not kind:
            raise _Unfit("has a size of one number; write {height, width} or {shortest_edge}")
        if kind in _SHORTEST_EDGE:
            return {"resize_shortest_edge": edge}
        return {"resize_height": edge, "resize_width": edge}
    sides = {key: each for key, each in size.items() if each is not None}
    if sides.keys() == {"shortest_edge"}:
        return {"resize_shortest_edge": _side("shortest_edge", sides["shortest_edge"])}
    return _pair("size", sides, "resize")


def _convnext(config: _Config) -> _Steps:
    """A resize that leaves a margin, and a crop; from 384 on, a square without a crop."""
    edge = _size(config, _CONVNEXT).get("resize_shortest_edge")
    if edge is None:
        raise _Unfit("is of ConvNext, whose size must be {shortest_edge}")
    if _flag(config, "do_center_crop", default=False):
        raise _Unfit("has both 'do_center_crop' and the crop of ConvNext")
    if edge >= _CONVNEXT_CROPPED_BELOW:
        return {"resize_shortest_edge": 0, "resize_height": edge, "resize_width": edge}
    part = _number("crop_pct", config.get("crop_pct", _CONVNEXT_CROP))
    if not edge / MAX_SIDE <= part <= 1:
        raise _Unfit(f"has the crop_pct {part}; it must be a part of the image, at most 1")
    return {"resize_shortest_edge": int(edge / part), "crop_height": edge, "crop_width": edge}


def _center_crop(config: _Config) -> _Steps:
    if not _flag(config, "do_center_crop", default=False):
        return {}
    size = _required(config, "crop_size")
    if not isinstance(size, dict):
        size = {"height": size, "width": size}
    return _pair("crop_size", {key: each for key, each in size.items() if each is not None}, "crop")


def _pair(name: str, sides: _Config, step: str) -> _Steps:
    if sides.keys() != {"height", "width"}:
        keys = ", ".join(sorted(sides))[:80]
        raise _Unfit(f"has a {name} of {keys or 'nothing'}; read are height and width, and of a "
                     "resize shortest_edge")  # fmt: skip
    return {f"{step}_{side}": _side(f"{name}.{side}", each) for side, each in sides.items()}


def _rescale(config: _Config) -> _Steps:
    if not _flag(config, "do_rescale", default=True):
        return {"scale": 1.0}
    return {"scale": _number("rescale_factor", config.get("rescale_factor", 1 / 255))}


def _normalise(config: _Config, mode: ImageMode) -> _Steps:
    if not _flag(config, "do_normalize"):
        return {}
    return {
        step: _per_channel(key, _required(config, key), mode)
        for step, key in (("mean", "image_mean"), ("standard_deviation", "image_std"))
    }


def _per_channel(key: str, value: Any, mode: ImageMode) -> tuple[float, ...]:
    if not isinstance(value, list):
        return (_number(key, value),) * mode.channels
    if len(value) != mode.channels:
        raise _Unfit(f"has {len(value)} values of {key}; {mode} has {mode.channels} channels")
    return tuple(_number(key, each) for each in value)


def _flag(config: _Config, key: str, *, default: bool | None = None) -> bool:
    value = config.get(key, default)
    if value is None:
        raise _Unfit(f"does not say {key}; save it again, which writes every step")
    if not isinstance(value, bool):
        raise _Unfit(f"has {str(value)[:80]!r} for {key}; it must be true or false")
    return value


def _required(config: _Config, key: str) -> Any:
    if key not in config:
        raise _Unfit(f"does not say {key}; save it again, which writes every step")
    return config[key]


def _side(key: str, value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MAX_SIDE:
        raise _Unfit(f"has {str(value)[:80]!r} for {key}; it must be from 1 to {MAX_SIDE}")
    return value


def _number(key: str, value: Any) -> float:
    if type(value) not in {int, float} or not abs(value) < 1e30 or not math.isfinite(value):
        raise _Unfit(f"has {str(value)[:80]!r} for {key}; it must be a number")
    return float(value)
