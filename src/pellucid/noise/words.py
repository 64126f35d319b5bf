"""The NoiseReport in sentences."""

from __future__ import annotations

from pellucid.noise.report import NoiseReport


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
    lines = [f"Noise of standard deviation {report.level * unit:.3g} (of 0 to {unit:g}{channels})."]
    if report.correlated:
        lines.append(
            f"Neighbouring pixels share it over {report.length_px:.1f} pixels; an estimator for white noise "
            f"reads {_white_reading(report) * unit:.3g}."
        )
    else:
        lines.append("Neighbouring pixels do not share it (white noise).")
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
            f"A pattern repeats every {period:.1f} pixels, amplitude {pattern.amplitude * unit:.2g}."
        )
    return "\n".join(lines)


def _white_reading(report: NoiseReport) -> float:
    return sum(report.mad) / len(report.mad) if report.mad else 0.0
