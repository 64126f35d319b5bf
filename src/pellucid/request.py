"""What a user asks for: one frozen record per verb, made once and read by everybody.

The command line, the Python signature, JSON and every form to come are made from the fields: their names,
types, defaults, limits and the text under each. What is wrong in itself is refused when the record is made;
what depends on a method or on pictures is looked at later. Nothing heavy is imported here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Literal, TypedDict, TypeVar, get_args

from pellucid import checks
from pellucid.fields import Option, check, convert, option, options

LEVELS = ("auto", "mad", "chen")

Record = TypeVar("Record")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What all verbs that give a picture are asked."""

    verb: ClassVar[str] = ""
    kind: ClassVar[Literal["noise", "mask", "downsample"]] = "noise"

    method: str = option("auto", metavar="NAME")
    """auto, or a name from `pellucid methods`."""
    preset: str | None = option(None, metavar="NAME")
    """fast (made for two cores, the default), paper, or another; see `pellucid methods NAME`."""
    config: Any = option(None, cli=False)
    """A Config of the method, instead of a preset."""
    set: Mapping[str, Any] | None = option(None, metavar="FIELD=VALUE")
    """Change fields of the Config; see `pellucid methods NAME`."""
    data_range: float | None = option(None, low=0, low_open=True)
    """What white is in the picture, e.g. 255; needed for floats beyond [-0.5, 1.5]."""
    seed: int = option(0)
    """Seed of every random draw."""
    device: str = option("auto", metavar="DEVICE")
    """auto, cpu, cuda, cuda:N or mps."""
    stop: str | None = option(None, metavar="RULE")
    """Stop rule of an iterative method; else the method's own."""
    iterations: int | None = option(None, low=1)
    """At most so many iterations."""
    seconds: float | None = option(None, low=0, low_open=True)
    """At most so long per input, analysis not counted."""
    guide: Any = option(None, metavar="FILE")
    """Another picture of the scene, as large as the result, e.g. with flash, for dip with preset flash."""
    initial: Mapping[str, Any] | None = option(None, cli=False)
    """State dict of an earlier fit to start from, as in `result.extras["state"]`."""
    channel_axis: int | None = option(None, cli=False)
    """Of an array that has channels, as in scikit-image."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class Denoise(Request):
    """What `denoise` is asked."""

    verb: ClassVar[str] = "denoise"

    shots: bool = option(False)
    """All inputs are shots of one scene: bring them into register and average them."""
    level: str = option("auto", choices=LEVELS)
    """Which measurement of the noise to trust."""
    sigma: float | None = option(None)
    """Standard deviation of the noise (of each shot), in [0, 1] or units of `data_range`; else measured."""
    model: str | None = option(None, metavar="FILE")
    """Weights, for methods that need them; the name of an installed model will do."""
    near_clean: Sequence[str] | str | None = option(None, metavar="A,B")
    """For rs-dip: the methods or weight files that prepare its images."""
    adapt: float | None = option(None, low=0, low_open=True, hint="It is a time in seconds.", metavar="S")
    """Fit the model to each image for S seconds; kept only if pixels that it never saw say it is better."""
    tile: int | None = option(None, low=32, hint="A tile is a square of that many pixels a side.")
    """Side of the tiles in pixels; large images are cut anyway."""

    def __post_init__(self) -> None:
        check(self)
        if self.working_sigma is not None and self.level != "auto":
            raise ValueError(
                f"sigma={self.sigma} states the level and level={self.level!r} measures it. Keep one of them."
            )
        if self.guide is not None and self.tile is not None:
            raise ValueError(f"tile={self.tile} cuts the image and not its guide. Leave one of them out.")

    @property
    def working_sigma(self) -> float | None:
        """The stated level in working units, None where it is measured.

        >>> Denoise(sigma=25, data_range=255).working_sigma == 25 / 255
        True
        >>> Denoise(sigma=25)
        Traceback (most recent call last):
        ...
        ValueError: sigma must be in [0, 1], got 25. For 8-bit units pass sigma=25, data_range=255 ...
        """
        if self.sigma is None:
            return None
        if self.data_range is not None:
            hint = "It is in the units of data_range."
            return checks.in_range("sigma", self.sigma, 0, self.data_range, hint=hint) / self.data_range
        hint = (
            f"For 8-bit units pass sigma={self.sigma:g}, data_range=255 (--sigma {self.sigma:g} --data-range "
            f"255), or divide it yourself: sigma={self.sigma / 255:.4g}."
        )
        return checks.in_range("sigma", self.sigma, 0, 1, hint=hint)


@dataclass(frozen=True, kw_only=True)
class Inpaint(Request):
    """What `inpaint` is asked."""

    verb: ClassVar[str] = "inpaint"
    kind: ClassVar[Literal["noise", "mask", "downsample"]] = "mask"

    mask: Any = field(metadata={"option": Option(metavar="MASK...")})
    """What is missing, white: one image for all inputs, or one each."""
    keep_known: bool = option(True)
    """Give the other pixels back as they are, or let the method denoise them."""


@dataclass(frozen=True, kw_only=True)
class Upscale(Request):
    """What `upscale` is asked."""

    verb: ClassVar[str] = "upscale"
    kind: ClassVar[Literal["noise", "mask", "downsample"]] = "downsample"

    factor: int = option(2)
    """How many times as wide and high: 2, 4 or 8."""


@dataclass(frozen=True, kw_only=True)
class Inspect:
    """What `inspect` is asked."""

    verb: ClassVar[str] = "inspect"

    data_range: float | None = option(None, low=0, low_open=True)
    """What white is in the picture, e.g. 255; needed for floats beyond [-0.5, 1.5]."""
    channel_axis: int | None = option(None, cli=False)
    """Of an array that has channels, as in scikit-image."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where results are written, and what beside them."""

    out: Path = field(metadata={"option": Option(flag="--out,-o", metavar="PATH")})
    """A file for one input, a folder for several."""
    format: str | None = option(None, metavar="NAME")
    """png, jpeg, bmp, tiff or npy; else by name."""
    reference: tuple[Path, ...] = option((), metavar="CLEAN...")
    """Clean images, one per input, or their folder: adds scores only."""
    report: Path | None = option(None, metavar="FILE")
    """Write an HTML page; a folder of them for several inputs."""
    uncertainty: Path | None = option(None, metavar="FILE")
    """Write how unsure the method is: .tif, .npy or .png; a folder for several."""
    overwrite: bool = option(False)
    """Replace outputs that exist."""


class Options(TypedDict, total=False):
    """The fields of `Request` as keyword arguments; a test holds these records and those equal."""

    preset: str | None
    config: Any
    set: Mapping[str, Any] | None
    data_range: float | None
    seed: int
    device: str
    stop: str | None
    iterations: int | None
    seconds: float | None
    guide: Any
    initial: Mapping[str, Any] | None
    channel_axis: int | None


class DenoiseOptions(Options, total=False):
    """The fields of `Denoise` as keyword arguments."""

    shots: bool
    level: str
    sigma: float | None
    model: str | None
    near_clean: Sequence[str] | str | None
    adapt: float | None
    tile: int | None


class InpaintOptions(Options, total=False):
    """The fields of `Inpaint` as keyword arguments."""

    keep_known: bool


def checked(kind: type[Record], given: Mapping[str, Any]) -> Record:
    """The record of keyword arguments.

    Raises:
        TypeError: for an argument that it does not have, with the nearest spelling.
        ValueError: for a value that is out of range.

    >>> checked(Denoise, {"sigam": 0.1})
    Traceback (most recent call last):
    ...
    TypeError: denoise has no argument 'sigam'. Did you mean 'sigma'?
    """
    names = [f.name for f in options(kind) if f.option.python]
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(names)}."
            raise TypeError(f"{getattr(kind, 'verb', kind.__name__)} has no argument {name!r}. {hint}")
    return kind(**given)


def stated(record: Any) -> list[str]:
    """The names of the fields whose values are not the defaults: what was asked for.

    >>> stated(Denoise(method="nlm", set={}))
    ['method']
    """
    return [f.name for f in fields(record) if not _same(getattr(record, f.name), f.default)]


def _same(value: Any, default: Any) -> bool:
    """Whether a value is the default; a picture is never compared."""
    if value is default or (isinstance(value, Mapping) and not value):
        return True
    return isinstance(value, str | int | float | tuple) and type(value) is type(default) and value == default


def to_json(record: Any) -> str:
    """One line of JSON that says what was asked for; `from_json` makes an equal record of it.

    Raises:
        ValueError: for what JSON cannot hold: a picture, a Config, weights.

    >>> to_json(Denoise(method="nlm", sigma=25, data_range=255))
    '{"data_range": 255, "method": "nlm", "sigma": 25}'
    """
    told = {name: _plain(name, getattr(record, name)) for name in stated(record)}
    return json.dumps(told, sort_keys=True, allow_nan=False)


def from_json(kind: type[Record], text: str) -> Record:
    """The record that `to_json` wrote, or that a person did: fields that are left out have their defaults.

    Raises:
        ValueError: for a text that is no JSON object, a field that does not exist, or a value that is wrong.

    >>> from_json(Denoise, '{"method": "nlm", "iterations": "many"}')
    Traceback (most recent call last):
    ...
    ValueError: iterations must be a whole number or none, got 'many'.
    """
    try:
        told = json.loads(text)
    except ValueError as error:
        raise ValueError(f"a request must be JSON, got {text[:40]!r}.") from error
    if not isinstance(told, dict):
        raise ValueError(f"a request must be a JSON object, got {type(told).__name__}.")
    types = {f.name: f.type for f in options(kind)}
    for name in told:
        checks.one_of("field", name, list(types))
    return kind(**{name: _read(name, types[name], value) for name, value in told.items()})


def _read(name: str, hint: Any, value: Any) -> Any:
    """A value of JSON as the type of a field; text stays text where the field takes it, "none" too."""
    return value if isinstance(value, str) and str in (hint, *get_args(hint)) else convert(name, hint, value)


def _plain(name: str, value: Any) -> Any:
    """The value as JSON knows it."""
    if isinstance(value, tuple):
        return [_plain(name, item) for item in value]
    if isinstance(value, Path):
        return str(value)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} cannot be written as JSON, got {type(value).__name__}. Name a file, or use set."
        ) from None
    return value
