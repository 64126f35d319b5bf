"""IDDP: the network's own output, made noisy again, is what it learns to denoise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from pellucid import fields, networks
from pellucid.learning import ADAM, Batch, Learning, Loss, TrainingConfig, TrainingProgress, apply, extras_off
from pellucid.methods.dataset.plain import bordered, predict
from pellucid.methods.table import described
from pellucid.models import steps_of
from pellucid.noise import models as noise_models
from pellucid.noise.level import detail
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Tiling

ENOUGH = 20
"""losses that the guard judges by, the last ones"""
UNCHANGED = 0.05
"""share of what a blur takes off; a network that takes off less gives its input back"""
MATCHED = (0.5, 4.0)
"""bounds of the factor that makes removed noise as strong as that of the picture"""
TOO_MUCH = 1.3
"""how much more than a blur a network may take off before it counts as run away"""
FLAT = 0.05
"""share of the blurred picture's contrast; a network that leaves less gives one value everywhere"""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """Configuration of IDDP; the defaults are those of preset fast.

    The paper does not state the network, what its output is, how training starts, or the side of the
    averaging filter. Taken as printed, a network drawn at random that gives the picture itself collapses
    (docs/methods/iddp.md): here it predicts the noise, and starts by learning the blurred picture.
    """

    # Networks without bias (swift) run away here: nothing fixes the scale of what they give.
    network: str = "small-iddp"
    """network, by its name in `pellucid.networks`"""
    steps: int = 6000
    """steps of the optimiser"""
    batch: int = 4
    """crops per step"""
    patch: int = 64
    """side of the crops, pixels"""
    learning_rate: float = 5e-4
    """of Adam"""
    decay: str = "cosine"
    """learning rate in time: constant, linear, ramp (cosine in the last 30 %), halves (each fifth), cosine"""
    alpha: float = fields.option(0.001, low=0)
    """weight of the fidelity to the blurred picture, equation 11"""
    beta: float = fields.option(1.0, low=0)
    """weight of the prior term"""
    p: float = fields.option(0.5, low=0, high=1)
    """probability that the mask keeps the sign of a value of the removed noise (it flips it otherwise)"""
    blur: int = fields.option(3, low=1)
    """side of the averaging filter of the blurred picture, pixels, odd"""
    fidelity: str = fields.option("blurred", choices=("blurred", "noisy"))
    """what the fidelity term is about: blurred (equation 11) or noisy (equation 9)"""
    mask: bool = True
    """whether the removed noise goes through the random mask before it is added again"""
    stop_gradient: str = fields.option(
        "both", choices=("both", "target", "none"), renamed={"true": "both", "false": "none"}
    )
    """where the prior F(y) is fixed: both (in the target and in the picture that is made noisy again,
    equations 16 and 17), target (there alone, equation 11 by its letter) or none (equation 10)"""
    known_noise: str = ""
    """noise to add instead of the removed one, as text for --noise, e.g. gaussian:25 (equation 6)"""
    residual: bool = True
    """whether iddp-unet and small-iddp predict the noise; other networks are as they are"""
    warm_up: int = fields.option(500, low=0)
    """steps at the start that learn the blurred picture alone; at most a third of the training"""
    match: bool = True
    """whether removed noise is made as strong as that of the picture before it is added again; in the paper
    it fades with what the network leaves in, until a training ends at the identity (docs/methods/iddp.md)"""
    give_back: float = fields.option(0.8, low=0, high=1)
    """share of the removed noise that the target of the prior term has got back at the end, from 0 at the end
    of the warm-up; not the paper's, whose fixed point smooths too much (docs/methods/iddp.md)"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.give_back and not (self.mask and self.stop_gradient == "both" and self.p == 0.5):
            raise ValueError(
                f"give_back={self.give_back:g} needs random signs of mean 0 and a fixed target (mask=true, "
                f"p=0.5, stop_gradient=both), got mask={self.mask}, p={self.p:g}, stop_gradient="
                f"{self.stop_gradient}, where it leads to the identity. Use give_back=0."
            )
        if self.blur % 2 == 0:
            raise ValueError(f"blur must be odd, got {self.blur}. Use blur={self.blur + 1}.")
        if self.known_noise:
            noise_models.parse(self.known_noise)
            if self.standardise:
                raise ValueError(
                    f"known_noise={self.known_noise!r} is in the units of the pictures, and standardise=True "
                    "changes these. Use standardise=False."
                )


def build(config: Config, channels: int) -> nn.Module:
    """The network that the configuration names."""
    more = {"residual": config.residual} if config.network in ("iddp-unet", "small-iddp") else {}
    return networks.builder(config.network)(channels, channels, **more)


def averaged(image: Tensor, side: int) -> Tensor:
    """y_blur: the mean of `side` x `side` pixels around each, mirrored at the border.

    >>> averaged(torch.tensor([[0.0, 3.0, 0.0]]).view(1, 1, 1, 3), 3).flatten()
    tensor([2., 1., 2.])
    """
    return avg_pool2d(bordered(image, side // 2), side, 1)


def signs(like: Tensor, p: float, generator: torch.Generator) -> Tensor:
    """m: 1 with probability p and -1 otherwise, drawn for every value.

    >>> sorted(set(signs(torch.zeros(100), 0.5, torch.Generator().manual_seed(0)).tolist()))
    [-1.0, 1.0]
    """
    draws = torch.rand(like.shape, generator=generator, device=generator.device)
    return torch.where(draws < p, 1.0, -1.0).to(like)


def fineness(image: Tensor) -> Tensor:
    """Strength of the noise in (B, C, H, W): the median of |diagonal Haar detail| as a standard deviation.

    One value per picture. Source: Donoho, Johnstone, "Ideal spatial adaptation by wavelet shrinkage", 1994.
    """
    return detail(image)[..., ::2, ::2].abs().flatten(1).median(1).values.view(-1, 1, 1, 1) / 0.6745


def renoised(prior: Tensor, removed: Tensor, config: Config, generator: torch.Generator) -> Tensor:
    """y2 = F(y) + n2 (equation 8), with n2 = m * n^ (equation 7), n^ itself without the mask, or known noise.

    Args:
        prior: F(y) (B, C, H, W).
        removed: n^ = y - F(y), the same shape.
        config: mask, p, match, known_noise.
        generator: draws the mask or the noise.
    """
    if config.known_noise:
        return noise_models.parse(config.known_noise).apply(prior, generator)
    if config.match:
        strength = fineness(prior + removed) / fineness(removed).clamp_min(1e-6)
        removed = removed * strength.clamp(*MATCHED)
    if not config.mask:
        return prior + removed
    return prior + signs(removed, config.p, generator) * removed


def objective(
    network: nn.Module,
    batch: Batch,
    config: Config,
    *,
    progress: TrainingProgress,
    generator: torch.Generator,
) -> Loss:
    """The loss alpha |F(y) - y_blur|² + beta |F(y2) - stopgrad F(y)|² (equation 11), as means over values.

    By the letter of equation 11 the gradient goes on through y2 = F(y) + m * (y - F(y)); by equations 16 and
    17, where the prior is a number of the step before, it does not (stop_gradient).

    With give_back the target of the second term is stopgrad F(y) + t n^, t growing from 0 to give_back.

    Args:
        network: F.
        batch: noisy y, and sigma where the network asks for the level.
        config: the configuration; its switches give equations 6, 9 and 10.
        progress: where the training stands, for the warm-up.
        generator: draws the mask m.

    Returns:
        The loss. Parts for the guard: ``removed`` (root mean square of n^), ``blur_removes`` (that of
        y - y_blur), ``contrast`` (standard deviation of F(y)), ``blur_contrast`` (that of y_blur). Pictures:
        prior F(y), removed n^, added n2, as in figures 3 and 4.

    Source: Lin and others, "Self-Supervised Image Denoising Using Implicit Deep Denoiser Prior", AAAI 2023.
    """
    noisy = batch.noisy
    blurred = averaged(noisy, config.blur)
    prior = apply(network, noisy, batch.sigma)
    target = prior if config.stop_gradient == "none" else prior.detach()
    within = prior.detach() if config.stop_gradient == "both" else prior
    removed = noisy - within
    fidelity = (prior - (noisy if config.fidelity == "noisy" else blurred)).square().mean()
    again = renoised(within, removed, config, generator)
    warm, given_back = _schedule(config, progress)
    if warm:
        value = (prior - blurred).square().mean()
        consistency = torch.zeros_like(fidelity)
    else:
        wanted = target + given_back * removed
        consistency = (apply(network, again, batch.sigma) - wanted).square().mean()
        value = config.alpha * fidelity + config.beta * consistency
    with torch.no_grad():
        parts = {
            "fidelity": fidelity.detach(),
            "prior": consistency.detach(),
            "removed": removed.detach().square().mean().sqrt(),
            "blur_removes": (noisy - blurred).square().mean().sqrt(),
            "contrast": _contrast(prior.detach()),
            "blur_contrast": _contrast(blurred),
            "warm_up": value.new_tensor(float(warm)),
        }
    pictures = {
        "prior": prior.detach(),
        "removed": removed.detach(),
        "added": (again - within).detach(),
    }
    return Loss(value=value, parts=parts, pictures=pictures)


def _schedule(config: Config, progress: TrainingProgress) -> tuple[bool, float]:
    """Whether the training still warms up, and the share of the removed noise that goes back."""
    start = min(config.warm_up, progress.steps // 3)  # a training that ends by the clock may have few steps
    done = max(0, progress.step - start) / max(1, progress.steps - start)
    return progress.step < start, config.give_back * done


def _contrast(image: Tensor) -> Tensor:
    """Standard deviation over the batch and the pixels, root mean square over the channels."""
    middle = image.mean(dim=(0, 2, 3), keepdim=True)
    return (image - middle).square().mean().sqrt()


def guard(recent: Sequence[Mapping[str, float]], config: Config) -> str | None:
    """Names the states that the objective is drawn to beside a denoiser: identity, constant, run away.

    Args:
        recent: parts of recent losses, oldest first; those of the warm-up do not count.
        config: the configuration.
    """
    seen = [parts for parts in recent if not parts.get("warm_up", 0.0)]
    if len(seen) < ENOUGH:
        return None
    last = seen[-ENOUGH:]
    removed, blur_removes, contrast, blur_contrast = (
        sum(parts[name] for parts in last) / len(last)
        for name in ("removed", "blur_removes", "contrast", "blur_contrast")
    )
    if removed < UNCHANGED * blur_removes:
        return (
            f"IDDP has collapsed to the identity: the network removes {removed:.2g}, where a blur of "
            f"{config.blur} pixels removes {blur_removes:.2g}. Train longer on the blurred picture "
            f"(--set warm_up={max(1000, 2 * config.warm_up)}) or weigh it more "
            f"(--set alpha={max(0.001, 10 * config.alpha):g}), or {_steadier(config)}."
        )
    if contrast < FLAT * blur_contrast:
        return (
            f"IDDP has collapsed to a constant: the contrast of the output is {contrast:.2g}, that of the "
            f"blurred input {blur_contrast:.2g}. Let the network predict the noise (--set residual=true), "
            f"start from the blurred picture (--set warm_up={max(1000, 2 * config.warm_up)}) or lower "
            "learning_rate."
        )
    if removed > TOO_MUCH * blur_removes:
        return (
            f"IDDP has run away: the network removes {removed:.2g}, a blur of {config.blur} pixels "
            f"{blur_removes:.2g}, and learns from ever stronger noise. Lower learning_rate, or choose "
            "--network iddp-unet; networks without bias (swift) drift."
        )
    return None


def _steadier(config: Config) -> str:
    """What else keeps a training from the identity."""
    if not config.match:
        return "let the added noise be as strong as the picture's (--set match=true)"
    if config.give_back:
        return f"give back less (--set give_back={config.give_back / 2:g})"
    return "train at fewer levels of noise"


LEARNING = Learning(
    sees="noisy",
    build=build,
    objective=objective,
    predict=predict,
    halo=48,
    stride=32,
    guard=guard,
    direct=True,
)

PAPER = Paper(
    citation="Lin, Zhuang, Ding, Zeng, Huang, Tu, Paisley, AAAI 2023",
    states=stated(
        steps=(2_000_000, "training details"),
        batch=(1, "training details"),
        patch=(128, "training details"),
        learning_rate=(2e-4, "training details"),
        decay=("linear", "training details: constant for 1,000,000 steps, then to 0 over as many"),
        alpha=(0.001, "below equation 10"),
        beta=(1.0, "below equation 10"),
        p=(0.5, "equation 7"),
        fidelity=("blurred", "equation 10"),
        mask=(True, "equation 7"),
        stop_gradient=("both", "equations 16 and 17; equation 11 by its letter stops the target alone"),
    ),
    open=stated(
        network=(
            "iddp-unet",
            "a simple U-Net, no more; this is that of Noise2Grad, of the same first author",
        ),
        residual=(False, "F(y) is the picture and y - F(y) the noise, so that the network gives the picture"),
        blur=(3, "an averaging filter, no size"),
        **ADAM,
    ),
    ours=extras_off() | {"known_noise": "", "warm_up": 0, "match": False, "give_back": 0.0},
    elsewhere=(
        "The squared norms are taken as means over the values, in all terms alike.",
        "Taken as printed, a network drawn at random goes to a constant (docs/methods/iddp.md); the guard "
        "ends "
        "the training then. Set warm_up and residual to get off that course.",
    ),
)

IDDP = Method(
    **described("iddp"),
    config=Config,
    steps=steps_of("iddp", LEARNING, Config),
    presets={
        "paper": PAPER.preset(Config),
        "plain": replace(Config(), match=False, give_back=0.0),
        "fast": Config(),  # chosen on training pictures
    },
    paper=PAPER,
    departures={
        "network": "a network that two cores can train: minutes instead of days",
        "steps": "see network",
        "batch": "see network",
        "patch": "see network",
        "learning_rate": "so short a training needs larger steps",
        "decay": "and must come to rest",
        "residual": "a network that gives the picture goes to a constant; one that predicts the noise "
        "does not",
        "warm_up": "from a random start the prior term alone leads to the identity or to a constant",
        "match": "removed noise fades with what the network leaves in, until a training ends at the identity",
        "give_back": "the paper's fixed point smooths too much",
    },
    tiling=Tiling(kind="approximate", halo=48, stride=32),
    needs_model=True,
    learning=LEARNING,
)
