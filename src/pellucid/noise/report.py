"""NoiseReport: what was measured of the noise of an image, and the same in words."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DRAWN = 0.5
"""share of blocks, of all not constant, with something on an exactly flat part, in pictures without noise"""


@dataclass(frozen=True, kw_only=True)
class Periodic:
    """One periodic pattern: its frequency in cycles per pixel (down, across) and its amplitude (working
    units).
    """

    frequency: tuple[float, float]
    amplitude: float


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Counts of few photons: stored are base + step k.

    Attributes:
        step: what one photon is.
        base: what none is.
        mean: photons per pixel.
    """

    step: float
    base: float
    mean: float


@dataclass(frozen=True, kw_only=True)
class Field:
    """How the level of the noise varies over the picture, alike in all channels.

    Attributes:
        drift: (rows, columns) of the logarithm of the variance at evenly spread places, the first and last at
            the borders, around its mean; in between it is interpolated.
        level: its mean over these places and the channels.
        rows, columns: the part of the picture that these cover, without a border; none for all of it.
    """

    drift: tuple[tuple[float, ...], ...]
    level: float
    rows: tuple[int, int] | None = None
    columns: tuple[int, int] | None = None

    def map(self, height: int, width: int) -> Floats:
        """(H, W) standard deviations.

        >>> Field(drift=((-2.0, 2.0), (-2.0, 2.0)), level=0.0).map(1, 4).round(2).tolist()
        [[0.47, 0.78, 1.28, 2.12]]
        """
        grid = np.asarray(self.drift)
        y, x = _over(self.rows, height, len(grid)), _over(self.columns, width, len(grid[0]))
        down = np.stack([np.interp(y, np.arange(len(grid)), column) for column in grid.T], 1)
        both = np.stack([np.interp(x, np.arange(len(grid[0])), row) for row in down])
        found: Floats = np.exp((self.level + both) / 2)
        return found

    def times(self, factor: float) -> Field:
        """The field of this noise at another strength."""
        return replace(self, level=self.level + 2 * math.log(factor))

    @property
    def ends(self) -> tuple[float, float]:
        """Least and largest standard deviation."""
        grid = np.asarray(self.drift)
        low, high = (math.exp((self.level + float(v)) / 2) for v in (grid.min(), grid.max()))
        return low, high


def _over(part: tuple[int, int] | None, length: int, places: int) -> Floats:
    """Where the pixels of a side lie among places that are spread over a part of it, and not beyond it."""
    start, stop = (0, length) if part is None else part
    share: Floats = np.clip((np.arange(length) - start + 0.5) / (stop - start), 0, 1)
    return share * (places - 1)


@dataclass(frozen=True, kw_only=True)
class NoiseReport:
    """The noise of an image or a stack, one entry per channel, in working units (1.0 = white).

    Attributes:
        sigma: standard deviation of the noise at the mean brightness of the channel.
        gain: slope a of the variance law var(x) = a x + b; 0 where the noise does not depend on the signal.
        offset: intercept b of that law.
        spectrum: (C, 8, 8) noise variance of each orthonormal 8x8 DCT coefficient; its mean is sigma
            squared, and it is flat for white noise.
        kernel: (C, C, 2L+1, 2L+1) covariance of channel c here with channel d at each lag (down, across),
            lag zero in the centre; L is 0 for white noise. `spectrum` and `covariance` follow from it.
        covariance: (C, C) covariance of the noise between channels.
        correlated: whether neighbouring pixels share noise.
        length_px: correlation length, the distance in pixels at which the autocorrelation falls below 1/e
            (0 for white noise).
        sigma_per_scale: (scales, C) standard deviation that a white-noise estimator (MAD) reads on the image
            decimated by 1, 2, 3 and 4 without averaging; rising figures betray correlated noise.
        mad: the wavelet MAD estimate per channel.
        chen: the estimate of Chen, Zhu and Heng (ICCV 2015), all channels together; where they differ, as
            far as that is sure, the level of what each has for itself (`noise.apart`).
        clipped: per channel, the fraction of pixels at the bottom and at the top of the range.
        impulse: fraction of pixels replaced by salt or pepper.
        periodic: periodic patterns, strongest first.
        scale: stored units per working unit, to print figures in the units of the file.
        low, span: robust contrast of the picture: next to no value lies below low or above low + span.
        body: what the middle four fifths of the values fill, 0 where that is not known.
        step: distance of neighbouring values as they are stored, 0 where there is none.
        exact: share of the blocks in which something is drawn on a part that is exactly flat.
        doubt: mean size of the error of the logarithm of the variance, as expected.
        paper: whether the paper of a page told the level, between its strokes.
        counts: the lattice of the values where they are counts of few photons, or None.
        drift: how the level varies smoothly over the picture, where sigma is its root mean square, or None
            where it is one number.
    """

    sigma: tuple[float, ...]
    gain: tuple[float, ...]
    offset: tuple[float, ...]
    spectrum: Floats
    kernel: Floats
    covariance: Floats
    correlated: bool
    length_px: float
    sigma_per_scale: tuple[tuple[float, ...], ...] = ()
    mad: tuple[float, ...] = ()
    chen: float = 0.0
    clipped: tuple[tuple[float, float], ...] = ()
    impulse: float = 0.0
    periodic: tuple[Periodic, ...] = ()
    scale: float = 1.0
    low: float = 0.0
    span: float = 1.0
    body: float = 0.0
    step: float = 0.0
    exact: float = 0.0
    doubt: float = 0.0
    paper: bool = False
    counts: Counts | None = None
    drift: Field | None = None
    warnings: tuple[str, ...] = field(default=())

    def times(self, factor: float) -> NoiseReport:
        """The report of this noise at another strength.

        >>> round(NoiseReport.white(0.1, 1).times(0.5).level, 6)
        0.05
        """
        if factor == 1:
            return self
        square = factor**2
        return replace(
            self,
            sigma=tuple(s * factor for s in self.sigma),
            gain=tuple(g * square for g in self.gain),
            offset=tuple(o * square for o in self.offset),
            spectrum=self.spectrum * square,
            kernel=self.kernel * square,
            covariance=self.covariance * square,
            drift=None if self.drift is None else self.drift.times(factor),
        )

    def moved(self, factor: float, shift: float = 0.0) -> NoiseReport:
        """The report of a y + b where this one is of y, a = factor above 0, b = shift.

        With var(y) = g y + o it is, of v = a y + b, var(v) = a g v + a² o - a g b.

        >>> NoiseReport.white(0.1, 1, scale=255).moved(2.0, 0.5).sigma
        (0.2,)
        """
        square = factor**2
        return replace(
            self,
            sigma=tuple(s * factor for s in self.sigma),
            gain=tuple(g * factor for g in self.gain),
            offset=tuple(
                o * square - g * factor * shift for o, g in zip(self.offset, self.gain, strict=True)
            ),
            spectrum=self.spectrum * square,
            kernel=self.kernel * square,
            covariance=self.covariance * square,
            sigma_per_scale=tuple(tuple(s * factor for s in row) for row in self.sigma_per_scale),
            mad=tuple(m * factor for m in self.mad),
            chen=self.chen * factor,
            periodic=tuple(replace(p, amplitude=p.amplitude * factor) for p in self.periodic),
            scale=self.scale / factor,
            low=self.low * factor + shift,
            span=self.span * factor,
            body=self.body * factor,
            step=self.step * factor,
            drift=None if self.drift is None else self.drift.times(factor),
            counts=None
            if self.counts is None
            else Counts(
                step=self.counts.step * factor,
                base=self.counts.base * factor + shift,
                mean=self.counts.mean,
            ),
        )

    @property
    def drawn(self) -> bool:
        """Whether flat parts are exactly flat up to what is drawn on them: a drawing, a page, labels."""
        return self.exact > DRAWN

    @property
    def level(self) -> float:
        """Root mean square of sigma over the channels."""
        return float(np.sqrt(np.mean(np.square(self.sigma)))) if self.sigma else 0.0

    @classmethod
    def white(cls, sigma: float | tuple[float, ...], channels: int, *, scale: float = 1.0) -> NoiseReport:
        """The report of white Gaussian noise of a known level, one for all channels or one each.

        >>> NoiseReport.white(0.1, 3).level
        0.1
        """
        levels = sigma if isinstance(sigma, tuple) else (sigma,) * channels
        variance = np.square(np.asarray(levels, dtype=np.float64))
        return cls(
            sigma=levels,
            gain=(0.0,) * channels,
            offset=tuple(variance.tolist()),
            spectrum=np.tile(variance[:, None, None], (1, 8, 8)),
            kernel=np.diag(variance)[:, :, None, None],
            covariance=np.diag(variance),
            correlated=False,
            length_px=0.0,
            scale=scale,
        )

    def _drift_json(self) -> dict[str, float] | None:
        if self.drift is None:
            return None
        low, high = (v * self.scale for v in self.drift.ends)
        return {"least_file_units": low, "most_file_units": high}

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values; `sigma_file_units` is in the units of the file."""
        return {
            "sigma": list(self.sigma),
            "sigma_file_units": [s * self.scale for s in self.sigma],
            "gain": list(self.gain),
            "offset": list(self.offset),
            "correlated": {"flag": self.correlated, "length_px": self.length_px},
            "clipped": [list(c) for c in self.clipped],
            "impulse": self.impulse,
            "periodic": [{"frequency": list(p.frequency), "amplitude": p.amplitude} for p in self.periodic],
            "sigma_per_scale": [list(s) for s in self.sigma_per_scale],
            "mad": list(self.mad),
            "chen": self.chen,
            "photons_per_pixel": None if self.counts is None else self.counts.mean,
            "drift": self._drift_json(),
            "covariance": self.covariance.tolist(),
            "spectrum": self.spectrum.tolist(),
            "warnings": list(self.warnings),
        }


def words(report: NoiseReport) -> str:
    """What the analysis found, one sentence a line, levels in the units of the file.

    >>> print(words(NoiseReport.white(0.1, 1, scale=255)))
    Noise of standard deviation 25.5 (of 0 to 255).
    Neighbouring pixels do not share it (white noise).
    It does not depend on the brightness.
    """
    unit = report.scale
    each = ", ".join(f"{s * unit:.3g}" for s in report.sigma)
    channels = f"; per channel {each}" if len(report.sigma) > 1 else ""
    lines = []
    if report.counts is not None:
        one = report.counts.step * unit
        lines.append(f"Counts of few photons: {report.counts.mean:.3g} per pixel; one is {one:.4g}.")
    lines += [f"Noise of standard deviation {report.level * unit:.3g} (of 0 to {unit:g}{channels})."]
    if report.correlated:
        lines.append(
            f"Neighbouring pixels share it over {report.length_px:.1f} pixels; an estimator for white noise "
            f"reads {_white_reading(report) * unit:.3g}."
        )
    else:
        lines.append("Neighbouring pixels do not share it (white noise).")
    if report.drift is not None:
        low, high = (v * unit for v in report.drift.ends)
        lines.append(f"It varies smoothly over the field, from {low:.3g} to {high:.3g}.")
    if any(g > 0 for g in report.gain):
        lines.append("It grows with the brightness, as photon noise does.")
    else:
        lines.append("It does not depend on the brightness.")
    low = max((c[0] for c in report.clipped), default=0.0)
    high = max((c[1] for c in report.clipped), default=0.0)
    if low > 1e-3 or high > 1e-3:
        lines.append(f"Cut off at the ends of the range: {low:.1%} of the pixels dark, {high:.1%} bright.")
    if report.impulse > 1e-3:
        lines.append(f"Salt and pepper: {report.impulse:.1%} of the pixels.")
    for pattern in report.periodic:
        down, across = pattern.frequency
        period = 1 / (down**2 + across**2) ** 0.5
        lines.append(
            f"A pattern repeats every {period:.1f} pixels ({down:.3f} down and {across:.3f} across, "
            f"cycles per pixel), amplitude {pattern.amplitude * unit:.2g}."
        )
    return "\n".join(lines)


def _white_reading(report: NoiseReport) -> float:
    return sum(report.mad) / len(report.mad) if report.mad else 0.0
