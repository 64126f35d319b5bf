"""Seconds of a film of 50 frames of 512 x 512 gray pixels, by `normal` and `quick`.

    python benchmarks/film_speed.py [--frames 50] [--efforts quick normal] [--threads 2] [--out FILE]

The cameraman, nearer and turned a little from frame to frame, with white noise. Analysis and method, no
import and no file. On a machine that does other things only the processor's seconds mean something.
"""

import time

import numpy as np
import torch
from scipy.ndimage import map_coordinates
from skimage.data import camera

import pellucid
import record

SIDE, SIGMA = 512, 20


def film(frames: int) -> np.ndarray:
    """(T, 512, 512), 0 to 255."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    made = []
    for t in range(frames):
        angle, size = 0.004 * t, 1 - 0.002 * t
        turned = (np.cos(angle) * y - np.sin(angle) * x, np.sin(angle) * y + np.cos(angle) * x)
        made.append(
            map_coordinates(camera().astype(np.float32), [SIDE / 2 + size * v for v in turned], order=1)
        )
    return np.stack(made)


def main() -> None:
    parser = record.arguments(__doc__, "film_speed")
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--efforts", nargs="*", default=["quick", "normal"])
    asked = parser.parse_args()
    record.limit_threads(asked.threads)
    clean = film(asked.frames)
    drawn = clean + SIGMA * np.random.default_rng(0).standard_normal(clean.shape)
    noisy = drawn.round().clip(0, 255).astype(np.uint8)
    pellucid.denoise(noisy[:3, :96, :96], axes="TYX", axis="t")  # compiled and loaded before the clock
    rows = {}
    for effort in asked.efforts:
        begun, used = time.perf_counter(), time.process_time()
        result = pellucid.denoise(noisy, axes="TYX", effort=effort, return_result=True)
        rows[effort] = {
            "frames": asked.frames,
            "method": result.method,
            "seconds": round(time.perf_counter() - begun, 1),
            "cpu_seconds": round(time.process_time() - used, 1),
            "noisy_psnr": record.psnr(
                *map(torch.from_numpy, (clean, noisy.astype(np.float32))), data_range=255.0, digits=2
            ),
            "psnr": record.psnr(*map(torch.from_numpy, (clean / 255, result.estimate[:, 0])), digits=2),
        }
        print(effort, rows[effort], flush=True)
        record.save(record.destination(asked), record.about(asked, __doc__) | {"rows": rows})


if __name__ == "__main__":
    main()
