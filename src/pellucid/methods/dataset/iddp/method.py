"""IDDP: the network's own output, made noisy again, is what it learns to denoise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from pellucid import networks
from pellucid.learning import Batch, Learning, Loss, TrainingProgress, apply
from pellucid.methods.dataset.iddp import equations
from pellucid.methods.dataset.iddp.config import DEPARTURES, PAPER, Config
from pellucid.methods.dataset.plain import predict
from pellucid.methods.table import described
from pellucid.models import steps_of
from pellucid.noise import models as noise_models
from pellucid.steps import Method, Tiling

ENOUGH = 20
"""losses that the guard judges by, the last ones"""
UNCHANGED = 0.05
"""share of what a blur takes off; a network that takes off less gives its input back"""
TOO_MUCH = 1.3
"""how much more than a blur a network may take off before it counts as run away"""
FLAT = 0.05
"""share of the blurred picture's contrast; a network that leaves less gives one value everywhere"""


def build(config: Config, channels: int) -> nn.Module:
    """The network that the configuration names."""
    more = {"residual": config.residual} if config.network in ("iddp-unet", "small-iddp") else {}
    return networks.builder(config.network)(channels, channels, **more)


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
        removed = equations.matched(prior, removed)
    return prior + (equations.resigned(removed, config.p, generator) if config.mask else removed)


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
    blurred = equations.averaged(noisy, config.blur)
    prior = apply(network, noisy, batch.sigma)
    target = prior if config.stop_gradient == "none" else prior.detach()
    within = prior.detach() if config.stop_gradient == "both" else prior
    removed = noisy - within
    faithful = equations.fidelity(prior, noisy if config.fidelity == "noisy" else blurred)
    again = renoised(within, removed, config, generator)
    warm, given_back = _schedule(config, progress)
    if warm:
        value = equations.fidelity(prior, blurred)
        consistent = torch.zeros_like(faithful)
    else:
        wanted = target + given_back * removed
        consistent = equations.consistency(apply(network, again, batch.sigma), wanted)
        value = equations.total(faithful, consistent, alpha=config.alpha, beta=config.beta)
    with torch.no_grad():
        parts = {
            "fidelity": faithful.detach(),
            "prior": consistent.detach(),
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
    departures=DEPARTURES,
    tiling=Tiling(kind="approximate", halo=48, stride=32),
    needs_model=True,
    learning=LEARNING,
)
