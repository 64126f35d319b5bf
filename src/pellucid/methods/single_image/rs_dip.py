"""RS-DIP: fit a small Transformer to images that other methods have nearly cleaned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from pellucid import checks, engine, fields, networks, seeds
from pellucid.losses import mean_square
from pellucid.methods.single_image import codes, fitting
from pellucid.methods.table import described
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Step, Task, Tiling, hurried

NETWORKS = {"single-scale": "single-scale", "multi-scale": "skip", "compact": "compact"}
INPUTS = ("near-clean", "code")
TARGETS = ("both", "mean", "noisy")
OUTPUTS = ("direct", "residual")
CODE_CHANNELS, CODE_SCALE, JITTER = 32, 0.1, 1 / 30  # of Deep Image Prior, for input=code
# The last weights of a residual network, as a share of the usual. Zero would be the exact end of the fit,
# where the gradient is nothing but rounding, which Adam would blow up to full steps.
SMALL = 0.03


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of RS-DIP; the defaults are those of preset fast."""

    iterations: int = fields.option(100, low=1)
    """steps of the fit, where no budget is given"""
    input: str = fields.option("near-clean", choices=INPUTS)
    """what the network is fed: near-clean (the paper's) or code (noise, as Deep Image Prior)"""
    sampling: bool = True
    """mix the near-clean images anew at every step; false is the paper's ablation RS-DIP-1"""
    grain: int = fields.option(1, low=1)
    """side in pixels of the squares in which the mixing mask is drawn"""
    network: str = fields.option("single-scale", choices=tuple(NETWORKS))
    """single-scale (the paper's two Transformer blocks), multi-scale (that of Deep Image Prior, the paper's
    ablation RS-DIP-2) or compact (a multi-scale one for a processor)"""
    target: str = fields.option("both", choices=TARGETS)
    """what the loss compares with: both (each near-clean image, the paper's), mean (their mean) or noisy"""
    output: str = fields.option("residual", choices=OUTPUTS)
    """direct (the network gives the picture) or residual (it gives what is added to the mean of the
    near-clean images, at first very little)"""
    width: int = fields.option(16, low=1)
    """channels of the features (single-scale)"""
    heads: int = fields.option(2, low=1)
    """heads of the channel attention, a divisor of the width (single-scale)"""
    expansion: float = fields.option(1.0, low=0, low_open=True)
    """hidden channels of the feed-forward part over the width (single-scale; Restormer's)"""
    blocks: int = fields.option(2, low=1)
    """Transformer blocks (single-scale)"""
    fold: int = fields.option(4, low=1)
    """side of the squares of pixels that the network takes as channels of one place (single-scale)"""
    learning_rate: float = fields.option(3e-4, low=0, low_open=True)
    """step size of Adam"""
    ema: float = fields.option(0.99, low=0, high=1, high_open=True, aliases=("average",))
    """weight of the past in the running average of the outputs that is the estimate; 0 for the last output"""
    ema_share: float = fields.option(0.1, low=0, high=1, aliases=("average_share",))
    """the running average looks back at most this share of the steps done; 0 for a plain average"""

    def __post_init__(self) -> None:
        fields.check(self)
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads={self.heads}, got {self.width}. Change one.")


def mixed(near_clean: Tensor, grain: int, generator: torch.Generator) -> Tensor:
    """Every near-clean image once at every pixel, in random order: equations 2 and 3, for any number K.

    With a mask m of 0 and 1 and its complement m', I1s = I1 m + I2 m' and I2s = I1 m' + I2 m. For more than
    two images m is a number from 0 to K - 1 by which the order is turned. The channels share the mask.

    Args:
        near_clean: (K, C, H, W).
        grain: side of the squares in which m is constant, pixels.
        generator: on the device of the images.

    Returns:
        (K, C, H, W); its sum over K is that of the near-clean images.

    >>> pair = torch.stack([torch.zeros(1, 2, 2), torch.ones(1, 2, 2)])
    >>> mixed(pair, 1, torch.Generator().manual_seed(0)).sum(0)
    tensor([[[1., 1.],
             [1., 1.]]])
    """
    count, _, height, width = near_clean.shape
    cells = (1, 1, -(-height // grain), -(-width // grain))
    turn = torch.randint(count, cells, generator=generator, device=near_clean.device)
    if grain > 1:
        turn = turn.repeat_interleave(grain, -2).repeat_interleave(grain, -1)[..., :height, :width]
    places = torch.arange(count, device=near_clean.device).view(-1, 1, 1, 1)
    return near_clean.gather(0, ((places + turn) % count).expand_as(near_clean))


def misfit(output: Tensor, targets: Tensor) -> Tensor:
    """MSE(f, I1) + MSE(f, I2), equation 4, for any number K.

    It is a distance to the mean: of two, L = 2 MSE(f, (I1 + I2) / 2) + MSE(I1, I2) / 2, and the last term is
    constant.

    Args:
        output: f (C, H, W).
        targets: (K, C, H, W), the near-clean images.

    >>> pair = torch.stack([torch.zeros(1, 2, 2), torch.ones(1, 2, 2)])
    >>> float(misfit(torch.full((1, 2, 2), 3.0), pair))
    13.0
    """
    return mean_square(output.expand_as(targets), targets).sum()


def _network(inputs: int, outputs: int, config: Config) -> nn.Module:
    build = networks.builder(NETWORKS[config.network])
    if config.network != "single-scale":
        network = build(inputs, outputs)
    else:
        network = build(
            inputs,
            outputs,
            width=config.width,
            heads=config.heads,
            expansion=config.expansion,
            blocks=config.blocks,
            fold=config.fold,
        )
    if config.output == "residual":
        last = [module for module in network.modules() if isinstance(module, nn.Conv2d)][-1]
        with torch.no_grad():
            for parameter in last.parameters():
                parameter.mul_(SMALL)
    return network.train()


def _near_clean(task: Task, device: torch.device) -> Tensor:
    given = task.near_clean
    if given is None or len(given) < 2:
        raise ValueError(
            f"rs-dip needs two or more near-clean images, got {0 if given is None else len(given)}. "
            "Name the methods that make them, e.g. --near-clean bm3d,nlm."
        )
    checks.same_shape("near_clean", given.shape[1:], "shots", task.shots.shape[1:])
    return given.to(device, torch.float32)


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Fit f(mixed near-clean images) to the near-clean images, L = MSE(f, I1) + MSE(f, I2), equation 4.

    This is a fit to their mean (see `misfit`). What a finished fit differs by from the mean is what the
    network could not or did not yet follow.

    Args:
        task: shots (S, C, H, W), and two or more near-clean images of the same size; initial and budget are
            heeded.
        config: the configuration.
        seed: its children weights, mask, code and jitter draw everything that is random.
        device: where to compute.

    Yields:
        Steps with the raw output, the running average (over the masks too) as the estimate, and the weights
        as the state.

    Raises:
        ValueError: when near-clean images are missing or have another size, or a saved fit does not suit.

    Source: Xu, Xiong, Zhou, "Deep image prior denoising model using relatively clean image space search",
    Journal of Electronics & Information Technology 46(11), 2024, doi 10.11999/JEIT240114.
    """
    near = _near_clean(task, device)
    middle = near.mean(0)
    noisy = task.shots.to(device, torch.float32)
    targets = {"both": near, "mean": middle[None], "noisy": noisy}[config.target]
    masks, jitter = (seeds.generator(seed, name, device=device) for name in ("mask", "jitter"))
    code = near.flatten(0, 1)[None]
    if config.input == "code":
        code = codes.make(
            "noise",
            noisy[0],
            known=torch.ones(noisy.shape[-2:]),
            guide=None,
            channels=CODE_CHANNELS,
            scale=CODE_SCALE,
            generator=seeds.generator(seed, "code"),
        ).to(device)
    with seeds.fixed(seed, "weights"):
        network = _network(code.shape[1], near.shape[1], config)
    if task.initial is not None:
        fitting.put_back(network, task.initial, of="rs-dip with the same network and channels")
    network = network.to(device)
    base: Tensor | float = 0.0
    if config.output == "residual":  # the multi-scale networks end in a sigmoid, which is 0.5 at zero
        base = middle if config.network == "single-scale" else middle - 0.5
    optimizer = engine.adam(network.parameters(), config.learning_rate)
    total = task.budget.iterations or config.iterations
    average: Tensor | None = None
    notes: tuple[str, ...] = ()
    if bool((near == near[:1]).all()):
        notes = (
            "rs-dip got near-clean images that are all the same: to mix them changes nothing, and the fit "
            "can "
            "only give that image back. Name different methods (--near-clean).",
        )

    for iteration in range(1, total + 1):
        # A caller's no_grad must not stop the fit; the context ends before the step is yielded.
        with torch.enable_grad():
            fed = code
            if config.input == "code":
                fed = code + JITTER * torch.randn(code.shape, generator=jitter, device=device)
            elif config.sampling:
                fed = mixed(near, config.grain, masks).flatten(0, 1)[None]
            raw = network(fed)[0] + base
            loss = misfit(raw, targets)
            engine.descend(optimizer, loss)
        output = raw.detach()
        looked_back = fitting.past(config.ema, config.ema_share, iteration)
        average = output if average is None else average.lerp(output, 1 - looked_back)
        yield Step(
            iteration=iteration,
            phase="fit",
            loss=loss.detach(),
            output=output,
            estimate=partial(torch.clone, average),
            state=partial(fitting.weights, network),
            total=total,
            notes=notes,
            unfinished=hurried("rs-dip", iteration, config.iterations),
        )


PAPER = Paper(
    citation="Xu, Xiong, Zhou, JEIT 46(11), 2024",
    states=stated(
        input=("near-clean", "section 3.3"),
        sampling=(True, "equations 2 and 3"),
        network=("single-scale", "section 3.2"),
        target=("both", "equation 4"),
        output=("direct", "section 3.2: a convolution brings the channels down to 1 or 3"),
        blocks=(2, "section 3.2"),
    ),
    open=stated(
        iterations=(300, "ours"),
        grain=(1, "the mask is drawn at random, pixel by pixel as its size says"),
        width=(48, "Restormer's, whose blocks these are"),
        heads=(2, "a divisor of the width"),
        expansion=(2.66, "Restormer's"),
        learning_rate=(1e-3, "ours, with Adam"),
        ema=(0.99, "that of Deep Image Prior"),
        ema_share=(0.1, "so short a fit must forget its first outputs"),
    ),
    ours={"fold": 1},
    elsewhere=(
        "The near-clean images are made by bm3d and nlm; the paper's are made by SwinIR and Restormer, which "
        "learnt from clean pictures (section 4.2). Name those with --near-clean where weights are at hand.",
        "The paper says neither when a fit ends nor what is taken: here the loss stands still (plateau), and "
        "the running average is given.",
    ),
)

RS_DIP = Method(
    **described("rs-dip"),
    takes_shots=True,
    config=Config,
    steps=steps,
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures={
        "iterations": "it begins where the fit is to end (see output)",
        "output": "the fit ends at the mean of the near-clean images (see `misfit`), and the paper's network "
        "is still up to 0.2 dB below it after 300 steps, at 65 times the cost; this one starts there",
        "fold": "a sixteenth of the places: seconds instead of minutes",
        "width": "see fold",
        "expansion": "see fold",
        "learning_rate": "larger steps leave the start at once",
    },
    stochastic=True,
    tiling=Tiling(kind="approximate", halo=32),
    # The targets hold little noise to be learnt, so the fit is over when the loss stands still.
    stop="plateau",
    near_clean=("bm3d", "nlm"),
)
