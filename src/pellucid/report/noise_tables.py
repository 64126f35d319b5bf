"""The NoiseReport as tables and spectra."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pellucid.image import Image
from pellucid.noise.report import NoiseReport
from pellucid.report import charts, parts
from pellucid.report.views import channel_names


def noise_tables(noisy: Image, noise: NoiseReport) -> str:
    """The NoiseReport per channel, per scale, its patterns and its spectrum."""
    names, unit = channel_names(noisy), noise.scale
    head = [
        "channel",
        "σ, units of the file",
        "σ, 0 to 1",
        "gain, units of the file",
        "clipped dark / bright",
        "MAD",
    ]
    rows = [
        [
            name,
            _at(noise.sigma, c, lambda s: parts.number(s * unit)),
            _at(noise.sigma, c, lambda s: f"{s:.4f}"),
            _at(noise.gain, c, lambda a: f"{a * unit:.3g}"),
            f"{noise.clipped[c][0]:.1%} / {noise.clipped[c][1]:.1%}"
            if c < len(noise.clipped)
            else "not measured",
            _at(noise.mad, c, lambda s: parts.number(s * unit)),
        ]
        for c, name in enumerate(names)
    ]
    whole = [
        ["Correlation between neighbours", "yes" if noise.correlated else "no"],
        ["Correlation length", f"{noise.length_px:.2g} pixels"],
        ["Impulses (salt and pepper)", f"{noise.impulse:.2%} of the pixels"],
        *(
            [
                "Periodic pattern",
                f"{p.frequency[0]:.3f} down, {p.frequency[1]:.3f} across (cycles per pixel), "
                f"amplitude {parts.number(p.amplitude * unit)}",
            ]
            for p in noise.periodic[:5]
        ),
    ]
    blocks = [
        parts.table(head, rows, caption="Noise per channel"),
        parts.table([], whole, caption="The picture as a whole"),
    ]
    if noise.sigma_per_scale:
        scales = [
            [f"every pixel in {k + 1}" if k else "every pixel", *(parts.number(s * unit) for s in row)]
            for k, row in enumerate(noise.sigma_per_scale)
        ]
        blocks.append(
            parts.table(
                ["taken", *names],
                scales,
                caption="σ that a white-noise estimator reads after decimation; rising means correlated",
            )
        )
    blocks.append(parts.figures(_spectra(names, noise)))
    blocks.append(
        '<p class="note">Spectrum: the strength of 8 by 8 cosine patterns in the noise, slow ones top left, '
        "fast ones bottom right. The same shade everywhere is white noise; strong top left is blotchy "
        "noise.</p>"
    )
    return "".join(blocks)


def _spectra(names: Sequence[str], noise: NoiseReport) -> list[tuple[str, str, str]]:
    """The 8x8 spectrum as heat maps: each channel up to four, their mean beyond."""
    spectrum = np.asarray(noise.spectrum, np.float64)
    many = len(spectrum) > 4
    maps = (
        [("mean of the channels", spectrum.mean(axis=0))]
        if many
        else list(zip(names, spectrum, strict=False))
    )
    return [
        (
            f"Noise spectrum, {name}",
            charts.heat(
                values,
                alt=f"Noise variance of the 8 by 8 cosine frequencies, {name}: "
                f"lowest {values[0, 0] * noise.scale**2:.3g}, highest {values[-1, -1] * noise.scale**2:.3g}",
                marks=[
                    f"frequency {i} down, {j} across: std {np.sqrt(max(0.0, values[i, j])) * noise.scale:.3g}"
                    for i in range(8)
                    for j in range(8)
                ],
            ),
            "",
        )
        for name, values in maps
    ]


def _at(values: Sequence[float], c: int, show: object) -> str:
    return str(show(values[c])) if callable(show) and c < len(values) else "not measured"
