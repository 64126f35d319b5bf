"""What a stretch of work cost: wall time, processor time, peak of resident memory."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def forget_peak() -> None:
    """Begin a new peak of this process, where the system can (Linux)."""
    with suppress(OSError):
        _CLEAR.write_text("5")


def peak_mb() -> float | None:
    """Largest resident memory of this process since `forget_peak`, in MiB.

    Elsewhere than on Linux it is that since the start of the process; None where nobody can tell.
    """
    with suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024
    try:
        import resource
    except ImportError:
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / (1024**2 if sys.platform == "darwin" else 1024)
