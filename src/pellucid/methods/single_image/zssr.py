"""ZSSR: a small network learns to enlarge this picture from smaller versions of this picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from pellucid import engine, fields, networks, seeds
from pellucid.degradation import Downsample
from pellucid.methods.filters.interpolate import back_project
from pellucid.methods.single_image import dihedral
from pellucid.methods.table import described
from pellucid.networks.padding import mirrored
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Recipe, Step, Task, hurried

LEAST = 24  # pixels: the side of the smallest picture there is something to learn from; others are mirrored
DOUBLE = Downsample(2)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of ZSSR; the defaults are those of preset fast."""

    iterations: int = fields.option(600, low=1)
    """steps of the fit, where no budget is given"""
    width: int = fields.option(48, low=1)
    """channels of the hidden layers"""
    layers: int = fields.option(5, low=2)
    """convolutions of 3 x 3"""
    shuffle: bool = True
    """work at the size of the small picture and give four pixels for each, a quarter of the work; else at
    the size of the large one, as the paper"""
    learning_rate: float = fields.option(1e-3, low=0, low_open=True)
    """step size of Adam at the start; it falls to a thousandth along a cosine (the paper looks at the slope
    of the error instead)"""
    crop: int = fields.option(96, low=8)
    """side of the pieces of the large picture that are learnt from, in pixels"""
    smallest: float = fields.option(0.6, low=0, high=1, low_open=True)
    """the picture is also learnt from at sizes down to this share of its own"""
    back_projection: int = fields.option(10, low=0)
    """rounds that make the result explain the input; 0 for none"""
    ensemble: bool = True
    """average the results of the eight turned and mirrored pictures (the paper takes their median)"""

    def __post_init__(self) -> None:
        fields.check(self)


def fathers(small: Tensor, smallest: float) -> list[Tensor]:
    """The picture (C, H, W) at six sizes from its own to ``smallest``, sides even: what is to be learnt.

    >>> [tuple(f.shape) for f in fathers(torch.zeros(1, 61, 80), 0.5)][::5]
    [(1, 60, 80), (1, 30, 40)]
    """
    rows, columns = (mirrored(side, max(side, LEAST)) for side in small.shape[-2:])
    picture = small.index_select(-2, rows.to(small.device)).index_select(-1, columns.to(small.device))
    found = []
    for index in range(6):
        share = smallest ** (index / 5)
        size = [max(2, 2 * (round(share * side) // 2)) for side in picture.shape[-2:]]
        if index == 0:
            found.append(picture[..., : size[0], : size[1]])
        else:
            found.append(
                interpolate(picture[None], size, mode="bicubic", antialias=True, align_corners=False)[0]
            )
    return found


def enlarge(network: nn.Module, small: Tensor, degradation: Downsample, config: Config) -> Tensor:
    """The picture at its full size: doubled as often as needed, each time made to explain the input.

    Args:
        network: doubles (1, C, H, W).
        small: (C, H, W), y.
        degradation: its factor is 2, 4 or 8.
        config: ensemble and back_projection.
    """
    turns = range(dihedral.COUNT if config.ensemble else 1)
    large = small
    for doubling in range(1, int(math.log2(degradation.factor)) + 1):
        views = [dihedral.undo(network(dihedral.turn(large[None], k)), k)[0] for k in turns]
        large = torch.stack(views).mean(0)
        large = back_project(large, small, Downsample(2**doubling), config.back_projection)
    return large


@torch.no_grad()
def _estimate(network: nn.Module, small: Tensor, degradation: Downsample, config: Config) -> Tensor:
    return enlarge(network, small, degradation, config)


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Learn D2(father) -> father on the picture itself, then apply what was learnt to the picture.

    Pieces of the picture recur at other sizes, so what its reduced copy lacks against it is what it lacks
    against the picture that is sought. The loss is the mean absolute difference. The same network doubles the
    size as often as needed; learning anew for every doubling, as the paper does, gained at most 0.05 dB on
    four training pictures.

    Args:
        task: shots (S, C, H, W) whose degradation is a Downsample.
        config: the configuration.
        seed: its children weights and pieces draw everything that is random.
        device: where to compute.

    Yields:
        Steps whose output is the bicubic enlargement, as the network works on small pieces, and whose
        estimate applies the network to the whole picture.

    Raises:
        ValueError: when there is no factor.

    Source: Shocher, Cohen, Irani, "Zero-Shot Super-Resolution using Deep Internal Learning", CVPR 2018.
    """
    degradation = task.degradation
    if not isinstance(degradation, Downsample):
        raise ValueError("zssr needs a factor to enlarge by, got none. Use it with upscale.")
    small = task.shots.mean(0).to(device, torch.float32)
    large = fathers(small, config.smallest)
    pairs = [(DOUBLE.apply(father), father) for father in large]
    with seeds.fixed(seed, "weights"):
        network = networks.builder("doubler")(
            small.shape[0], small.shape[0], width=config.width, layers=config.layers, shuffle=config.shuffle
        )
    network = engine.placed(network, device)
    optimizer = engine.adam(network.parameters(), config.learning_rate)
    draws = seeds.generator(seed, "pieces")
    area = torch.tensor([float(father[0].numel()) for father in large])
    output = degradation.enlarge(small)
    notes: tuple[str, ...] = ()
    if min(small.shape[-2:]) < LEAST:
        notes = (
            f"zssr has less than {LEAST} pixels a side to learn from, got {small.shape[-2]} x "
            f"{small.shape[-1]}: "
            "it learns from mirror images of the picture. Use lanczos.",
        )
    total = task.budget.iterations or config.iterations
    for iteration in range(1, total + 1):
        falling = 0.5 * (1 + math.cos(math.pi * (iteration - 1) / total))
        rate = config.learning_rate * (1e-3 + (1 - 1e-3) * falling)
        # Large fathers are drawn more often, by their number of pieces.
        son, father = pairs[int(torch.multinomial(area, 1, generator=draws))]
        top, left, turn = (int(v) for v in torch.randint(0, 2**31, (3,), generator=draws))
        son, father = _piece(son, father, config.crop // 2, top, left)
        with torch.enable_grad():
            learnt = network(dihedral.turn(son[None], turn % dihedral.COUNT))
            loss = (learnt - dihedral.turn(father[None], turn % dihedral.COUNT)).abs().mean()
            engine.descend(optimizer, loss, learning_rate=rate)
        yield Step(
            iteration=iteration,
            phase="fit",
            loss=loss.detach(),
            output=output,
            estimate=partial(_estimate, network, small, degradation, config),
            total=total,
            notes=notes,
            unfinished=hurried("zssr", iteration, config.iterations),
        )


def _piece(son: Tensor, father: Tensor, side: int, top: int, left: int) -> tuple[Tensor, Tensor]:
    """The same part of both: at most ``side`` pixels of the son; ``top`` and ``left`` are any numbers."""
    height, width = (min(side, n) for n in son.shape[-2:])
    y, x = top % (son.shape[-2] - height + 1), left % (son.shape[-1] - width + 1)
    return (
        son[..., y : y + height, x : x + width],
        father[..., 2 * y : 2 * (y + height), 2 * x : 2 * (x + width)],
    )


PAPER = Paper(
    citation="Shocher, Cohen, Irani, CVPR 2018",
    states=stated(
        iterations=(3000, "text: it ends by the slope of the error, after 3000 steps at most"),
        width=(64, "text"),
        layers=(8, "text"),
        learning_rate=(1e-3, "text"),
        crop=(128, "text"),
        back_projection=(10, "text; the number of rounds is ours"),
        ensemble=(True, "text: the median of eight, here their mean"),
    ),
    open=stated(smallest=(0.5, "fathers are smaller versions of the picture, how small is not stated")),
    ours={"shuffle": False},
)

_PRESETS = {"paper": PAPER.preset(Config), "fast": Config()}

ZSSR = Method(
    **described("zssr"),
    config=Config,
    steps=steps,
    presets=_PRESETS,
    paper=PAPER,
    departures={
        "iterations": "seconds on two cores instead of minutes",
        "width": "see iterations",
        "layers": "see iterations",
        "shuffle": "a quarter of the work",
        "crop": "see iterations",
        "smallest": "chosen with the few steps",
    },
    stochastic=True,
    restores={
        "downsample": Recipe(presets=_PRESETS, stop="plateau:patience=1000", cost="20 s (512x512 out)")
    },
    stop="plateau:patience=1000",
    uses_noise=False,
)
