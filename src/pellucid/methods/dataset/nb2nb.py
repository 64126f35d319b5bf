"""Neighbor2Neighbor: two half-size pictures from one noisy one, each pixel next to its partner."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_unshuffle

from pellucid import fields
from pellucid.learning import (
    ADAM,
    Batch,
    Learning,
    Loss,
    TrainingConfig,
    TrainingProgress,
    apply,
    extras_off,
    why_fast,
)
from pellucid.methods.dataset.plain import build, predict
from pellucid.methods.table import described
from pellucid.models import steps_of
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Tiling

PAIRS = ((0, 1), (0, 2), (1, 3), (2, 3), (1, 0), (2, 0), (3, 1), (3, 2))
"""ordered neighbours in a cell of 2 x 2 pixels that are numbered row by row"""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """Configuration of Neighbor2Neighbor; the defaults are those of preset fast."""

    patch: int = 96
    """side of the crops, pixels"""
    ratio: float = fields.option(1.0, low=0)
    """weight of the regulariser at the end of the training; it grows from 0"""


def chosen(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """For every cell of 2 x 2 pixels one of the eight ordered pairs of neighbours.

    Args:
        shape: (B, C, H, W), H and W even.
        generator: draws; its device is that of the result.

    Returns:
        (B, 1, H / 2, W / 2) int64, 0 to 7.
    """
    size = (shape[0], 1, shape[2] // 2, shape[3] // 2)
    return torch.randint(0, len(PAIRS), size, generator=generator, device=generator.device)


def halves(image: Tensor, choice: Tensor) -> tuple[Tensor, Tensor]:
    """g1 and g2: the first and the second pixel of the pair of every cell, all channels alike.

    Args:
        image: (B, C, H, W), H and W even.
        choice: of `chosen`.

    Returns:
        Two of (B, C, H / 2, W / 2).

    >>> first, second = halves(torch.arange(4.0).view(1, 1, 2, 2), torch.tensor(2).view(1, 1, 1, 1))
    >>> float(first), float(second)
    (1.0, 3.0)
    """
    count, channels, height, width = image.shape
    cells = pixel_unshuffle(image, 2).view(count, channels, 4, height // 2, width // 2)
    places = torch.tensor(PAIRS, device=image.device)[choice].movedim(-1, 2)
    picked = cells.gather(2, places.expand(-1, channels, -1, -1, -1))
    return picked[:, :, 0], picked[:, :, 1]


def objective(
    network: nn.Module,
    batch: Batch,
    config: Config,
    *,
    progress: TrainingProgress,
    generator: torch.Generator,
) -> Loss:
    """|d|² + L |d - e|² with d = f(g1 y) - g2 y and e = g1 f(y) - g2 f(y), f(y) without gradient.

    The noise of the two halves is independent, but their pictures differ by a pixel's shift: e is what that
    shift makes of a clean picture (equation 9). L grows evenly to `ratio`.

    Args:
        network: f.
        batch: noisy y, and sigma where the network asks for the level; an odd last line is left out.
        config: the configuration.
        progress: where the training stands, for L.
        generator: draws the pairs.

    Source: Huang, Li, Jia, Lu, Liu, "Neighbor2Neighbor", CVPR 2021.
    """
    height, width = (side - side % 2 for side in batch.noisy.shape[-2:])
    noisy = batch.noisy[..., :height, :width]
    choice = chosen(noisy.shape, generator)
    first, second = halves(noisy, choice)
    with torch.no_grad():
        whole_first, whole_second = halves(apply(network, noisy, batch.sigma), choice)
    output = apply(network, first, batch.sigma)
    difference = output - second
    expected = whole_first - whole_second
    plain = difference.square().mean()
    regular = (difference - expected).square().mean()
    value = plain + config.ratio * progress.fraction * regular
    pictures = {"first": first, "second": second, "output": output.detach()}
    return Loss(value=value, parts={"plain": plain.detach(), "regular": regular.detach()}, pictures=pictures)


LEARNING = Learning(
    sees="noisy", build=build, objective=objective, predict=predict, halo=64, stride=32, direct=True
)

PAPER = Paper(
    citation="Huang, Li, Jia, Lu, Liu, CVPR 2021, and their code",
    states=stated(
        network=("nb2nb-unet", "code"),
        steps=(1_108_200, "code: 100 rounds of 44,328 pictures"),
        batch=(4, "code"),
        patch=(256, "code"),
        learning_rate=(3e-4, "code"),
        decay=("halves", "code: every 20 rounds"),
        ratio=(2.0, "code; the text takes 1 to 2 for synthetic noise, more for real noise"),
    ),
    open=ADAM,
    ours=extras_off(),
)

NB2NB = Method(
    **described("nb2nb"),
    config=Config,
    steps=steps_of("nb2nb", LEARNING, Config),
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures=why_fast()
    | {
        "ratio": "the lower end of the text's 1 to 2",
    },
    tiling=Tiling(kind="approximate", halo=64, stride=32),
    needs_model=True,
    learning=LEARNING,
)
