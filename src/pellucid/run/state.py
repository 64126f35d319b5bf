"""State: everything that is known of one run, from what came to what goes out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from pellucid.auto import Choice
from pellucid.degradation import Degradation, Identity
from pellucid.image import Image
from pellucid.noise.layout import Layout
from pellucid.noise.mosaic import Mosaic
from pellucid.noise.report import NoiseReport
from pellucid.noise.stripes import Wave
from pellucid.request import Request
from pellucid.series.report import Series
from pellucid.shots import Aligned
from pellucid.steps import Method, Result, Trust

if TYPE_CHECKING:
    from pellucid.run.adaptation import Adapted
    from pellucid.run.settings import Settings

_LATER: Any = None
"""what a field holds before the stage that sets it"""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run is; given to the progress callback at every step.

    Attributes:
        slice: slice at work, from 1.
        slices: slices of the stack.
        iteration: iteration within this slice (or tile), from 1.
        total: planned iterations, or None when open.
        phase: what is being done.
        loss: detached scalar tensor or None; calling float() on it may wait for the device, so do it seldom.
        statistic: what the stop rule looks at, or None.
        seconds: since the start of this slice.
        limit: seconds that this slice may take, or None.
    """

    slice: int
    slices: int
    iteration: int
    total: int | None
    phase: str
    loss: Tensor | None
    statistic: float | None
    seconds: float
    limit: float | None


Watcher = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class Job:
    """The files of one run: its input (or the shots of its scene), its output, and what else to make of it.

    Attributes:
        inputs: the shots of a scene, one for a picture.
        output: what the result is written to.
        format: of the output, or None for that of its name.
        reference: a clean picture that the result is compared with, or None; it never reaches the method.
        report: an HTML page, or None.
        uncertainty: the map of how unsure the method is, or None.
        overwrite: whether files that exist may be replaced.
        make: whether folders may be made: those of several outputs are, that of a single one must exist.
        raw: of a camera's mosaic, what is written.
        mask: the picture of what was found to be damaged, or None.
    """

    inputs: tuple[Path, ...]
    output: Path
    format: str | None = None
    reference: Path | None = None
    report: Path | None = None
    uncertainty: Path | None = None
    overwrite: bool = False
    make: bool = False
    raw: str = "developed"
    mask: Path | None = None

    def taken(self) -> FileExistsError:
        """Why an output that exists is not written, and what there is to do."""
        if any(path.exists() and path.samefile(self.output) for path in self.inputs):
            return FileExistsError(
                f"{self.output} is the input itself. Name another output, which keeps it; --overwrite would "
                "replace it."
            )
        return FileExistsError(f"{self.output} exists. Pass --overwrite to replace it.")


@dataclass(frozen=True, kw_only=True)
class NearClean:
    """Near-clean images and what to compare with.

    Attributes:
        names: who made each of the images.
        images: (K, N, C, H, W).
        average_name: who denoised the average of the shots.
        average: (N, C, H, W) the average of several shots, denoised once; None for one shot.
    """

    names: tuple[str, ...]
    images: Tensor
    average_name: str
    average: Tensor | None


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What was found in a picture besides its noise, and done about it before the noise was measured.

    Attributes:
        layouts: arrangements in which the picture is filtered, one after the other.
        sound: (N, C, H, W) the first shot without hot and dead pixels, or None where it has none.
        hot: how many values were too bright for their surroundings, and replaced.
        dead: how many were too dark.
        impulses: share of the values that were salt or pepper, and replaced.
        rows: standard deviation of what was taken off the rows, working units; 0 where they had no offsets.
        columns: the same for columns.
        stripes: the waves that were taken off, of the first picture that had any.
        notes: what was taken off or replaced, in words.
    """

    layouts: tuple[Layout, ...] = ()
    sound: Tensor | None = field(default=None, repr=False)
    hot: int = 0
    dead: int = 0
    impulses: float = 0.0
    rows: float = 0.0
    columns: float = 0.0
    stripes: tuple[Wave, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """How the picture is laid out and why; "" where it is filtered as it came."""
        return "; ".join(layout.words for layout in self.layouts)

    @property
    def mosaic(self) -> bool:
        """Whether the channels are the phases of a mosaic."""
        return bool(self.layouts) and isinstance(self.layouts[-1], Mosaic)

    @property
    def sentences(self) -> tuple[str, ...]:
        """All that was found, one sentence each."""
        found = (*(layout.words for layout in self.layouts), *self.notes)
        return tuple(f"{words[0].upper()}{words[1:]}." for words in found)

    def to_json(self) -> dict[str, Any]:
        """Plain values, working units."""
        return {
            "layout": [layout.words for layout in self.layouts],
            "hot_pixels": self.hot,
            "dead_pixels": self.dead,
            "impulses": self.impulses,
            "rows": self.rows,
            "columns": self.columns,
            "stripes": [{"period": wave.period, "amplitude": wave.amplitude} for wave in self.stripes],
        }

    def lay(self, pixels: Tensor) -> Tensor:
        """(..., C, H, W) as in the file, as it is filtered."""
        for layout in self.layouts:
            pixels = layout.lay(pixels)
        return pixels

    def lay_map(self, levels: Tensor) -> Tensor:
        """The same for levels or flags of all pixels."""
        for layout in self.layouts:
            levels = layout.lay_map(levels)
        return levels

    def back(self, laid: Tensor, index: int) -> Tensor:
        """(..., C', H', W') of a slice as it was filtered, as in the file."""
        for layout in reversed(self.layouts):
            laid = layout.back(laid, index)
        return laid

    def back_map(self, laid: Tensor, index: int) -> Tensor:
        """The same for a map of standard deviations."""
        for layout in reversed(self.layouts):
            laid = layout.back_map(laid, index)
        return laid


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a method made of one slice.

    Attributes:
        estimate: (C, H, W) on the CPU, as it comes out.
        iterations: steps done.
        stopped_by: "finished", the name of a stop rule, "iterations", "seconds" or "interrupted".
        curves: figures by iteration.
        extras: what else the method gave.
        notes: what the user should know.
    """

    estimate: Tensor
    iterations: int = 0
    stopped_by: str = "finished"
    curves: Mapping[str, list[float]] = field(default_factory=dict)
    extras: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def interrupted(self) -> bool:
        """Whether the user ended it."""
        return self.stopped_by == "interrupted"


@dataclass(frozen=True, kw_only=True)
class State:
    """One run. Every stage is a function from a State to the next, which holds more.

    Attributes:
        settings: the request, checked, with its method.
        given: what Python gave: an Image, an array or a tensor for every shot; empty where a job names files.
        job: the files to read and write, or None.
        progress: called at every step, or None.
        notes: what the user should know, in the order in which it came up.

        images: (load) one per shot; the first carries what the result is written back with.
        shots: (load, align) (S, N, C, H, W) working units, S shots of N slices.
        holes: (load) (N, H, W) bool, the pixels that take no part and come back as they are: those without a
            measurement, where `shots` continue what lies around, and those that the user masked; or None.
        degradation: (load) what happened besides noise.
        guide: (load) (N, C', H', W') second picture of the scene, or None.
        reference: (load) the clean picture to compare with, or None.
        damage: (find) (N, H, W) bool, the pixels that are filled before the picture is denoised, or None
            where nothing is to be filled; until `fill` they are `holes` too, so that nothing is measured
            there.
        repaired: (find, fill) (N, C, H, W) the first shot with its damage filled or its paper evened, or
            None.
        started: (load) when the clock of the run began, as `time.perf_counter` tells.

        aligned: (align) how the shots were brought into register.
        noisy: (align) (N, C, H, W) their average.

        prepared: (prepare) what was found besides the noise; from here on `shots` and `noisy` are without it,
            and laid out for the filter, until `put_back`.
        color: (prepare) whether the channels of `noisy` are display colours.
        still: (prepare) (N, H, W) bool, constant parts of `noisy` at an end of its values, which come back
            as they are; or None.

        spoilt: (mend) (N, C, H, W) bool as in the file, salt and pepper that `shots` are without; or None.

        stated: (analyse) the level of the noise of `noisy` that the user stated, (C, 1, 1) or a map of
            (C, H, W), or that of the region that he named; None where all is measured.
        noise: (analyse) the report of `noisy`.
        reports: (analyse) one for every slice, where slices differ; else empty.
        each: (analyse) the report of every slice of a stack, alike or not; empty where the level was stated.
        series: (follow) what goes on along the axes of a stack: one for every run of slices along an axis.

        choice: (choose) what to do, and why.
        choices: (choose) the same for every slice, where slices differ; else empty.
        runs: (choose) slices that the method takes together, by index, in their order; none where it takes
            each by itself.
        method: (choose) that does it, or None where nothing is done.
        rule: (choose) when it stops, as text for `stopping.parse`; "" where it ends by itself.

        near_clean: (near_clean) what other methods made of the shots, for one that starts from there.
        adapted: (adapt) what came of fine-tuning a model on this image, or None.

        parts: (apply) one for every slice.

        trust: (look) how far to trust them, or None where that is not judged.

        result: (save) all of it, for the user.
        picture: (save) the result as an Image like the first.
        remarks: (save) what the user should know of the files.
    """

    settings: Settings
    given: tuple[Any, ...] = ()
    job: Job | None = None
    progress: Watcher | None = None
    notes: tuple[str, ...] = ()

    images: tuple[Image, ...] = ()
    shots: Tensor = _LATER
    holes: Tensor | None = None
    degradation: Degradation = field(default_factory=Identity)
    guide: Tensor | None = None
    reference: Image | None = None
    damage: Tensor | None = None
    repaired: Tensor | None = None
    started: float = 0.0

    aligned: Aligned = _LATER
    noisy: Tensor = _LATER

    prepared: Prepared = field(default_factory=Prepared)
    color: bool = False
    still: Tensor | None = None
    spoilt: Tensor | None = None

    stated: Tensor | None = None
    noise: NoiseReport = _LATER
    reports: tuple[NoiseReport, ...] = ()
    each: tuple[NoiseReport, ...] = ()
    series: tuple[Series, ...] = ()

    choice: Choice = _LATER
    choices: tuple[Choice, ...] = ()
    runs: tuple[tuple[int, ...], ...] = ()
    method: Method | None = None
    rule: str = ""

    near_clean: NearClean | None = None
    adapted: Adapted | None = None

    parts: tuple[Part, ...] = ()

    trust: Trust | None = None

    result: Result = _LATER
    picture: Image = _LATER
    remarks: tuple[str, ...] = ()

    @property
    def request(self) -> Request:
        """What was asked for."""
        return self.settings.request

    @property
    def left_out(self) -> Tensor | None:
        """(N, C, H, W) bool, `holes` as `noisy` is laid out, or None."""
        if self.holes is None:
            return None
        channels = self.first.pixels.shape[1]
        each = self.holes[:, None].expand(-1, channels, -1, -1).float()
        return self.prepared.lay_map(each) > 0.5

    @property
    def mended(self) -> Tensor | None:
        """(N, C, H, W) bool, `spoilt` as `noisy` is laid out, or None."""
        return None if self.spoilt is None else self.prepared.lay_map(self.spoilt.float()) > 0.5

    def choice_of(self, index: int) -> Choice:
        """What is done about a slice."""
        return self.choices[index] if self.choices else self.choice

    def noise_of(self, index: int) -> NoiseReport:
        """The report of a slice."""
        return self.reports[index] if self.reports else self.noise

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the greatest value that what is written can hold, working units."""
        return (-math.inf, math.inf) if self.request.dtype == "float32" else self.first.limits

    @property
    def first(self) -> Image:
        """The image whose form the result takes."""
        return self.images[0]
