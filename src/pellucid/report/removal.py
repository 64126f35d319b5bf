"""What was removed, drawn and in figures."""

from __future__ import annotations

from html import escape

import numpy as np

from pellucid.image import Image
from pellucid.noise.report import NoiseReport
from pellucid.report import charts, parts
from pellucid.report.removed import BINS, LAGS, REACH, Removed
from pellucid.report.views import channel_names


def removal(noisy: Image, removed: Removed, noise: NoiseReport) -> str:
    """What was removed, as pictures of its statistics and in figures per channel."""
    if not any(removed.std) and not any(removed.mean):
        return "<p>Nothing: the result is the input.</p>"
    names, unit = channel_names(noisy), noise.scale
    mean = removed.autocorrelation.mean(axis=0)
    lags = range(LAGS + 1)
    across, down = mean[LAGS, LAGS:], mean[LAGS:, LAGS]
    width = 2 * REACH / BINS
    centres = -REACH + width * (np.arange(BINS) + 0.5)
    bell = np.exp(-(centres**2) / 2) / np.sqrt(2 * np.pi)
    curves = {"Gaussian of the noise found": (centres.tolist(), bell.tolist())}
    if 1 < len(names) <= 3:
        curves |= {n: (centres.tolist(), h.tolist()) for n, h in zip(names, removed.histogram, strict=True)}
    told = "the σ found" if removed.standardised else "its own std (no noise found)"
    pictures = [
        (
            "Autocorrelation",
            charts.heat(
                mean,
                alt=f"Autocorrelation at shifts of up to {LAGS} pixels; "
                f"next pixel across {parts.two(across[1])}, down {parts.two(down[1])}",
                signed=True,
                marks=[
                    f"{i} down, {j} across: {parts.two(mean[LAGS + i, LAGS + j])}"
                    for i in range(-LAGS, LAGS + 1)
                    for j in range(-LAGS, LAGS + 1)
                ],
            ),
            f"Shifts of up to {LAGS} pixels each way. One dot in the middle: neighbouring pixels share "
            "nothing. A wide spot is correlated noise, stripes are banding; anything that resembles the "
            "picture should have stayed.",
        ),
        (
            "Autocorrelation profile",
            charts.lines(
                {"across": (lags, across.tolist()), "down": (lags, down.tolist())},
                alt="Autocorrelation against the shift in pixels, across and down",
                across="shift in pixels",
                low=0.0,
            ),
            "",
        ),
        (
            "Histogram",
            charts.lines(
                curves,
                alt="Histogram of the removed part against a Gaussian of the noise found",
                across=f"removed value / {told}",
                bars=(centres.tolist(), removed.histogram.mean(axis=0).tolist()),
                low=0.0,
            ),
            "Bars: all channels. Narrower than the curve: less was removed than the noise that was found. "
            "Long tails: impulses, or edges that were cut.",
        ),
    ]
    rows = [
        [
            name,
            parts.number(removed.std[c] * unit),
            parts.number(noise.sigma[c] * unit) if c < len(noise.sigma) else "",
            parts.signed(removed.mean[c], unit),
            " / ".join(parts.two(removed.autocorrelation[c, LAGS + i, LAGS + 1 - i]) for i in (0, 1)),
        ]
        for c, name in enumerate(names)
    ]
    head = ["channel", "removed (std)", "noise found (σ)", "mean removed", "next pixel across / down"]
    verdict = (
        f"Correlation of the removed part with the fine detail of the result: {parts.two(removed.edges)} "
        "(below 0.1 for noise alone; above 0.2 detail went with it). Variance along strong edges over that "
        f"in flat parts: {removed.contrast:.1f} (1 for even noise; camera noise gives more)."
    )
    return (
        parts.figures(pictures)
        + parts.table(head, rows, caption="In the units of the file")
        + f"<p>{escape(verdict)}</p>"
    )
