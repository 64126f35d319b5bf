"""A small student of swift-color, taught on noisy pictures alone.

    python benchmarks/distil.py --steps 600

16 pictures of BSDS500, cut to 256 x 256, with white noise of sigma 25 are all that teacher and student see.
PSNR on every sixth picture of CBSD68 at the same level; time on 512 x 512 in turns, as a ratio.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

import networks_compared
import record
from pellucid import files, models
from pellucid.production.distil import distil
from pellucid.request import Distil

COUNT = 16


def main() -> None:
    parser = record.arguments(__doc__, "distil")
    parser.add_argument("--steps", type=int, default=600)
    given = parser.parse_args()
    out, head = record.destination(given), record.about(given, __doc__)
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory(prefix="pellucid-distil-") as name:
        folder = Path(name, "noisy")
        folder.mkdir()
        for number, path in enumerate(record.pictures(given.data_root, "train/BSDS500_train_test", COUNT)):
            _, noisy = networks_compared.picture(path, 1000 + number)
            pixels = (noisy[0, :, :256, :256].permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()
            files.write(files.from_array(pixels, channel_axis=2), folder / f"{path.stem}.png")
        student = Path(name, "student.safetensors")
        done = distil(Distil(teachers=("swift-color",), data=folder, out=student, steps=given.steps))
        networks = {
            "swift-color": networks_compared.network(models.locate("swift-color")),
            "student": networks_compared.network(student),
        }
    psnr, _ = networks_compared.scores(networks, given.data_root, given.limit)
    result = {
        "psnr": psnr,
        "time_of_student": networks_compared.shares(networks, "swift-color")["student"],
        "teaching_s": round(done.seconds),
        "training_s": round(done.trained.seconds),
        "steps": done.trained.steps,
    }
    record.save(out, head | result)
    print(result)


if __name__ == "__main__":
    main()
