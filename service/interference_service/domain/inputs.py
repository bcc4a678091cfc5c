"""How columns of a row become arguments of the model's forward."""

from enum import StrEnum
from typing import Annotated, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from interference_service.domain.uris import FileUriOrNone

MAX_SIDE = 4096
"""Largest height or width of an image after resize or crop, in pixels."""
MAX_TOKENS = 1 << 20
"""Longest list of tokens."""

ColumnName = Annotated[str, Field(min_length=1, max_length=256)]
Side = Annotated[int, Field(ge=0, le=MAX_SIDE)]


class Value(BaseModel):
    """Base of every frozen value of the specification."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ResizeFilter(StrEnum):
    """Filter of a resize, as Pillow defines them."""

    NEAREST = "RESIZE_FILTER_NEAREST"
    BILINEAR = "RESIZE_FILTER_BILINEAR"
    BICUBIC = "RESIZE_FILTER_BICUBIC"
    LANCZOS = "RESIZE_FILTER_LANCZOS"


class ImageMode(StrEnum):
    """Colour of a decoded image."""

    RGB = "IMAGE_MODE_RGB"
    GREY = "IMAGE_MODE_GREY"
    RGBA = "IMAGE_MODE_RGBA"
    GREY_16 = "IMAGE_MODE_GREY_16"

    @property
    def channels(self) -> int:
        """Number of channels."""
        return {ImageMode.RGB: 3, ImageMode.RGBA: 4}.get(self, 1)

    @property
    def largest(self) -> int:
        """Largest value of a pixel."""
        return 65_535 if self is ImageMode.GREY_16 else 255


class ImageLayout(StrEnum):
    """Order of an image's axes."""

    CHANNELS_FIRST = "IMAGE_LAYOUT_CHANNELS_FIRST"
    CHANNELS_LAST = "IMAGE_LAYOUT_CHANNELS_LAST"


class InputType(StrEnum):
    """Element type of a forward argument."""

    FLOAT32 = "INPUT_TYPE_FLOAT32"
    INT64 = "INPUT_TYPE_INT64"


STEPS = (
    "resize_height",
    "resize_width",
    "resize_shortest_edge",
    "resize_filter",
    "crop_height",
    "crop_width",
    "scale",
    "mean",
    "standard_deviation",
)
"""What is done to a decoded image."""


class ImageSource(Value):
    """Encoded images: decode, resize, crop, scale, normalise, layout, in this order."""

    column: ColumnName
    mode: ImageMode = ImageMode.RGB
    resize_height: Side = 0
    resize_width: Side = 0
    resize_shortest_edge: Side = 0
    resize_filter: ResizeFilter = ResizeFilter.BILINEAR
    crop_height: Side = 0
    crop_width: Side = 0
    scale: FiniteFloat = Field(default_factory=lambda given: _factor(given.get("mode")))
    mean: tuple[FiniteFloat, ...] = ()
    standard_deviation: tuple[FiniteFloat, ...] = ()
    layout: ImageLayout = ImageLayout.CHANNELS_FIRST
    preprocessor_uri: FileUriOrNone = ""

    @model_validator(mode="after")
    def _steps_are_given_once(self) -> Self:
        if self.preprocessor_uri:
            plain = ImageSource(column=self.column, mode=self.mode)
            given = [each for each in STEPS if getattr(self, each) != getattr(plain, each)]
            if given:
                raise ValueError(
                    f"preprocessor_uri says what {', '.join(given)} would; leave them out"
                )
        return self

    @model_validator(mode="after")
    def _sides_agree(self) -> Self:
        _both_or_none("resize", self.resize_height, self.resize_width)
        _both_or_none("crop", self.crop_height, self.crop_width)
        if self.resize_shortest_edge and self.resize_height:
            raise ValueError("resize_shortest_edge excludes resize_height and resize_width")
        for name in ("mean", "standard_deviation"):
            if len(getattr(self, name)) not in {0, self.mode.channels}:
                raise ValueError(f"{name} needs one value per channel ({self.mode.channels})")
        _no_zero(self.standard_deviation)
        return self


class TensorSource(Value):
    """Numbers as the column has them: reshape, scale, normalise along the first axis, cast."""

    column: ColumnName
    shape: tuple[Annotated[int, Field(ge=1, le=1 << 24)], ...] = Field(default=(), max_length=8)
    scale: FiniteFloat = 1.0
    mean: tuple[FiniteFloat, ...] = ()
    standard_deviation: tuple[FiniteFloat, ...] = ()
    type: InputType = InputType.FLOAT32

    @model_validator(mode="after")
    def _steps_agree(self) -> Self:
        _no_zero(self.standard_deviation)
        if self.scale != 1:
            _only_floats("scale", self.type)
        _no_steps_on_integers(self)
        return self


class ColumnsSource(Value):
    """Numeric columns, joined to a vector in this order, normalised and cast."""

    columns: tuple[ColumnName, ...] = Field(min_length=1, max_length=4096)
    mean: tuple[FiniteFloat, ...] = ()
    standard_deviation: tuple[FiniteFloat, ...] = ()
    type: InputType = InputType.FLOAT32
    fill: FiniteFloat | None = None

    @model_validator(mode="after")
    def _steps_agree(self) -> Self:
        for name in ("mean", "standard_deviation"):
            if len(getattr(self, name)) not in {0, len(self.columns)}:
                raise ValueError(f"{name} needs one value per column ({len(self.columns)})")
        _no_zero(self.standard_deviation)
        _no_steps_on_integers(self)
        if self.fill is not None and not self.fill.is_integer():
            _only_floats("fill", self.type)
        return self


class TokensSource(Value):
    """Lists of integers of any length: cut, padded at the end."""

    column: ColumnName
    padding: Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)] = 0
    max_length: Annotated[int, Field(ge=0, le=MAX_TOKENS)] = 0
    fixed_length: bool = False
    mask: bool = False

    @model_validator(mode="after")
    def _fixed_length_is_known(self) -> Self:
        if self.fixed_length and not self.max_length:
            raise ValueError("fixed_length needs max_length, which it pads to")
        return self


Source: TypeAlias = ImageSource | TensorSource | ColumnsSource | TokensSource


class Input(Value):
    """One argument of the model's forward; exactly one source."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
    image: ImageSource | None = None
    tensor: TensorSource | None = None
    columns: ColumnsSource | None = None
    tokens: TokensSource | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = (self.image, self.tensor, self.columns, self.tokens)
        if sum(source is not None for source in sources) != 1:
            raise ValueError("needs exactly one of image, tensor, columns and tokens")
        return self

    @property
    def source(self) -> Source:
        """The one source that is set."""
        source = self.image or self.tensor or self.columns or self.tokens
        assert source is not None  # noqa: S101 - the validator saw to it
        return source

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Names of the columns that this argument is made from."""
        source = self.source
        return source.columns if isinstance(source, ColumnsSource) else (source.column,)


def _factor(mode: ImageMode | None) -> float:
    return 1 / (mode or ImageMode.RGB).largest


def _both_or_none(name: str, height: int, width: int) -> None:
    if bool(height) != bool(width):
        raise ValueError(f"{name}_height and {name}_width must both be set, or neither")


def _no_steps_on_integers(source: "TensorSource | ColumnsSource") -> None:
    for name in ("mean", "standard_deviation"):
        if getattr(source, name):
            _only_floats(name, source.type)


def _only_floats(name: str, type_: InputType) -> None:
    if type_ is InputType.INT64:
        raise ValueError(f"{name} would leave no integers; leave it out, or choose FLOAT32")


def _no_zero(values: tuple[float, ...]) -> None:
    if any(value == 0 for value in values):
        raise ValueError("standard_deviation must not hold 0")
