"""Networks of others at their published size: saved in the authors' layout, loaded back, run, cut into tiles.

    python benchmarks/zoo.py [NAME ...]

No weights of others come with pellucid: all but DnCNN and FFDNet (whose public files are looked for under
PELLUCID_DATA/weights) are drawn at random, so that what is measured is size, time, memory and the
agreement of tiles, not quality. What others publish of them (counts, licences, files, hashes) is kept by hand
in results/zoo_files.json. Each network runs in a process of its own, through `pellucid.denoise` with a
file as its model, one thread: 512 x 512 and 1000 x 700 in colour, as the method cuts them by itself, and
256 x 384 whole beside tiles of 128 (the difference is in the root mean square of what the network changes).
Seconds are those of the processor; memory is the peak of the process, torch and what lies around included.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

import pellucid
import record
from pellucid import seeds
from pellucid.methods import foreign
from pellucid.models.zoo import own, theirs

SWINIR = {
    "upscale": 1,
    "in_chans": 3,
    "img_size": 128,
    "window_size": 8,
    "img_range": 1.0,
    "depths": [6] * 6,
    "embed_dim": 180,
    "num_heads": [6] * 6,
    "mlp_ratio": 2,
    "upsampler": "",
    "resi_connection": "1conv",
}
NAFNET = {"img_channel": 3, "middle_blk_num": 12, "enc_blk_nums": [2, 2, 4, 8], "dec_blk_nums": [2] * 4}


def of_spandrel(name: str, **arguments: object) -> nn.Module:
    from importlib import import_module

    theirs.registry()
    made: nn.Module = getattr(import_module(f"spandrel.architectures.{name}"), name)(**arguments)
    return made


def restormer() -> nn.Module:
    from pellucid.networks.restormer_unet import Restormer

    return Restormer(3)


def cycleisp() -> nn.Module:
    from pellucid.networks.cycleisp import CycleISP

    return CycleISP(3)


def dagl() -> nn.Module:
    from pellucid.networks.dagl import DAGL

    return DAGL(3)


# how it is built, or where its public file is
NETWORKS: dict[str, Callable[[], nn.Module] | str] = {
    "SwinIR-DN color": lambda: of_spandrel("SwinIR", **SWINIR),
    "Restormer": restormer,
    "DAGL color": dagl,
    "CycleISP": cycleisp,
    "NAFNet SIDD width 32": lambda: of_spandrel("NAFNet", width=32, **NAFNET),
    "NAFNet SIDD width 64": lambda: of_spandrel("NAFNet", width=64, **NAFNET),
    "SCUNet color": lambda: of_spandrel("SCUNet", in_nc=3, config=[4] * 7, dim=64),
    "DRUNet color": lambda: of_spandrel("DRUNet", in_nc=4, out_nc=3),
    "DnCNN color": "cszn/dncnn_top_GD_Color_Blind.npz",
    "FFDNet color": "ffdnet/net_rgb.pth",
}


def written(build: Callable[[], nn.Module], folder: Path) -> Path:
    """The file of a network of random weights, in the authors' layout."""
    with seeds.fixed(0, "weights"):
        network = build()
        for parameter in network.parameters():  # factors that begin as zero hide what they multiply
            if not bool(parameter.any()):
                nn.init.normal_(parameter, std=0.02)
    state = network.state_dict()
    if type(network).__name__ == "Restormer":
        state = {theirs_of(name): value for name, value in state.items()}
    path = folder / "network.pth"
    torch.save({"params": state}, path)
    return path


def theirs_of(name: str) -> str:
    """The authors' name of a weight of Restormer: the one that leads to ours."""
    block = {
        "norm_attention": "norm1.body",
        "norm_forward": "norm2.body",
        "attention.temperature": "attn.temperature",
        "attention.mix": "attn.qkv",
        "attention.around": "attn.qkv_dwconv",
        "attention.out": "attn.project_out",
        "feed_forward.mix": "ffn.project_in",
        "feed_forward.around": "ffn.dwconv",
        "feed_forward.out": "ffn.project_out",
        "first": "patch_embed.proj",
        "last": "output",
        "encoder.3.": "latent.",
        **{f"encoder.{i}.": f"encoder_level{i + 1}." for i in range(3)},
        **{f"decoder.{i}.": f"decoder_level{i + 1}." for i in range(3)},
        **{f"down.{i}": f"down{i + 1}_{i + 2}.body.0" for i in range(3)},
        **{f"up.{i}": f"up{i + 2}_{i + 1}.body.0" for i in range(3)},
        **{f"join.{i}": f"reduce_chan_level{i + 2}" for i in range(2)},
    }
    found = name
    for ours, authors in block.items():
        if name.startswith(ours) or f".{ours}" in name:
            found = found.replace(ours, authors, 1)
    assert own.restormer_name(found) == name, (name, found)
    return found


def picture(height: int, width: int) -> np.ndarray:
    """A smooth picture in colours with white noise of 25 of 255."""
    down, across = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    clean = np.stack([0.5 + 0.3 * np.sin(9 * down + k) * np.cos(5 * across) for k in range(3)], -1)
    noise = np.random.default_rng(0).normal(0, 25 / 255, clean.shape)
    return (clean + noise).astype(np.float32)


def timed(path: str, height: int, width: int, tile: int | None = None) -> tuple[np.ndarray, float]:
    noisy, start = picture(height, width), time.process_time()
    options = {} if tile is None else {"tile": tile}
    estimate = pellucid.denoise(noisy, model=path, channel_axis=-1, keep_brightness=False, **options)
    return estimate, time.process_time() - start


def measure(path: str) -> dict[str, object]:
    """In the process of its own."""
    torch.set_num_threads(1)
    theirs.registry()
    start = time.process_time()
    found = foreign.of_file(path)
    load = time.process_time() - start
    network: nn.Module = found.network  # type: ignore[assignment]
    row: dict[str, object] = {
        "method": found.method.name,
        "counted": sum(p.numel() for p in network.parameters()),
        "load_seconds": round(load, 2),
    }
    timed(path, 64, 64)  # what is loaded on first use
    for name, size in {"512x512": (512, 512), "1000x700": (700, 1000)}.items():
        estimate, seconds = timed(path, *size)
        row[name] = {"seconds": round(seconds, 1), "finite": bool(np.isfinite(estimate).all())}
        row[f"peak_gb_{name}"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    whole, _ = timed(path, 256, 384, 1024)
    tiled, _ = timed(path, 256, 384, 128)
    changed = np.sqrt(np.mean((whole - picture(256, 384)) ** 2))
    difference = tiled - whole
    row["tiled"] = {
        "kind": found.method.tiling.kind,
        "rms_share": float(f"{np.sqrt(np.mean(difference**2)) / changed:.2g}"),
        "largest": float(f"{np.abs(difference).max():.2g}"),
    }
    return row


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] == "--measure":
        print("ROW " + json.dumps(measure(sys.argv[2])))
        return
    parser = record.arguments(__doc__, "zoo")
    parser.add_argument("names", nargs="*", metavar="NAME", default=list(NETWORKS), help=", ".join(NETWORKS))
    given = parser.parse_args()
    out = record.destination(given)
    rows = json.loads(out.read_text())["rows"] if out.exists() else {}
    files = json.loads((record.HERE / "results" / "zoo_files.json").read_text())
    for name in given.names:
        source, published = NETWORKS[name], files["rows"][name]
        with tempfile.TemporaryDirectory() as folder:
            if isinstance(source, str):
                path = given.data_root / "weights" / source
            else:
                path = written(source, Path(folder))
            done = subprocess.run(
                [sys.executable, "-W", "ignore", __file__, "--measure", str(path)],
                capture_output=True,
                text=True,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )
        lines = [line for line in done.stdout.splitlines() if line.startswith("ROW ")]
        if not lines:
            print(name, "failed:", done.stderr.strip().splitlines()[-1:], flush=True)
            continue
        row = json.loads(lines[0][4:])
        weights = "random" if not isinstance(source, str) else source
        said = {
            "published_millions": published["published_millions"],
            "published_where": published["where"],
        }
        rows[name] = said | {"weights": weights} | row
        print(name, rows[name], flush=True)
        record.save(out, record.about(given, __doc__) | {"rows": rows})


if __name__ == "__main__":
    main()
