"""What the verbs are asked that work on pictures: denoise, inpaint, upscale, inspect."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, TypedDict

from pellucid.fields import Option, check, option

Kind = Literal["noise", "mask", "downsample"]
"""what is undone: noise alone, missing pixels, or a reduction"""
LEVELS = ("auto", "mad", "chen")
SEEN_TO = ("auto", "off")
RUNTIMES = ("auto", "torch", "onnx", "openvino")
DTYPES = ("same", "float32")
AXES = ("auto", "t", "z", "none")
DAMAGES = ("auto", "light", "dark", "none")
WHITES = ("auto", "missing", "known")
EFFORTS = ("quick", "normal", "best")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What all verbs that give a picture are asked."""

    verb: ClassVar[str] = ""
    kind: ClassVar[Kind] = "noise"

    method: str = option("auto", metavar="NAME")
    """auto, or a name from `pellucid methods`."""
    preset: str | None = option(None, metavar="NAME")
    """fast (made for two cores, the default), paper, or another; see `pellucid methods NAME`."""
    config: Any = option(None, cli=False)
    """A Config of the method, instead of a preset."""
    set: Mapping[str, Any] | None = option(None, metavar="FIELD=VALUE")
    """Change fields of the Config; see `pellucid methods NAME`."""
    data_range: float | None = option(None, low=0, low_open=True)
    """What white is in the picture, e.g. 4095; else found from its type and values."""
    nodata: float | str = option("auto", metavar="V")
    """Value of pixels without a measurement: they stay as they are; auto finds obvious ones, none none."""
    dtype: str = option("same", choices=DTYPES)
    """Type of what is written: same as what came, or float32, in its units, neither rounded nor cut off."""
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
        _settle_nodata(self)


@dataclass(frozen=True, kw_only=True)
class Denoise(Request):
    """What `denoise` is asked."""

    verb: ClassVar[str] = "denoise"

    shots: bool = option(False)
    """All inputs are shots of one scene: bring them into register and average them."""
    level: str = option("auto", choices=LEVELS)
    """Which measurement of the noise to trust."""
    sigma: float | tuple[float, ...] | Any | str | None = option(None, metavar="S|S,S,S|FILE")
    """Standard deviation of the noise (of each shot), one, one per channel, or a map; else measured."""
    noise_region: str | None = option(None, metavar="Y0:Y1,X0:X1")
    """Measure the noise in these rows and columns only, where nothing else is."""
    model: str | None = option(None, metavar="FILE")
    """Weights, for methods that need them; the name of an installed model will do."""
    runtime: str = option("auto", choices=RUNTIMES)
    """What runs the network of `model`: auto is what `pellucid models tune` kept, else torch."""
    calibration: Any = option(None, metavar="FILE")
    """The camera, as `pellucid calibrate` measured it: takes its pattern off, and tells its noise."""
    hot_pixels: str = option("auto", choices=SEEN_TO)
    """Replace hot and dead pixels that the rest could not have made, salt and pepper; off leaves them."""
    lines: str = option("auto", choices=SEEN_TO)
    """Take off what every row or column of a sensor adds; off leaves it."""
    near_clean: Sequence[str] | str | None = option(None, metavar="A,B")
    """For rs-dip: the methods or weight files that prepare its images."""
    adapt: float | None = option(None, low=0, low_open=True, hint="It is a time in seconds.", metavar="S")
    """Fit the model to each image for S seconds; kept only if pixels that it never saw say it is better."""
    tile: int | None = option(None, low=32, hint="A tile is a square of that many pixels a side.")
    """Side of the tiles in pixels; large images are cut anyway."""
    mask: Any = option(None, metavar="MASK...")
    """Pixels to leave alone, white: one image for all inputs, or one each."""
    axes: str | None = option(None, metavar="LETTERS")
    """What the axes of a stack are, e.g. TYX or TZYX, where its file does not say."""
    axis: str = option("auto", choices=AXES)
    """Whether slices of a film (t) or a volume (z) help each other; none: each by itself."""
    warm_start: bool = option(False)
    """Of a film: begin the fit to each frame from that of the frame before, in a share of its iterations."""
    effort: str = option("normal", choices=EFFORTS)
    """How long to work: quick takes a quarter to a third of the time of normal, best spares nothing."""
    strength: float = option(1.0, low=0, high=1)
    """How much of what was removed is taken off: 1 all of it, 0 nothing."""
    detail: float = option(0.0, low=0, high=1)
    """How much of the fine structure in what was removed is given back, where there is more than noise."""
    keep_brightness: bool = option(False)
    """Keep the mean of every channel, also where a camera has made a noisy photograph too dark."""
    force: bool = option(False)
    """Keep what auto made, also where the last look would take a milder result or the input."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.region
        told = [name for name in ("sigma", "noise_region", "calibration") if getattr(self, name) is not None]
        told += ["level"] if self.level != "auto" else []
        if len(told) > 1:
            raise ValueError(f"{' and '.join(told)} all say which level to take. Keep one of them.")
        if isinstance(self.sigma, int | float) and not (math.isfinite(self.sigma) and self.sigma >= 0):
            raise ValueError(f"sigma must be 0 or more, got {self.sigma}.")
        if self.effort != "normal" and (self.preset is not None or self.config is not None):
            other = f"preset={self.preset!r}" if self.preset is not None else "config"
            raise ValueError(
                f"effort={self.effort!r} and {other} both choose a configuration. Keep one of them."
            )
        if self.guide is not None and self.tile is not None:
            raise ValueError(f"tile={self.tile} cuts the image and not its guide. Leave one of them out.")

    @property
    def region(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Rows and columns of `noise_region`, from and up to, the ends not included.

        >>> Denoise(noise_region="10:60,0:32").region
        ((10, 60), (0, 32))
        >>> Denoise(noise_region="10-60").region
        Traceback (most recent call last):
        ...
        ValueError: noise_region must be Y0:Y1,X0:X1 (rows, columns, from 0), got '10-60'.
        """
        return _region(self.noise_region)


@dataclass(frozen=True, kw_only=True)
class Restore(Denoise):
    """What `restore` is asked: what `denoise` is, and what of the picture is damage."""

    verb: ClassVar[str] = "restore"

    mask: Any = option(None, metavar="MASK...")
    """What is damaged, white: one image for all inputs, or one each; else it is found."""
    damage: str = option("auto", choices=DAMAGES)
    """Whether marks are looked for that are light, dark, either (auto), or none."""
    sensitivity: float = option(0.5, low=0, high=1)
    """How readily a mark is taken for damage: 0 hardly ever, 1 at the least sign."""
    white: str = option("auto", choices=WHITES)
    """What white is in the mask: missing or known; auto: missing, and an error where that is nearly all."""
    document: bool = option(False)
    """It is a page: even out stains and paper, keep the strokes, and look for no damage."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.document and (self.mask is not None or self.damage != "auto"):
            other = "mask" if self.mask is not None else f"damage={self.damage!r}"
            raise ValueError(
                f"document evens a page out and fills nothing, so that {other} means nothing. Leave one of "
                "them out."
            )
        if self.shots:
            raise ValueError("restore works on one picture, not on shots. Use denoise for shots.")


@dataclass(frozen=True, kw_only=True)
class Inpaint(Request):
    """What `inpaint` is asked."""

    verb: ClassVar[str] = "inpaint"
    kind: ClassVar[Kind] = "mask"

    mask: Any = field(metadata={"option": Option(metavar="MASK...")})
    """What is missing, white: one image for all inputs, or one each."""
    white: str = option("auto", choices=WHITES)
    """What white is in the mask: missing or known; auto: missing, and an error where that is nearly all."""
    keep_known: bool = option(True)
    """Give the other pixels back as they are, or let the method denoise them."""


@dataclass(frozen=True, kw_only=True)
class Upscale(Request):
    """What `upscale` is asked."""

    verb: ClassVar[str] = "upscale"
    kind: ClassVar[Kind] = "downsample"

    factor: int = option(2)
    """How many times as wide and high: 2, 4 or 8."""


@dataclass(frozen=True, kw_only=True)
class Inspect:
    """What `inspect` is asked."""

    verb: ClassVar[str] = "inspect"

    data_range: float | None = option(None, low=0, low_open=True)
    """What white is in the picture, e.g. 4095; else found from its type and values."""
    nodata: float | str = option("auto", metavar="V")
    """Value of pixels without a measurement: they stay as they are; auto finds obvious ones, none none."""
    noise_region: str | None = option(None, metavar="Y0:Y1,X0:X1")
    """Measure the noise in these rows and columns only, where nothing else is."""
    axes: str | None = option(None, metavar="LETTERS")
    """What the axes of a stack are, e.g. TYX or TZYX, where its file does not say."""
    axis: str = option("auto", choices=AXES)
    """Whether slices of a film (t) or a volume (z) help each other; none: each by itself."""
    channel_axis: int | None = option(None, cli=False)
    """Of an array that has channels, as in scikit-image."""

    def __post_init__(self) -> None:
        check(self)
        _settle_nodata(self)
        _region(self.noise_region)


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where results are written, and what beside them."""

    out: Path = field(metadata={"option": Option(flag="--out,-o", metavar="PATH")})
    """A file for one input, a folder for several, for a folder, or where the name has no ending."""
    recursive: bool = option(False)
    """Of folders also the folders in them; the outputs are laid out alike."""
    skip_existing: bool = option(False)
    """Leave inputs out whose output exists already, so that a batch goes on where it was broken off."""
    jobs: int | None = option(None, low=1, metavar="N")
    """So many pictures at a time, in processes of one thread each; else one at a time, with all threads."""
    cluster: str | None = option(None, metavar="ADDRESS")
    """Give the work to the workers of a Dask scheduler (tcp://10.0.0.1:8786), which see the same files."""
    suffix: str = option("", metavar="TEXT")
    """Text that is added to the name of every output in a folder, before its ending."""
    format: str | None = option(None, metavar="NAME")
    """png, jpeg, tiff … (docs/formats.md); else by name."""
    raw: str = option("developed", choices=("developed", "linear", "mosaic"))
    """Of a camera's RAW file: a picture in sRGB, in linear light, or the denoised mosaic."""
    reference: tuple[Path, ...] = option((), metavar="CLEAN...")
    """Clean images, one per input, or their folder: adds scores only."""
    report: Path | None = option(None, metavar="FILE")
    """Write an HTML page; a folder of them for several inputs."""
    uncertainty: Path | None = option(None, metavar="FILE")
    """Write how unsure the method is: .tif, .npy or .png; a folder for several."""
    overwrite: bool = option(False)
    """Replace outputs that exist."""
    memory: str | None = option(None, metavar="SIZE")
    """Work region by region in so much anonymous memory, e.g. 2GB (usual for .zarr): TIFF, NPY, OME-Zarr."""

    def __post_init__(self) -> None:
        check(self)
        if self.skip_existing and self.overwrite:
            raise ValueError(
                "skip_existing and overwrite say opposite things of outputs that exist. Keep one."
            )
        if self.jobs is not None and self.cluster is not None:
            raise ValueError(
                f"jobs={self.jobs} works on this machine and cluster={self.cluster!r} on others. Keep one."
            )
        if any(sign in self.suffix for sign in "/\\"):
            raise ValueError(
                f"suffix must be part of a name, got {self.suffix!r}. The folder is that of out."
            )


def _region(text: str | None) -> tuple[tuple[int, int], tuple[int, int]]:
    """Rows and columns of Y0:Y1,X0:X1."""
    if text is None:
        return (0, 0), (0, 0)
    found = re.fullmatch(r"\s*(\d+):(\d+)\s*,\s*(\d+):(\d+)\s*", text)
    rows, columns = (
        ((int(found[1]), int(found[2])), (int(found[3]), int(found[4]))) if found else ((0, 0),) * 2
    )
    if rows[0] >= rows[1] or columns[0] >= columns[1]:
        raise ValueError(f"noise_region must be Y0:Y1,X0:X1 (rows, columns, from 0), got {text!r}.")
    return rows, columns


def _settle_nodata(record: Request | Inspect) -> None:
    """A number as such, also where it came as text; refuse what is neither that nor one of two words."""
    nodata = record.nodata
    if isinstance(nodata, str) and nodata not in ("auto", "none"):
        try:
            object.__setattr__(record, "nodata", float(nodata))
        except ValueError:
            raise ValueError(f"nodata must be a number, auto or none, got {nodata!r}.") from None


class RequestOptions(TypedDict, total=False):
    """The fields of `Request` as keyword arguments; a test holds these records and those equal."""

    preset: str | None
    config: Any
    set: Mapping[str, Any] | None
    data_range: float | None
    nodata: float | str
    dtype: str
    seed: int
    device: str
    stop: str | None
    iterations: int | None
    seconds: float | None
    guide: Any
    initial: Mapping[str, Any] | None
    channel_axis: int | None


class UnmaskedOptions(RequestOptions, total=False):
    """The fields of `Denoise` but its mask as keyword arguments."""

    shots: bool
    level: str
    sigma: float | tuple[float, ...] | Any | str | None
    noise_region: str | None
    hot_pixels: str
    lines: str
    model: str | None
    runtime: str
    calibration: Any
    near_clean: Sequence[str] | str | None
    adapt: float | None
    tile: int | None
    axes: str | None
    axis: str
    warm_start: bool
    effort: str
    strength: float
    detail: float
    keep_brightness: bool
    force: bool


class DenoiseOptions(UnmaskedOptions, total=False):
    """The fields of `Denoise` as keyword arguments."""

    mask: Any


class RestoreOptions(UnmaskedOptions, total=False):
    """The fields of `Restore` as keyword arguments."""

    damage: str
    sensitivity: float
    white: str
    document: bool


class InpaintOptions(RequestOptions, total=False):
    """The fields of `Inpaint` as keyword arguments."""

    white: str
    keep_known: bool
