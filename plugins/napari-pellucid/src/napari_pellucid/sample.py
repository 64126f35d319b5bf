"""A noisy film and its truth."""

from __future__ import annotations

from typing import Any

import numpy as np


def film() -> list[tuple[Any, dict[str, Any], str]]:
    """Twelve frames of discs that drift, 16 bits, with the noise of counted photons."""
    draw = np.random.default_rng(0)
    rows, columns = np.mgrid[:160, :200].astype(np.float32)
    places, speed = draw.uniform(20, 140, (14, 2)), draw.normal(0, 1.5, (14, 2))
    frames = []
    for time in range(12):
        frame = 20 + 8 * np.sin(columns / 40)
        for place, step, radius in zip(places, speed, np.linspace(4, 16, 14), strict=True):
            row, column = place + time * step
            frame += 60 / (1 + np.exp((np.hypot(rows - row, columns - column * 1.2) - radius) / 1.2))
        frames.append(frame)
    clean = np.stack(frames)
    noisy = (100 + 4 * draw.poisson(clean)).astype(np.uint16)
    looks: dict[str, Any] = {"axis_labels": ("t", "y", "x"), "scale": (1.0, 0.5, 0.5)}
    truth = (100 + 4 * clean).astype(np.float32)
    return [
        (truth, looks | {"name": "film, truth", "visible": False}, "image"),
        (noisy, looks | {"name": "film, noisy"}, "image"),
    ]
