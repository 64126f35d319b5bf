"""DIP's result refined by an adversarial term, as a page on DIP advises: what it is worth without clean data.

    python benchmarks/dip_adversarial.py

DIP `fast` ends by its stop rule; its network goes on for `--steps` steps on |f - y|² + w · adversary, and a
small network of three convolutions learns at every step to tell two kinds of patches apart. No clean picture
may be shown, so what is real is one of

  noisy    the noisy picture itself; told from it is the estimate with noise of the known level added anew,
           so that the adversary speaks against noise that is left and structure that is missing;
  coarse   the noisy picture at half its size, which has half the noise; told from it is the estimate.

`w` 0 is going on without an adversary. Three training crops of 64 x 64, white noise of sigma 25 of 255, the
running average as the estimate, as in DIP. Gains are over where DIP stopped; `best` is the best step by the
clean picture (an oracle).
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits

import record
from ms_dip import picture
from pellucid import engine, methods, networks, seeds, stopping
from pellucid.methods.single_image import fitting

WAYS = (("none", 0.0), ("noisy", 1e-3), ("noisy", 1e-2), ("coarse", 1e-3), ("coarse", 1e-2))


def judge(seed: int) -> nn.Sequential:
    """Three convolutions that say for every place how real it looks."""
    with seeds.fixed(seed, "judge"):
        return nn.Sequential(
            nn.Conv2d(3, 32, 3),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 32, 3),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 1, 3),
        )


def refined(
    clean: Tensor,
    noisy: Tensor,
    sigma: float,
    state: dict[str, Tensor],
    start: Tensor,
    way: str,
    weight: float,
    steps: int,
) -> list[float]:
    """PSNR of the running average after every step."""
    config = methods.load("dip").presets["fast"]
    code = state["code"]
    network = networks.builder(config.network)(code.shape[1], 3).train()
    fitting.put_back(network, state, of="dip", prefix="network.")
    critic = judge(0)
    both = (
        engine.adam(network.parameters(), 0.1 * config.learning_rate),
        engine.adam(critic.parameters(), 1e-3),
    )
    draws = seeds.generator(0, "refine")
    average, scores = start, []

    def shown(picture: Tensor) -> Tensor:
        return picture + sigma * torch.randn(picture.shape, generator=draws) if way == "noisy" else picture

    real = noisy[None] if way == "noisy" else avg_pool2d(noisy[None], 2)
    for _ in range(steps):
        fed = code + config.jitter * torch.randn(code.shape, generator=draws)
        raw = network(fed)
        loss = (raw[0] - noisy).square().mean()
        if weight > 0:
            said = critic(shown(raw))
            loss = loss + weight * binary_cross_entropy_with_logits(said, torch.ones_like(said))
        engine.descend(both[0], loss)
        if weight > 0:
            one, other = critic(real), critic(shown(raw.detach()))
            engine.descend(
                both[1],
                binary_cross_entropy_with_logits(one, torch.ones_like(one))
                + binary_cross_entropy_with_logits(other, torch.zeros_like(other)),
            )
        average = average.lerp(raw.detach()[0], 1 - config.ema)
        scores.append(record.psnr(clean, average, digits=3))
    return scores


def scored(path: Path, size: int, steps: int) -> record.Row:
    """One picture, all ways."""
    clean, task = picture("set9", path, size)
    method = methods.load("dip")
    run = method.steps(task, method.presets["fast"], seed=0, device=torch.device("cpu"))
    done = stopping.until(run, stopping.parse(method.stop))
    assert done.state is not None
    found: record.Row = {"dip": record.psnr(clean, done.estimate, digits=3)}
    for way, weight in WAYS:
        began = time.process_time()
        scores = refined(
            clean, task.shots[0], task.noise.level, dict(done.state), done.estimate, way, weight, steps
        )
        found[f"{way} {weight:g}"] = {
            "last": round(scores[-1] - found["dip"], 3),
            "best": round(max(scores) - found["dip"], 3),
            "cpu_seconds": round(time.process_time() - began, 1),
        }
    return found


def main() -> None:
    parser = record.arguments(__doc__, "dip_adversarial")
    parser.add_argument("--folder", default="train/BSDS500_train_test")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--every", type=int, default=67, help="take every so-manieth picture of the folder")
    parser.add_argument("--images", type=int, default=3)
    parser.add_argument("--steps", type=int, default=150)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    out, result = record.destination(given), record.about(given, __doc__)
    result["rows"] = {}
    for path in record.pictures(given.data_root, given.folder, None)[7 :: given.every][: given.images]:
        result["rows"][path.stem] = scored(path, given.size, given.steps)
        print(path.stem, result["rows"][path.stem], flush=True)
        rows = list(result["rows"].values())
        result["mean"] = {
            way: {figure: round(mean(row[way][figure] for row in rows), 3) for figure in rows[0][way]}
            for way in rows[0]
            if way != "dip"
        } | {"dip": round(mean(row["dip"] for row in rows), 2)}
        record.save(out, result)
    print(result["mean"])


if __name__ == "__main__":
    main()
