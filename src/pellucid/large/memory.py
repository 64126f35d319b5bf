"""How much memory a run may take, and how much a part of it does: anonymous memory, which no file backs."""

from __future__ import annotations

import re

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
BINARY = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
USUAL = "2GB"
"""where nobody says otherwise"""
BASE = 600 * 10**6
"""bytes of a process that has torch, numba and a compiled filter loaded, and what it keeps for itself"""
PER_VALUE: dict[str, float] = {
    "none": 16,
    "median": 170,
    "nlm": 60,
    "tv": 80,
    "wavelet": 120,
    "bm3d": 70,
    "photo": 340,
    "photo colour": 200,
    "photons": 90,
    "vbm3d": 80,
    "bm4d": 100,
    "mctf": 420,
}
"""bytes for each value that a method has at work at once, its own copies and arrays: what
benchmarks/method_memory.py measures (bm3d, photons 42, vbm3d 44, bm4d 37 and of few photons 64, photo 271, of
three channels 143, as its network keeps maps for pixels, median 149) and more, for a change of values around
the method and frames that are evened; `nlm` 50 by whole runs; allowed for the others
"""
UNKNOWN = 600.0
"""the same of methods that are not listed: trained networks, those of other packages"""


def parsed(text: str) -> int:
    """Bytes of a size in words.

    Raises:
        ValueError: when it is none.

    >>> parsed("2GB"), parsed("512 MiB"), parsed("1.5g")
    (2000000000, 536870912, 1500000000)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*", text.lower())
    bytes = float(found[1]) * (BINARY if found[3] else UNITS)[found[2]] if found else 0
    if bytes < 1:
        raise ValueError(f"memory must be a size such as 2GB or 800MB, got {text!r}.")
    return int(bytes)


def per_value(method: str, channels: int = 1) -> float:
    """Bytes for each value that a method has at work at once, of so many channels."""
    colour = PER_VALUE.get(f"{method} colour") if channels == 3 else None
    return PER_VALUE.get(method, UNKNOWN) if colour is None else colour
