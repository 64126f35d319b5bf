"""Fit the scores of marks (`pellucid/damage/marks.safetensors`) on pictures with drawn damage.

    python recipes/marks/fit.py PICTURES -o src/pellucid/damage/marks.safetensors

PICTURES is a folder of photographs without damage. Of three pictures one stays whole, so that what is thin
and belongs to a picture is learnt as such; every fifth is gray. Every fourth is held out, and what comes of
it is printed. About twenty minutes on one core.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
import torch
from drawn import damaged
from safetensors.numpy import save_file
from scipy import ndimage
from skimage.io import imread

from pellucid.damage.candidates import candidates

HIDDEN = (24, 12)
STEPS, NETWORKS = 2500, 3


def examples(paths: list[Path]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Figures (N, 13) of candidates, whether each is drawn damage, and the number of its picture."""
    figures, drawn, source = [], [], []
    for number, path in enumerate(paths):
        clean = np.atleast_3d(imread(path))[..., :3].astype(np.float32) / 255
        rng = np.random.default_rng(number)
        truth = np.zeros(clean.shape[:2], bool)
        if number % 3:
            picture, truth, _ = damaged(clean, rng)
        else:
            picture = clean + rng.normal(0, 1, clean.shape) * rng.uniform(0, 0.03)
        if number % 5 == 4:
            picture = np.repeat(picture.mean(2, keepdims=True), 3, 2)
        pixels = np.round(np.clip(picture, 0, 1) * 255).astype(np.float32).transpose(2, 0, 1) / 255
        for light in (True, False):
            found = candidates(pixels, light=light)
            if not len(found.places):
                continue
            share = np.asarray(ndimage.mean(truth, found.labels, found.places))
            clear = (share < 0.2) | (share >= 0.5)
            figures.append(found.figures[clear])
            drawn.append(share[clear] >= 0.5)
            source.append(np.full(clear.sum(), number))
        if number % 20 == 0:
            print(f"{number} of {len(paths)} pictures", flush=True)
    return np.concatenate(figures), np.concatenate(drawn), np.concatenate(source)


def network(x: torch.Tensor, y: torch.Tensor, seed: int) -> list[np.ndarray]:
    """Weights and biases of one network that was fitted to x (N, 13) and y (N,)."""
    torch.manual_seed(seed)
    sizes = (x.shape[1], *HIDDEN, 1)
    layers = [torch.nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    net = torch.nn.Sequential(layers[0], torch.nn.Tanh(), layers[1], torch.nn.Tanh(), layers[2])
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=STEPS)
    of_damage, others = torch.nonzero(y > 0)[:, 0], torch.nonzero(y == 0)[:, 0]
    for _ in range(STEPS):
        rows = torch.cat(
            [kind[torch.randint(len(kind), (n,))] for kind, n in ((of_damage, 128), (others, 896))]
        )
        given = x[rows] + 0.05 * torch.randn(len(rows), x.shape[1])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(net(given)[:, 0], y[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return [p.detach().numpy() for layer in layers for p in (layer.weight, layer.bias)]


def main() -> None:
    """Fit, write, and say what comes of the pictures that were held out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=2, help="take every n-th picture")
    given = parser.parse_args()
    paths = sorted(p for p in given.pictures.iterdir() if p.suffix.lower() in (".png", ".jpg"))[
        :: given.every
    ]
    figures, drawn, source = examples(paths)
    mean, scale = figures.mean(0), figures.std(0)
    x = torch.tensor(np.clip((figures - mean) / scale, -4, 4), dtype=torch.float32)
    y = torch.tensor(drawn, dtype=torch.float32)
    seen = torch.tensor(source % 4 != 3)
    made = [network(x[seen], y[seen], seed) for seed in range(NETWORKS)]
    weights = {
        name: np.stack(parts).astype(np.float32)
        for name, parts in zip("abcdef", zip(*made, strict=True), strict=True)
    }
    save_file({**weights, "mean": mean.astype(np.float32), "scale": scale.astype(np.float32)}, given.out)
    from pellucid.damage.marks import scores

    score, truth = scores(figures[~seen.numpy()]), drawn[~seen.numpy()]
    for least in (-1, 0, 0.5, 1, 2, 3):
        hit = score > least
        print(
            f"score {least}: {hit[truth].mean():.0%} of {truth.sum()} found, {(hit & ~truth).sum()} false "
            f"alarms in {len(set(source[~seen.numpy()]))} pictures"
        )


if __name__ == "__main__":
    main()
