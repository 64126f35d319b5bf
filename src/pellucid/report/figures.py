"""What was removed and what the noise is, as figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from pellucid import pages
from pellucid.image import Image
from pellucid.noise.report import NoiseReport
from pellucid.pages import Figure, TextTable, charts
from pellucid.report.removed import BINS, LAGS, REACH, Removed
from pellucid.report.views import channel_names

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Removal:
    """The section about the removed part."""

    figures: Sequence[Figure]
    table: TextTable
    words: str


def removal(noisy: Image, removed: Removed, noise: NoiseReport) -> Removal | None:
    """What was removed, as pictures of its statistics and in figures per channel; None where nothing was."""
    if not any(removed.std) and not any(removed.mean):
        return None
    names, unit = channel_names(noisy), noise.scale
    rows = [
        [
            name,
            pages.number(removed.std[c] * unit),
            pages.number(noise.sigma[c] * unit) if c < len(noise.sigma) else "",
            pages.signed(removed.mean[c], unit),
            " / ".join(pages.two(removed.autocorrelation[c, LAGS + i, LAGS + 1 - i]) for i in (0, 1)),
        ]
        for c, name in enumerate(names)
    ]
    head = ["channel", "removed (std)", "noise found (σ)", "mean removed", "next pixel across / down"]
    return Removal(
        figures=[*_autocorrelation(removed), _histogram(removed, names)],
        table=TextTable(head=head, rows=rows, caption="In the units of the file"),
        words="Correlation of the removed part with the fine detail of the result: "
        f"{pages.two(removed.edges)} (below 0.1 for noise alone; above 0.2 detail went with it). Variance "
        f"along strong edges over that in flat parts: {removed.contrast:.1f} (1 for even noise; camera noise "
        "gives more).",
    )


def _autocorrelation(removed: Removed) -> list[Figure]:
    mean = removed.autocorrelation.mean(axis=0)
    across, down = mean[LAGS, LAGS:], mean[LAGS:, LAGS]
    steps, lags = range(-LAGS, LAGS + 1), range(LAGS + 1)
    heat = charts.heat(
        mean,
        alt=f"Autocorrelation at shifts of up to {LAGS} pixels; "
        f"next pixel across {pages.two(across[1])}, down {pages.two(down[1])}",
        signed=True,
        marks=[f"{i} down, {j} across: {pages.two(mean[LAGS + i, LAGS + j])}" for i in steps for j in steps],
    )
    profile = charts.lines(
        {"across": (lags, across.tolist()), "down": (lags, down.tolist())},
        alt="Autocorrelation against the shift in pixels, across and down",
        across="shift in pixels",
        low=0.0,
    )
    about = (
        f"Shifts of up to {LAGS} pixels each way. One dot in the middle: neighbouring pixels share "
        "nothing. A wide spot is correlated noise, stripes are banding; anything that resembles the "
        "picture should have stayed."
    )
    return [
        Figure(title="Autocorrelation", chart=heat, text=about),
        Figure(title="Autocorrelation profile", chart=profile),
    ]


def _histogram(removed: Removed, names: Sequence[str]) -> Figure:
    width = 2 * REACH / BINS
    centres = -REACH + width * (np.arange(BINS) + 0.5)
    bell = np.exp(-(centres**2) / 2) / np.sqrt(2 * np.pi)
    curves = {"Gaussian of the noise found": (centres.tolist(), bell.tolist())}
    if 1 < len(names) <= 3:
        curves |= {n: (centres.tolist(), h.tolist()) for n, h in zip(names, removed.histogram, strict=True)}
    told = "the σ found" if removed.standardised else "its own std (no noise found)"
    chart = charts.lines(
        curves,
        alt="Histogram of the removed part against a Gaussian of the noise found",
        across=f"removed value / {told}",
        bars=(centres.tolist(), removed.histogram.mean(axis=0).tolist()),
        low=0.0,
    )
    text = (
        "Bars: all channels. Narrower than the curve: less was removed than the noise that was found. "
        "Long tails: impulses, or edges that were cut."
    )
    return Figure(title="Histogram", chart=chart, text=text)


def noise_tables(noisy: Image, noise: NoiseReport) -> list[TextTable]:
    """The NoiseReport per channel, of the picture as a whole, and per scale."""
    names, unit = channel_names(noisy), noise.scale
    head = ["channel", "σ, units of the file", "σ, 0 to 1", "gain, units of the file",
            "clipped dark / bright", "MAD"]  # fmt: skip
    rows = [
        [
            name,
            _at(noise.sigma, c, lambda s: pages.number(s * unit)),
            _at(noise.sigma, c, lambda s: f"{s:.4f}"),
            _at(noise.gain, c, lambda a: f"{a * unit:.3g}"),
            _at(noise.clipped, c, lambda ends: f"{ends[0]:.1%} / {ends[1]:.1%}"),
            _at(noise.mad, c, lambda s: pages.number(s * unit)),
        ]
        for c, name in enumerate(names)
    ]
    whole = [
        ["Correlation between neighbours", "yes" if noise.correlated else "no"],
        ["Correlation length", f"{noise.length_px:.2g} pixels"],
        ["Impulses (salt and pepper)", f"{noise.impulse:.2%} of the pixels"],
    ]
    tables = [
        TextTable(head=head, rows=rows, caption="Noise per channel"),
        TextTable(rows=whole, caption="The picture as a whole"),
    ]
    if noise.sigma_per_scale:
        scales = [
            [f"every pixel in {k + 1}" if k else "every pixel", *(pages.number(s * unit) for s in row)]
            for k, row in enumerate(noise.sigma_per_scale)
        ]
        caption = "σ that a white-noise estimator reads after decimation; rising means correlated"
        tables.append(TextTable(head=["taken", *names], rows=scales, caption=caption))
    return tables


def spectra(noisy: Image, noise: NoiseReport) -> list[Figure]:
    """The 8x8 spectrum as heat maps: each channel up to four, their mean beyond."""
    spectrum = np.asarray(noise.spectrum, np.float64)
    maps = (
        [("mean of the channels", spectrum.mean(axis=0))]
        if len(spectrum) > 4
        else list(zip(channel_names(noisy), spectrum, strict=False))
    )
    found = []
    for name, values in maps:
        alt = f"Noise variance of the 8 by 8 cosine frequencies, {name}: lowest "
        alt += f"{values[0, 0] * noise.scale**2:.3g}, highest {values[-1, -1] * noise.scale**2:.3g}"
        marks = [
            f"frequency {i} down, {j} across: std {np.sqrt(max(0.0, values[i, j])) * noise.scale:.3g}"
            for i in range(8)
            for j in range(8)
        ]
        found.append(Figure(title=f"Noise spectrum, {name}", chart=charts.heat(values, alt=alt, marks=marks)))
    return found


def _at(values: Sequence[Item], c: int, show: Callable[[Item], str]) -> str:
    return show(values[c]) if c < len(values) else "not measured"
