"""Noisy-As-Clean: a network learns to remove more noise of the same kind, and is then given the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from pellucid import devices, engine, fields, networks, seeds
from pellucid.losses import mean_square
from pellucid.methods.table import described
from pellucid.noise import synthetic
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Step, Task, Tiling, hurried

LOOK_EVERY = 25
"""steps between two looks at the result"""
STRONG = 15 / 255
"""level of the noise above which the picture is no longer nearly clean, which the method takes it for"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of Noisy-As-Clean; the defaults are those of preset fast."""

    iterations: int = fields.option(300, low=1)
    """steps of the fit, where no budget is given"""
    learning_rate: float = fields.option(0.003, low=0, low_open=True)
    """step size of Adam"""
    width: int = fields.option(24, low=1)
    """channels of the network"""
    blocks: int = fields.option(2, low=0)
    """residual blocks of the network"""
    strength: float = fields.option(1.0, low=0, low_open=True)
    """standard deviation of the added noise, in multiples of the measured one"""
    orientations: int = fields.option(1, low=1, high=8)
    """how many of the eight ways to turn and flip the picture a step learns from, drawn anew for each step"""
    fresh: bool = True
    """whether every step adds new noise; else it is drawn once for each orientation"""
    ema: float = fields.option(0.8, low=0, high=1, high_open=True, aliases=("average",))
    """weight of the past in the average of the results of the second half, one in 25 steps; 0 for the last
    (the authors choose the best by the clean picture)"""
    precision: str = fields.option("auto", choices=devices.PRECISIONS)
    """how the fit multiplies: float32, bfloat16, or auto (bfloat16 where the processor has it)"""

    def __post_init__(self) -> None:
        fields.check(self)


def turned(image: Tensor, orientation: int) -> Tensor:
    """(..., H, W) turned by quarters, orientation 0 to 3, and flipped before that, 4 to 7.

    >>> turned(torch.tensor([[1, 2], [3, 4]]), 5).tolist()
    [[4, 2], [3, 1]]
    """
    flipped = image.flip(-2) if orientation >= 4 else image
    return flipped.rot90(orientation % 4, (-2, -1))


@torch.no_grad()
def _result(network: nn.Module, noisy: Tensor) -> Tensor:
    """f(y) (C, H, W)."""
    result: Tensor = network(engine.packed(noisy[None]))[0]
    return result


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Fit f(y + n_s) to y by least squares, n_s noise like that of y, and apply f to y itself.

    Where the noise n of y is weak, y is nearly clean, and the network that removes n_s from y + n_s removes n
    from y = x + n (equation 6 of the paper). It removes less the stronger n is.

    Args:
        task: shots (S, C, H, W); its NoiseReport says what noise to add, its budget is heeded.
        config: the configuration.
        seed: its children weights, noise and turn draw everything that is random.
        device: where to compute.

    Yields:
        Steps whose output is f(y), renewed every 25 steps, and whose estimate is the average of those
        in the second half.

    Source: Xu, Huang, Cheng, Liu, Zhu, Xu, Shao, "Noisy-As-Clean: Learning Self-supervised Denoising from the
    Corrupted Image", IEEE TIP 2020.
    """
    noisy = task.shots.mean(0).to(device, torch.float32)
    shape = (noisy.shape[0], noisy.shape[1], noisy.shape[2])
    root = synthetic.root(task.noise, *shape[1:]) * (config.strength / len(task.shots) ** 0.5)
    with seeds.fixed(seed, "weights"):
        build = networks.builder("residual")
        network = build(shape[0], shape[0], width=config.width, blocks=config.blocks).train()
    network = engine.placed(network, device)
    optimizer = engine.adam(network.parameters(), config.learning_rate)
    noises, turns = seeds.generator(seed, "noise"), seeds.generator(seed, "turn")
    total = task.budget.iterations or config.iterations
    kept: dict[int, Tensor] = {}
    output = average = noisy
    notes: tuple[str, ...] = ()
    if task.noise.level > STRONG:
        notes = (
            f"nac takes the picture for nearly clean, and its noise of {255 * task.noise.level:.0f} of "
            f"255 is too "
            "strong for that: much of it will stay. bm3d is better here.",
        )
    looks = 0

    for iteration in range(1, total + 1):
        chosen = torch.randperm(8, generator=turns)[: config.orientations].tolist()
        losses = []
        # A caller's no_grad must not stop the fit; the contexts end before the step is yielded.
        with torch.enable_grad():
            optimizer.zero_grad(set_to_none=True)
            for orientation in chosen:  # one after the other, so that only one keeps its maps
                if config.fresh or orientation not in kept:
                    kept[orientation] = synthetic.draw(root, shape, noises).to(device)
                fed = engine.packed(turned(noisy + kept[orientation], orientation)[None])
                with devices.arithmetic(config.precision, device):
                    result = network(fed)[0]
                loss = mean_square(result.float(), turned(noisy, orientation)) / len(chosen)
                loss.backward()  # type: ignore[no-untyped-call]
                losses.append(loss.detach())
            optimizer.step()
        if iteration % LOOK_EVERY == 1 or iteration == total:
            output = _result(network, noisy)
            # The first results are poor and many: they would outweigh the good ones in a short fit.
            looks += iteration > total // 2
            average = output if looks < 2 else average.lerp(output, max(1 - config.ema, 1 / looks))
        yield Step(
            iteration=iteration,
            phase="fit",
            loss=torch.stack(losses).sum(),
            output=output,
            estimate=partial(torch.clone, average),
            total=total,
            notes=notes,
            unfinished=hurried("nac", iteration, config.iterations),
        )


PAPER = Paper(
    citation="Xu, Huang, Cheng, Liu, Zhu, Xu, Shao, IEEE TIP 2020, and their code",
    states=stated(
        iterations=(1001, "code"),
        learning_rate=(0.001, "code"),
        width=(64, "code: ten residual blocks of 64 channels"),
        blocks=(10, "code"),
        strength=(1.0, "equation 6: noise of the same statistics"),
        orientations=(8, "code"),
        fresh=(False, "code: drawn once for each orientation"),
    ),
    open=stated(ema=(0.8, "the code chooses the best step by the clean picture, which is not at hand")),
    ours={"precision": "float32"},
)

NAC = Method(
    **described("nac"),
    config=Config,
    steps=steps,
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures={
        "iterations": "minutes on two cores",
        "learning_rate": "so short a fit needs larger steps",
        "width": "a small network is fitted in fewer and shorter steps",
        "blocks": "see width",
        "orientations": "one a step, drawn anew, shows as much in an eighth of the time",
        "fresh": "noise that stays can be learnt by heart",
        "precision": "twice as fast where the processor multiplies bfloat16, float32 elsewhere",
    },
    stochastic=True,
    # Five convolutions of one pixel and two for each block; statistics are those of the tile at hand.
    tiling=Tiling(kind="approximate", halo=32),
    stop="none",
)
