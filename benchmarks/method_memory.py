"""How much memory a method takes for each value that it has at work at once: the figures of `large.memory`.

    python benchmarks/method_memory.py [--only bm3d vbm3d …] [--out benchmarks/results/method_memory.json]

Each case is one region of a store, done by the very function that does it in a run, in a process of its own,
at two sizes. The peak of what the process holds (VmHWM, to the byte as the kernel keeps it) grows by so many
bytes from the one to the other, beyond what the region takes as it is stored; the rest, libraries and what a
method holds at any size, is the base. Noise is white, or shared by neighbouring pixels where the method does
more then.
"""

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
    # name: (method, channels, slices, shared noise, (sides))
    "median": ("median", 1, 1, False, (768, 1536)),
    "bm3d": ("bm3d", 1, 1, False, (320, 640)),
    "bm3d shared": ("bm3d", 1, 1, True, (320, 640)),
    "bm3d colour": ("bm3d", 3, 1, False, (192, 384)),
    "photo": ("photo", 1, 1, False, (320, 640)),
    "photo shared": ("photo", 1, 1, True, (320, 640)),
    "photo colour shared": ("photo", 3, 1, True, (192, 384)),
    "photons": ("photons", 1, 1, False, (320, 640)),
    "vbm3d": ("vbm3d", 1, 16, False, (96, 192)),
    "vbm3d shared": ("vbm3d", 1, 16, True, (96, 192)),
    "bm4d": ("bm4d", 1, 16, False, (96, 192)),
    "bm4d shared": ("bm4d", 1, 16, True, (96, 192)),
}


def one(name: str, side: int) -> None:
    """Do one case at one size and print the peak."""
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
    work.denoised(stored, decision, form, region.whole(shape))
    lines = Path("/proc/self/status").read_text().splitlines()
    told = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}
    print(json.dumps({"peak": told["VmHWM"], "file": told["RssFile"], "values": stored.size}))


def main() -> None:
    parser = record.arguments(__doc__, "method_memory")
    parser.add_argument("--only", nargs="*", default=list(CASES))
    parser.add_argument("--one", nargs=2, metavar=("CASE", "SIDE"))
    asked = parser.parse_args()
    if asked.one is not None:
        one(asked.one[0], int(asked.one[1]))
        return
    out = record.destination(asked)
    rows = json.loads(out.read_text())["rows"] if out is not None and out.exists() else {}
    for name in asked.only:
        peaks = []
        for side in CASES[name][-1]:
            words = [sys.executable, __file__, "--one", name, str(side)]
            done = subprocess.run(words, check=True, capture_output=True, text=True)
            peaks.append(json.loads(done.stdout.splitlines()[-1]))
        small, large = peaks
        grown = (large["peak"] - small["peak"]) / (large["values"] - small["values"])
        base = small["peak"] - grown * small["values"] - small["file"]
        rows[name] = {
            "values": [peak["values"] for peak in peaks],
            "peak_mb": [round(peak["peak"] / 1e6) for peak in peaks],
            "libraries_mb": round(small["file"] / 1e6),
            "bytes_per_value": round(grown - STORED, 1),
            "base_mb": round(base / 1e6),
        }
        print(name, rows[name], flush=True)
        record.save(out, record.about(asked, __doc__) | {"rows": rows})


if __name__ == "__main__":
    main()
