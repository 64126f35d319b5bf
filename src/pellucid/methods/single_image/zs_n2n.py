"""Zero-Shot Noise2Noise: a tiny network learns from two half-size copies of one noisy picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from pellucid import devices, engine, fields, networks, seeds, tiles
from pellucid.methods.single_image import fitting, starts
from pellucid.methods.table import described
from pellucid.networks.chains import REACH
from pellucid.networks.padding import mirrored
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Step, Task, hurried

SCHEDULES = ("halve", "cosine")
STARTS = ("learnt", "random")
MORE = 4
"""times as many steps as from learnt weights, from random ones"""
LOOK_EVERY = 50
"""steps between two looks at the whole picture, where a step sees a crop"""
LEAST = 16
"""shorter side of a picture whose halves have enough pixels to learn from"""
LARGEST = 1024
"""side of the largest piece that goes through the network at once, so that memory stays bounded"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of Zero-Shot Noise2Noise; the defaults are those of preset fast."""

    iterations: int = fields.option(150, low=1)
    """steps of the fit, where no budget is given"""
    start: str = fields.option("learnt", choices=STARTS)
    """weights that it begins from: random, or learnt (on noisy photographs, for pictures in colours and gray
    ones; all others and other widths begin from random ones, with four times the steps)"""
    learning_rate: float = fields.option(0.003, low=0, low_open=True)
    """step size of Adam at the start"""
    schedule: str = fields.option("cosine", choices=SCHEDULES)
    """how it falls: halve (once, after three quarters of the steps) or cosine (to zero)"""
    width: int = fields.option(48, low=1)
    """channels of the network"""
    consistency: float = fields.option(1.0, low=0)
    """weight of the loss that asks for the same result before and after halving; 0 to leave it out"""
    crop: int = fields.option(128, low=0, high=LARGEST)
    """side of the random crop that a step learns from, even; 0 for the whole picture (up to 1024 pixels)"""
    precision: str = fields.option("auto", choices=devices.PRECISIONS)
    """how the fit multiplies: float32, bfloat16, or auto (bfloat16 where the processor has it)"""

    def __post_init__(self) -> None:
        fields.check(self)
        if self.crop % 2 or 0 < self.crop < 8:
            raise ValueError(f"crop must be 0 or an even side from 8, got {self.crop}. Use crop=128.")


def halves(image: Tensor) -> Tensor:
    """D1 and D2: the means of the two diagonals of every block of 2 x 2 pixels (equation 2).

    Where the noise of neighbours is independent, so is that of the two; the pictures beneath are nearly one.

    Args:
        image: (1, C, H, W), H and W even.

    Returns:
        (2, C, H / 2, W / 2): D1, from the upper right to the lower left, then D2.

    >>> halves(torch.tensor([[1.0, 2.0], [5.0, 10.0]]).view(1, 1, 2, 2)).flatten()
    tensor([3.5000, 5.5000])
    """
    down = 0.5 * (image[..., ::2, 1::2] + image[..., 1::2, ::2])
    return torch.cat([down, 0.5 * (image[..., ::2, ::2] + image[..., 1::2, 1::2])])


def objective(network: nn.Module, image: Tensor, pair: Tensor, consistency: float) -> tuple[Tensor, Tensor]:
    """The loss of equations 3 to 6, and the result x̂ = y - f(y) that it looked at.

    With x̂_i = D_i y - f(D_i y): residual 1/2 sum_i |x̂_i - D_j y|², j the other one, plus consistency
    1/2 sum_i |x̂_i - D_i x̂|²; both as means over pixels.

    Args:
        network: f, from (B, C, h, w) to the noise of the same shape.
        image: y (1, C, H, W).
        pair: `halves` of y; they do not change, so that they are made once.
        consistency: weight of the second term; with 0 the result is not computed and image is given back.

    Returns:
        (), (1, C, H, W).
    """
    each = pair - network(pair)
    loss = (each - pair.flip(0)).square().mean()
    if consistency == 0:
        return loss, image
    whole = image - network(image)
    return loss + consistency * (each - halves(whole)).square().mean(), whole.detach()


def _rate(config: Config, iteration: int, total: int) -> float:
    """The learning rate of a step."""
    if config.schedule == "cosine":
        return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (iteration - 1) / total))
    return config.learning_rate * (1.0 if iteration <= 0.75 * total else 0.5)


def _even(noisy: Tensor) -> Tensor:
    """(1, C, H, W) with even sides: an odd side is mirrored by one pixel, a single pixel is repeated."""
    rows, columns = (mirrored(side, side + side % 2).to(noisy.device) for side in noisy.shape[-2:])
    return noisy.index_select(-2, rows).index_select(-1, columns)[None]


@torch.no_grad()
def _result(network: nn.Module, noisy: Tensor) -> Tensor:
    """x̂ = y - f(y) (C, H, W) in float32, in pieces where the picture is large; the pieces fit exactly."""

    def clean(piece: Tensor) -> Tensor:
        fed = engine.packed(piece[None])
        result: Tensor = (fed - network(fed))[0]
        return result

    return tiles.process(noisy, clean, tile=LARGEST, halo=REACH).contiguous()


def _begun(task: Task, config: Config, channels: int) -> tuple[Mapping[str, Tensor] | None, int]:
    """The weights that the fit begins from, None for random ones, and the steps that it takes then."""
    if task.initial is not None or config.start == "random":
        return task.initial, config.iterations
    fits = config.width == Config().width
    found = starts.learnt("zs-n2n", channels, color=task.color) if fits else None
    return found, config.iterations * (1 if found is not None else MORE)


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Learn to predict one half of the picture from the other, and take the predicted noise off the whole.

    The noise of one pixel must be independent of its neighbour's: on correlated noise (photographs of a
    camera, JPEG) the two halves share it, and it stays in the picture. With several shots their mean is
    taken.

    Args:
        task: shots (S, C, H, W); initial and budget are heeded.
        config: the configuration.
        seed: its children weights and crop draw everything that is random.
        device: where to compute.

    Yields:
        Steps whose output is the result of the whole picture, renewed every 50 steps where a step sees a
        crop; the estimate is always the result of the weights as they are, which are the state.

    Raises:
        ValueError: when a saved fit does not suit.

    Source: Mansour, Heckel, "Zero-Shot Noise2Noise: Efficient Image Denoising without any Data", CVPR 2023.
    """
    noisy = task.shots.mean(0).to(device, torch.float32)
    channels, height, width = noisy.shape
    image = engine.packed(_even(noisy))
    pair = engine.packed(halves(image))
    side = config.crop or LARGEST
    tall, wide = min(side, image.shape[-2]), min(side, image.shape[-1])
    cropped = (tall, wide) != image.shape[-2:]
    with seeds.fixed(seed, "weights"):
        network = networks.builder("shallow")(channels, channels, width=config.width).train()
    begun, planned = _begun(task, config, channels)
    if begun is not None:
        fitting.put_back(network, begun, of="zs-n2n with the same width and channels")
    network = engine.placed(network, device)
    optimizer = engine.adam(network.parameters(), config.learning_rate)
    corner = seeds.generator(seed, "crop")
    total = task.budget.iterations or planned
    output = noisy
    notes: tuple[str, ...] = ()
    if min(height, width) < LEAST:
        notes = (
            f"zs-n2n learns from two copies of half the size, here {image.shape[-2] // 2} x "
            f"{image.shape[-1] // 2} pixels: too few to tell noise from picture. Use bm3d.",
        )

    for iteration in range(1, total + 1):
        top = 2 * int(torch.randint(0, (image.shape[-2] - tall) // 2 + 1, (), generator=corner))
        left = 2 * int(torch.randint(0, (image.shape[-1] - wide) // 2 + 1, (), generator=corner))
        part = image[..., top : top + tall, left : left + wide]
        half = pair[..., top // 2 : (top + tall) // 2, left // 2 : (left + wide) // 2]
        # A caller's no_grad must not stop the fit; the contexts end before the step is yielded.
        with torch.enable_grad():
            with devices.arithmetic(config.precision, device):
                loss, whole = objective(network, part, half, config.consistency)
            engine.descend(optimizer, loss, learning_rate=_rate(config, iteration, total))
        if cropped or config.consistency == 0:
            output = _result(network, noisy) if iteration % LOOK_EVERY == 1 else output
        else:
            output = whole[0, :, :height, :width]
        yield Step(
            iteration=iteration,
            phase="fit",
            loss=loss.detach(),
            output=output,
            estimate=partial(_result, network, noisy),
            state=partial(fitting.weights, network),
            total=total,
            notes=notes,
            unfinished=hurried("zs-n2n", iteration, planned),
        )


PAPER = Paper(
    citation="Mansour, Heckel, CVPR 2023, and their notebook",
    states=stated(
        iterations=(2000, "notebook"),
        learning_rate=(0.001, "notebook"),
        schedule=("halve", "notebook: halved at step 1500 of 2000; other copies halve it every 1000"),
        width=(48, "notebook"),
        consistency=(1.0, "equation 6"),
    ),
    ours={"crop": 0, "precision": "float32", "start": "random"},
)

ZS_N2N = Method(
    **described("zs-n2n"),
    config=Config,
    steps=steps,
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures={
        "iterations": "see start; from random weights 600 reach what the authors' schedule reaches in 2000 "
        "(benchmarks/zs_n2n.py)",
        "start": "a quarter of the steps are enough (recipes/start)",
        "learning_rate": "a higher rate that falls along a cosine needs fewer steps",
        "schedule": "see learning_rate",
        "crop": "the time of a step is independent of the size of the picture",
        "precision": "twice as fast where the processor multiplies bfloat16, float32 elsewhere",
    },
    stochastic=True,
    stop="none",
    uses_noise=False,
    warm=0.4,
)
