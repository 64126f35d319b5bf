"""What the contract suite needs: a picture, a task for any method, and a short run."""

from __future__ import annotations

import atexit
import dataclasses
import shutil
import tempfile
from functools import cache
from itertools import pairwise
from pathlib import Path

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from pellucid import methods, models, seeds, stopping
from pellucid.degradation import Degradation, Downsample, Identity, Kind, Mask
from pellucid.networks.cycleisp import CycleISP
from pellucid.noise.report import NoiseReport
from pellucid.steps import Budget, Method, Task

SIGMA = 0.1
BUDGET = 4
"""iterations of a stochastic method in the suite: enough to run all of its code"""

TRAINED = (
    "n2n",
    "supervised",
    "iddp",
    "n2v",
    "n2v2",
    "n2s",
    "nb2nb",
    "r2r",
    "nr2n",
    "b2u",
    "cvf-sid",
    "ap-bsn",
)
"""methods that a file of `pellucid train` is needed for; tests/methods/dataset trains each for a moment"""

MARGIN: dict[str, tuple[float | None, int]] = {
    "bm3d": (8.0, 1),
    "vbm3d": (8.0, 1),
    "bm4d": (8.0, 1),
    "mctf": (8.0, 1),
    "photo": (8.0, 1),
    "photons": (8.0, 1),
    "nlh": (8.0, 1),
    "nlm": (5.0, 1),
    "tv": (5.0, 1),
    "wavelet": (3.0, 1),
    "guided": (4.0, 1),
    "median": (8.0, 1),
    "dncnn": (None, 1),
    "ffdnet": (None, 1),
    "zoo": (None, 1),
    "dip": (3.0, 300),
    "zs-n2n": (5.0, 150),
    "self2self": (5.0, 100),
    "nac": (2.0, 100),
    "ms-dip": (3.0, 600),
    "rs-dip": (5.0, 100),
} | dict.fromkeys(TRAINED, (None, 1))
"""dB that a method gains on the picture below, and its iterations; None where it needs a file"""


RESTORES: dict[tuple[str, Kind], tuple[float, int]] = {
    ("dip", "mask"): (2.0, 300),
    ("dip", "downsample"): (-1.5, 300),
    ("zssr", "downsample"): (0.5, 200),
    ("biharmonic", "mask"): (2.5, 1),
    ("idbp", "mask"): (3.0, 5),
    ("bicubic", "downsample"): (-0.01, 1),
    ("lanczos", "downsample"): (0.0, 1),
}
"""dB that a method gains over the nearest known pixel (mask) or bicubic interpolation (downsample) on the
picture below without noise, and its iterations"""


def settings() -> list[tuple[str, Kind]]:
    """Every method with every kind of degradation that it undoes."""
    found: list[tuple[str, Kind]] = []
    for name in methods.METHODS:
        method = methods.load(name)
        found += [(name, "noise")] if method.denoises else []
        found += [(name, kind) for kind in method.restores]
    return found


def degradation(kind: Kind, shape: tuple[int, ...]) -> Degradation:
    """A third of the pixels missing, but never all of them, or a factor of 2."""
    if kind == "mask":
        height, width = shape[-2:]
        hidden = torch.rand((height, width), generator=torch.Generator().manual_seed(5)) < 1 / 3
        hidden[0, 0] = False
        return Mask(hidden)
    return Downsample(2) if kind == "downsample" else Identity()


def expected(method: Method, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the estimate for an input of ``shape``."""
    factor = degradation(method.kind, shape).factor
    return (shape[0], shape[1] * factor, shape[2] * factor)


def noisy_clean(shape: tuple[int, int, int], *, impulses: bool = False) -> tuple[Tensor, Tensor]:
    """A piecewise smooth picture (C, H, W) with white noise, or a tenth of its pixels black or white."""
    channels, height, width = shape
    y = torch.linspace(0, 1, height).view(1, -1, 1)
    x = torch.linspace(0, 1, width).view(1, 1, -1)
    phase = torch.arange(channels).view(-1, 1, 1)
    disk = ((x - 0.4) ** 2 + (y - 0.6) ** 2 < 0.07).float()
    clean = 0.3 + 0.25 * x * y + 0.3 * disk + 0.05 * torch.sin(12 * x + 5 * y + phase)
    draws = torch.Generator().manual_seed(7)
    if impulses:
        hit = torch.rand(shape, generator=draws)
        return torch.where(hit < 0.05, 0.0, torch.where(hit > 0.95, 1.0, clean)), clean
    return clean + SIGMA * torch.randn(shape, generator=draws), clean


def task_for(method: Method, noisy: Tensor) -> Task:
    """A task as `run` would give it."""
    channels = noisy.shape[0]
    count = 2 if method.takes_shots else 1
    near_clean = torch.stack([gaussian(noisy, 1.0), gaussian(noisy, 2.0)]) if method.near_clean else None
    return Task(
        shots=noisy[None].repeat(count, 1, 1, 1),
        noise=NoiseReport.white(SIGMA, channels),
        degradation=degradation(method.kind, noisy.shape),
        model=weights(method.name, channels) if method.needs_model else None,
        near_clean=near_clean,
        color=channels == 3,
    )


def gaussian(noisy: Tensor, sigma: float) -> Tensor:
    """A near-clean image of the simplest kind."""
    return torch.from_numpy(gaussian_filter(noisy.numpy(), (0, sigma, sigma)))


def drive(method: Method, task: Task, *, seed: int = 0, iterations: int = BUDGET) -> Tensor:
    """The estimate after a few iterations of the fast preset."""
    steps = method.steps(task, method.presets["fast"], seed=seed, device=torch.device("cpu"))
    return stopping.until(steps, None, budget=Budget(iterations=iterations)).estimate


@cache
def weights(name: str, channels: int) -> str:
    """A small weight file that the method accepts: DnCNN at random, FFDNet as a mean over 2 x 2 pixels, a
    trained method as its `fast` preset begins."""
    method = methods.load(name)
    if method.learning is not None:
        return _trained(method, channels)
    channels = 3 if channels == 3 else 1
    if name == "zoo":
        return _cycleisp(channels)
    draws = torch.Generator().manual_seed(1)
    convolutions: list[Tensor]
    if name == "dncnn":
        sizes = [channels] + [8] * 14 + [channels]
        convolutions = [0.05 * torch.randn(b, a, 3, 3, generator=draws) for a, b in pairwise(sizes)]
    else:
        inside = 4 * channels + 1
        convolutions = [
            torch.zeros(b, a, 3, 3) for a, b in pairwise([inside] + [channels] * 7 + [inside - 1])
        ]
        for channel in range(channels):
            phases = slice(4 * channel, 4 * channel + 4)
            convolutions[0][channel, phases, 1, 1] = 0.25
            convolutions[-1][phases, channel, 1, 1] = 1.0
        for middle in convolutions[1:-1]:
            middle[:, :, 1, 1] = torch.eye(channels)
    state = {}
    for i, weight in enumerate(convolutions):
        state |= {f"layers.{i}.weight": weight, f"layers.{i}.bias": torch.zeros(weight.shape[0])}
    path = _folder() / f"{name}.pth"
    torch.save(state, path)
    return str(path)


def _cycleisp(channels: int) -> str:
    """A small CycleISP as it is drawn."""
    with seeds.fixed(1, "weights"):
        network = CycleISP(channels, features=8, groups=1, blocks=1, reduction=4)
    path = _folder() / "zoo.pth"
    torch.save(network.state_dict(), path)
    return str(path)


def _folder() -> Path:
    """A new folder, gone with the process."""
    folder = Path(tempfile.mkdtemp(prefix="pellucid-weights-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _trained(method: Method, channels: int) -> str:
    """A model file whose network has just been drawn."""
    assert method.learning is not None
    config = method.presets["fast"]
    with seeds.fixed(1, "weights"):
        network = method.learning.build(config, channels)
    for parameter in network.parameters():  # some networks begin as the identity
        if not bool(parameter.any()):
            parameter.data.fill_(1e-3)
    card = models.Card(method=method.name, config=dataclasses.asdict(config), channels=channels)
    path = _folder() / f"{method.name}.safetensors"
    return str(models.write(path, card, network.state_dict()))
