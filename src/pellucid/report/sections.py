"""The parts of the page as HTML; every text that comes from outside is escaped here."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from importlib.metadata import version

import numpy as np

from pellucid.image import Image
from pellucid.noise.report import NoiseReport
from pellucid.report import charts
from pellucid.report.removed import BINS, LAGS, REACH, Removed
from pellucid.report.views import channel_names
from pellucid.steps import Result


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "") -> str:
    """An HTML table; the first cell of a row is its heading.

    >>> table(["a"], [["<b>"]])
    '<div class="scroll"><table><thead><tr><th scope="col">a</th></tr></thead><tbody><tr><th
    scope="row">&lt;b&gt;</th></tr></tbody></table></div>'
    """
    top = "".join(f'<th scope="col">{escape(h)}</th>' for h in head)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(v)}</td>" for v in row[1:])
        + "</tr>"
        for row in rows
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    header = f"<thead><tr>{top}</tr></thead>" if head else ""
    return f'<div class="scroll"><table>{title}{header}<tbody>{body}</tbody></table></div>'


def summary(noisy: Image, result: Result, removed: Removed) -> str:
    """The figures to see first."""
    noise, unit = result.noise, result.noise.scale
    std = float(np.sqrt(np.mean(np.square(removed.std))))
    facts = [
        ("Method", result.method, "the input was returned" if result.method == "none" else ""),
        ("Noise found (σ)", _number(noise.level * unit), f"of {unit:g}, units of the file"),
        ("Removed (std)", _number(std * unit), f"{removed.ratio:.0%} of σ" if removed.ratio else ""),
        ("Time", _seconds(result.seconds), f"on {result.device}"),
    ]
    items = "".join(
        f"<div><dt>{escape(k)}</dt><dd>{escape(v)}<small>{escape(note)}</small></dd></div>"
        for k, v, note in facts
    )
    return f'<dl class="facts">{items}</dl><p class="reason">{escape(result.reason)}</p>'


def cautions(noisy: Image, result: Result, removed: Removed) -> list[str]:
    """Everything the reader must know before trusting the picture, without repeats."""
    own = []
    if removed.structured:
        own.append(
            f"Structure is visible in the removed part: its correlation with the fine detail of the "
            f"result is {removed.edges:.2f} (noise alone stays below 0.1). Fine detail may have been lost; "
            "compare the edges."
        )
    if removed.excessive:
        own.append(
            f"More was removed than the noise that was found: {removed.ratio:.2f} times its standard "
            "deviation. Either the noise was underestimated or picture content went with it."
        )
    if removed.partial and result.method != "none":
        own.append(
            f"Only {removed.ratio:.0%} of the noise that was found (by its standard deviation) was removed; "
            "some of it is still in the result."
        )
    return list(dict.fromkeys([*result.warnings, *result.noise.warnings, *own]))


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
                f"next pixel across {_two(across[1])}, down {_two(down[1])}",
                signed=True,
                marks=[
                    f"{i} down, {j} across: {_two(mean[LAGS + i, LAGS + j])}"
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
            _number(removed.std[c] * unit),
            _number(noise.sigma[c] * unit) if c < len(noise.sigma) else "",
            _signed(removed.mean[c], unit),
            " / ".join(_two(removed.autocorrelation[c, LAGS + i, LAGS + 1 - i]) for i in (0, 1)),
        ]
        for c, name in enumerate(names)
    ]
    head = ["channel", "removed (std)", "noise found (σ)", "mean removed", "next pixel across / down"]
    verdict = (
        f"Correlation of the removed part with the fine detail of the result: {_two(removed.edges)} "
        "(below 0.1 for noise alone; above 0.2 detail went with it). Variance along strong edges over that "
        f"in flat parts: {removed.contrast:.1f} (1 for even noise; camera noise gives more)."
    )
    return (
        figures(pictures)
        + table(head, rows, caption="In the units of the file")
        + f"<p>{escape(verdict)}</p>"
    )


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
            _at(noise.sigma, c, lambda s: _number(s * unit)),
            _at(noise.sigma, c, lambda s: f"{s:.4f}"),
            _at(noise.gain, c, lambda a: f"{a * unit:.3g}"),
            f"{noise.clipped[c][0]:.1%} / {noise.clipped[c][1]:.1%}"
            if c < len(noise.clipped)
            else "not measured",
            _at(noise.mad, c, lambda s: _number(s * unit)),
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
                f"amplitude {_number(p.amplitude * unit)}",
            ]
            for p in noise.periodic[:5]
        ),
    ]
    parts = [
        table(head, rows, caption="Noise per channel"),
        table([], whole, caption="The picture as a whole"),
    ]
    if noise.sigma_per_scale:
        scales = [
            [f"every pixel in {k + 1}" if k else "every pixel", *(_number(s * unit) for s in row)]
            for k, row in enumerate(noise.sigma_per_scale)
        ]
        parts.append(
            table(
                ["taken", *names],
                scales,
                caption="σ that a white-noise estimator reads after decimation; rising means correlated",
            )
        )
    parts.append(figures(_spectra(names, noise)))
    parts.append(
        '<p class="note">Spectrum: the strength of 8 by 8 cosine patterns in the noise, slow ones top left, '
        "fast ones bottom right. The same shade everywhere is white noise; strong top left is blotchy "
        "noise.</p>"
    )
    return "".join(parts)


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


def curve_charts(result: Result) -> str:
    """One chart per curve of the run; "" when there is none worth drawing."""
    pictures = []
    for name, values in result.curves.items():
        finite = np.asarray([v for v in values if np.isfinite(v)], np.float64)
        if len(finite) < 2:
            continue
        # A loss falls over decades; on a linear axis all of it but the start would be a flat line.
        log = bool(finite.min() > 0 and finite.max() / finite.min() > 20)
        chart = charts.lines(
            {name: (range(1, len(values) + 1), values)},
            alt=f"{name} against iteration, from {values[0]:.3g} to {values[-1]:.3g}",
            across="iteration",
            log=log,
        )
        pictures.append((name.replace("_", " "), chart, "logarithmic scale" if log else ""))
    return figures(pictures)


def making(noisy: Image, result: Result) -> str:
    """How the result was made: settings, versions, date."""
    shape = " x ".join(map(str, noisy.shape))
    rows = [
        ["Input", f"{noisy.name} ({noisy.format}, {noisy.dtype}, {noisy.axes} {shape})"],
        ["Method", result.method],
        *([f"· {name}", str(value)] for name, value in result.config_json.items()),
        ["Iterations", f"{result.iterations}, stopped by: {result.stopped_by}"],
        ["Seed", str(result.seed)],
        ["Device", result.device],
        ["Time", f"{_seconds(result.seconds)} (analysis and method)"],
        ["Versions", ", ".join(f"{n} {version(n)}" for n in ("pellucid", "torch", "numpy"))],
        ["Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"],
        ["Date", datetime.now().astimezone().isoformat(timespec="seconds")],
        *(["Note", note] for note in noisy.notes),
    ]
    return table([], rows)


def figures(pictures: Iterable[tuple[str, str, str]]) -> str:
    """Title, picture and explanation, side by side; "" for none."""
    items = "".join(
        f"<figure><h3>{escape(title)}</h3>{picture}"
        + (f"<figcaption>{escape(text)}</figcaption></figure>" if text else "</figure>")
        for title, picture, text in pictures
    )
    return f'<div class="figures">{items}</div>' if items else ""


def _at(values: Sequence[float], c: int, show: object) -> str:
    return str(show(values[c])) if callable(show) and c < len(values) else "not measured"


def _number(value: float) -> str:
    """Three figures, no exponent where a person would write none.

    >>> [_number(v) for v in (0.0, 0.01234, 5.678, 1234.5)]
    ['0', '0.0123', '5.68', '1234']
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _signed(mean: float, unit: float) -> str:
    """A mean in the units of the file; below a millionth of the range it is rounding, shown as 0."""
    return f"{mean * unit:+.3g}" if abs(mean) > 1e-6 else "0"


def _two(value: float) -> str:
    """Two decimals, and no minus before a zero.

    >>> _two(-0.001)
    '0.00'
    """
    return f"{round(value, 2) + 0.0:.2f}"


def _seconds(value: float) -> str:
    return f"{value:.2g} s" if value < 10 else (f"{value:.0f} s" if value < 120 else f"{value / 60:.1f} min")
