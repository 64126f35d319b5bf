"""How much memory a method takes for each value that it has at work at once: the figures of `large.memory`.

    python benchmarks/method_memory.py [--only bm3d vbm3d …] [--out benchmarks/results/method_memory.json]

Each case is one region of a store, done by the very function that does it in a run, in a process of its own
that has done a tiny one before. The peak of what the process holds (VmHWM, which the kernel keeps) lies so
many bytes per value above what it held before, beyond what the region takes as it is stored. Noise is white,
or shared by neighbouring pixels where a method does more then, or that of few photons.
"""

import ctypes
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

import record
from pellucid import methods
from pellucid.auto import Choice
from pellucid.large import work
from pellucid.large.decision import Decision
from pellucid.noise import spectrum
from pellucid.noise.report import NoiseReport
from pellucid.request import Denoise
from pellucid.stores import Form, region

STORED = 4
"""bytes of a value as it is stored, before and after"""
CASES = {
    # name: (method, channels, slices, shared noise, side)
    "median": ("median", 1, 1, False, 1024),
    "bm3d": ("bm3d", 1, 1, False, 640),
    "bm3d shared": ("bm3d", 1, 1, True, 640),
    "bm3d colour": ("bm3d", 3, 1, False, 384),
    "photo": ("photo", 1, 1, False, 640),
    "photo shared": ("photo", 1, 1, True, 640),
    "photo colour": ("photo", 3, 1, False, 384),
    "photo colour shared": ("photo", 3, 1, True, 384),
    "photons": ("photons", 1, 1, False, 640),
    "vbm3d": ("vbm3d", 1, 16, False, 192),
    "vbm3d shared": ("vbm3d", 1, 16, True, 192),
    "bm4d": ("bm4d", 1, 16, False, 192),
    "bm4d shared": ("bm4d", 1, 16, True, 192),
    "bm4d counts": ("bm4d", 1, 16, False, 192),
}


def held(name: str) -> int:
    """Bytes that this process holds (VmRSS), or held at the most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def one(name: str, side: int) -> dict[str, int]:
    """The peak of one case at one size, above what the process held."""
    done(*region_of(name, 64))
    given = region_of(name, side)
    ctypes.CDLL(None).malloc_trim(0)  # what was freed is no room for the next
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = held("VmRSS")
    done(*given)
    return {"grown": held("VmHWM") - before, "before": before, "values": given[0].size}


def done(stored: np.ndarray, decision: Decision, form: Form) -> None:
    """A region, as a run does it."""
    work.denoised(stored, decision, form, region.whole(form.shape))


def region_of(name: str, side: int) -> tuple[np.ndarray, Decision, Form]:
    """The region of a case, and what is done about it."""
    method, channels, slices, shared, _ = CASES[name]
    sigma = 0.08
    noise = NoiseReport.white(sigma, channels)
    draws = np.random.default_rng(0).standard_normal((slices, channels, side, side), np.float32)
    if shared:
        draws = gaussian_filter(draws, (0, 0, 0.7, 0.7))
        draws /= draws.std()
        lag = np.arange(-spectrum.LAGS, spectrum.LAGS + 1)
        line = np.exp(-np.square(lag) / (4 * 0.7**2))
        kernel = sigma**2 * np.eye(channels)[:, :, None, None] * line[:, None] * line
        own = spectrum.to_variance(torch.from_numpy(kernel[0, 0])).numpy().reshape(8, 8)
        noise = replace(
            noise, kernel=kernel, spectrum=np.stack([own] * channels), correlated=True, length_px=1.4
        )
    if name.endswith("counts"):
        noise = replace(noise, gain=(sigma**2 / 0.5,) * channels, offset=(0.0,) * channels)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    scene = 0.5 + 0.3 * np.sin(x / 7) * np.cos(y / 11)
    stored = (65535 * (scene + sigma * draws)).clip(0, 65535).astype(np.uint16)
    del draws, x, y, scene
    shape, axes = stored.shape, "ZCYX" if slices > 1 else "QCYX"
    form = Form(
        shape=shape, dtype=stored.dtype, axes=axes, chunks=(1, channels, 256, 256), color=channels == 3
    )
    chosen = Choice(method=method, config=methods.load(method).presets["fast"], noise=noise, reason="")
    decision = Decision(
        request=Denoise(data_range=65535.0),
        choice=chosen,
        noise=noise,
        scale=65535.0,
        color=channels == 3,
        axis="Z" if slices > 1 else "",
    )
    return stored, decision, form


def main() -> None:
    parser = record.arguments(__doc__, "method_memory")
    parser.add_argument("--only", nargs="*", default=list(CASES))
    parser.add_argument("--one", nargs=2, metavar=("CASE", "SIDE"))
    asked = parser.parse_args()
    if asked.one is not None:
        print(json.dumps(one(asked.one[0], int(asked.one[1]))))
        return
    out = record.destination(asked)
    rows = json.loads(out.read_text())["rows"] if out is not None and out.exists() else {}
    for name in asked.only:
        words = [sys.executable, __file__, "--one", name, str(CASES[name][-1])]
        ended = subprocess.run(words, check=True, capture_output=True, text=True)
        found = json.loads(ended.stdout.splitlines()[-1])
        rows[name] = {
            "values": found["values"],
            "before_mb": round(found["before"] / 1e6),
            "grown_mb": round(found["grown"] / 1e6, 1),
            "bytes_per_value": round(found["grown"] / found["values"] - STORED, 1),
        }
        print(name, rows[name], flush=True)
        record.save(out, record.about(asked, __doc__) | {"rows": rows})


if __name__ == "__main__":
    main()
