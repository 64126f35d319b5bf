"""RS-DIP from the weight files of others, `--near-clean a.pth,b.pth`: one shot and two, in colour.

    python benchmarks/rs_dip_files.py

The files: DnCNN and FFDNet as their authors published them (looked for under PELLUCID_DATA/weights);
Restormer and SwinIR at their published size in the authors' layout, with random weights, as none can be had:
they show that the way works and nothing of quality; and a small CycleISP, trained here for `--steps` steps on
crops of pictures of scikit-image with noise of sigma 25, saved in the authors' layout. The picture: a crop of
scikit-image's astronaut, which no step saw, white noise of sigma 25, levels measured. Processor seconds.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage import data

import pellucid
import record
import zoo
from pellucid import seeds
from pellucid.models.zoo import theirs
from pellucid.networks.cycleisp import CycleISP

SIGMA = 25 / 255
TRAINED = {"features": 16, "groups": 2, "blocks": 2, "reduction": 4}
PAIRS = (
    ("dncnn", "ffdnet"),
    ("restormer", "ffdnet"),
    ("restormer", "dncnn"),
    ("restormer", "swinir"),
    ("cycleisp", "ffdnet"),
    ("cycleisp", "dncnn"),
)


def trained(folder: Path, steps: int) -> Path:
    """A small CycleISP that has learnt a little."""
    pictures = [torch.from_numpy(p.copy()).permute(2, 0, 1) / 255 for p in (data.coffee(), data.chelsea())]
    with seeds.fixed(0, "weights"):
        network = CycleISP(3, **TRAINED)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    draws = seeds.generator(0, "crops")
    for _ in range(steps):
        crops = []
        for _ in range(4):
            picture = pictures[int(torch.randint(len(pictures), (), generator=draws))]
            top, left = (int(torch.randint(n - 48, (), generator=draws)) for n in picture.shape[1:])
            crops.append(picture[:, top : top + 48, left : left + 48])
        clean = torch.stack(crops)
        loss = (network(clean + SIGMA * torch.randn(clean.shape, generator=draws)) - clean).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    path = folder / "cycleisp.pth"
    torch.save({"epoch": 1, "state_dict": {f"module.{k}": v for k, v in network.state_dict().items()}}, path)
    return path


def row(clean: np.ndarray, shots: list[np.ndarray], names: list[str]) -> dict[str, Any]:
    """One run, with the scores of what it starts from."""
    began = time.process_time()
    more = {"shots": True} if len(shots) > 1 else {}
    given = shots if len(shots) > 1 else shots[0]
    done = pellucid.denoise(given, "rs-dip", near_clean=names, channel_axis=-1, return_result=True, **more)
    near = done.extras["near_clean"]
    scores = [record.psnr(clean, np.moveaxis(np.asarray(one)[0], 0, -1), digits=2) for one in near]
    mean = np.mean([np.asarray(one)[0] for one in near], axis=0)
    return {
        "near_clean": scores,
        "mean": record.psnr(clean, np.moveaxis(mean, 0, -1), digits=2),
        "rs_dip": record.psnr(clean, np.moveaxis(done.estimate[0], 0, -1), digits=2),
        "iterations": done.iterations,
        "seconds": round(time.process_time() - began, 1),
    }


def main() -> None:
    parser = record.arguments(__doc__, "rs_dip_files")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=150)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    theirs.registry()
    out, result = record.destination(given), record.about(given, __doc__)
    clean = data.astronaut()[40 : 40 + given.size, 190 : 190 + given.size].astype(np.float32) / 255
    draws = np.random.default_rng(0)
    shots = [(clean + SIGMA * draws.standard_normal(clean.shape)).astype(np.float32) for _ in range(2)]
    result["noisy"] = record.psnr(clean, shots[0], digits=2)
    result["rows"] = {}
    weights = given.data_root / "weights"
    with tempfile.TemporaryDirectory(prefix="pellucid-files-") as name:
        folder = Path(name)
        paths = {
            "dncnn": weights / "cszn" / "dncnn_top_GD_Color_Blind.npz",
            "ffdnet": weights / "ffdnet" / "net_rgb.pth",
        }
        for kind, network in (("restormer", "Restormer"), ("swinir", "SwinIR-DN color")):
            (folder / kind).mkdir()
            paths[kind] = zoo.written(zoo.NETWORKS[network][0], folder / kind)
        paths["cycleisp"] = trained(folder, given.steps)
        for one, other in PAIRS[: given.limit]:
            names = [str(paths[one]), str(paths[other])]
            for count in (1, 2):
                what = f"{one}+{other}, {count} shot{'s' * (count > 1)}"
                result["rows"][what] = row(clean, shots[:count], names)
                print(what, result["rows"][what], flush=True)
                record.save(out, result)


if __name__ == "__main__":
    main()
