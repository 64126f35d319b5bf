"""Deep Image Prior: fit a network to one noisy image, and stop before it learns the noise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from pellucid import checks, engine, networks, seeds
from pellucid.degradation import Downsample, Mask
from pellucid.losses import mean_square
from pellucid.methods.single_image import codes, fitting
from pellucid.methods.single_image.dip.config import (
    DEPARTURES,
    PAPER,
    Config,
    flash,
    inpainting,
    paper,
    upscaling,
)
from pellucid.methods.single_image.dip.equations import (
    averaged,
    cosine,
    divergence,
    energy,
    failed,
    perturbed,
)
from pellucid.methods.table import described
from pellucid.networks import features
from pellucid.steps import Method, Recipe, Step, Task, Tiling, hurried

CONVERGED = "plateau:patience=1000"  # the authors' fixed iterations are the limit; a flat loss ends it before
JITTER = {"jitter": "that of denoising serves here too"}
ROLLBACK_EVERY = 100  # iterations between two looks at the loss, as the authors


def _restore(network: nn.Module, code: Tensor, initial: Mapping[str, Tensor]) -> Tensor:
    """Load a saved fit into the network and return its code; without one it is a start for any picture."""
    of = "dip with the same network, code and channels"
    beside = fitting.put_back(network, initial, of=of, prefix="network.")
    kept = beside.get("code")
    if kept is None:
        return code
    checks.same_shape("the code of the saved fit", kept.shape, "the new code", code.shape)
    return kept


def _state(network: nn.Module, code: Tensor) -> dict[str, Tensor]:
    return {**fitting.weights(network, "network."), "code": code.clone()}


def _masks(task: Task, noisy: Tensor, config: Config, seed: int) -> tuple[Tensor, Tensor]:
    """(fit, held): (H, W) masks of the pixels that the loss sees and of those held out from it, 1 or 0.

    Missing pixels belong to the fit, as in the paper: the operator blanks them on both sides of the loss.
    """
    draw = torch.rand(noisy.shape[-2:], generator=seeds.generator(seed, "mask"))
    held = (draw < config.held_out).to(noisy.device)
    if isinstance(task.degradation, Mask):
        held &= ~task.degradation.hidden.to(noisy.device)
    if config.held_out > 0 and not held.any():
        raise ValueError(
            f"held_out must hide at least one pixel, got {config.held_out} of {held.numel()}: none. "
            "Use a larger fraction."
        )
    return (~held).to(noisy.dtype), held.to(noisy.dtype)


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Fit f(z + jitter) to the noisy image y by least squares on D(f), equation 1, and yield every step.

    A network of this kind learns the picture before the noise: the estimate gets better, then worse, and a
    stop rule has to choose. With several shots their mean is fitted, which has the same gradient as fitting
    them all.

    Args:
        task: shots (S, C, H, W) with values near [0, 1]; degradation, guide, initial and budget are heeded.
            The output is larger by the factor of the degradation.
        config: the configuration.
        seed: its children weights, code, jitter and mask draw everything that is random.
        device: where to compute.

    Yields:
        Steps with the raw output, the running average as the estimate, and the weights with their code as the
        state.

    Raises:
        ValueError: when a guide is missing or has another size, a saved fit does not suit, or no pixel
            is held out where some should be.

    Source: Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior", CVPR 2018 and IJCV 2020.
    """
    noisy = task.shots.mean(0).to(device, torch.float32)
    degradation = task.degradation.to(device)
    fit, held = _masks(task, noisy, config, seed)
    known, shown = fit, noisy
    if isinstance(degradation, Mask):
        known = degradation.apply(fit[None])[0]
    elif isinstance(degradation, Downsample):
        # The code has the size of the picture that is sought, so a copy of the small one is enlarged.
        known, shown = degradation.enlarge(fit[None])[0], degradation.enlarge(noisy)
    code = codes.make(
        config.code,
        shown,
        known=known,
        guide=task.guide,
        channels=config.code_channels,
        scale=config.code_scale,
        generator=seeds.generator(seed, "code"),
    )
    with seeds.fixed(seed, "weights"):
        more = {"layers": config.layers} if config.network == "plain" else {}
        network = networks.builder(config.network)(code.shape[1], noisy.shape[0], **more).train()
    if task.initial is not None:
        code = _restore(network, code, task.initial)
    network, code = network.to(device), code.to(device)
    # A copy of what is missing means nothing; blank it as the operator does.
    target = degradation.apply(noisy) if isinstance(degradation, Mask) else noisy
    seen_only = fit if config.held_out > 0 else None
    perceptual = None
    if config.perceptual > 0:
        perceptual = fitting.alike(features.build(config.features, target.shape[0]).to(device), target)
    jitter = seeds.generator(seed, "jitter", device=device)
    optimizer = engine.adam(network.parameters(), config.learning_rate)
    total = task.budget.iterations or config.iterations
    average: Tensor | None = None
    kept, kept_loss = None, math.inf

    for iteration in range(1, total + 1):
        held_out, extras = None, {}
        # A caller's no_grad must not stop the fit; the context ends before the step is yielded.
        with torch.enable_grad():
            fed = perturbed(code, config.jitter, jitter).requires_grad_(config.divergence)
            raw = network(fed)[0]
            seen = degradation.apply(raw)
            loss = energy(seen, target, seen_only, loss=config.loss)
            if perceptual is not None:
                loss = loss + config.perceptual * perceptual(seen)
            if config.held_out > 0:
                held_out = mean_square(seen.detach(), target, held)
            if config.divergence:
                extras["divergence"] = divergence(raw[None], fed, jitter)
            rate = config.learning_rate
            if config.schedule == "cosine":
                rate = cosine(rate, iteration, total)
            engine.descend(optimizer, loss, learning_rate=rate)
        output, loss = raw.detach(), loss.detach()
        past = fitting.past(config.ema, config.ema_share, iteration)
        if average is None:
            average = output
        elif config.rollback > 0 and iteration % ROLLBACK_EVERY == 0:
            now = float(loss)
            if kept is not None and failed(now, kept_loss, config.rollback):
                # The authors let the average keep the outputs of the failure; ours is put back with the
                # weights.
                network.load_state_dict(kept[0])
                output = average = kept[1]
            else:
                average = averaged(average, output, past)
                kept = ({n: v.clone() for n, v in network.state_dict().items()}, average)
                kept_loss = now
        else:
            average = averaged(average, output, past)
        yield Step(
            iteration=iteration,
            phase="fit",
            loss=loss,
            output=output,
            estimate=partial(torch.clone, average),
            extras=partial(dict, extras),
            state=partial(_state, network, code),
            total=total,
            held_out=held_out,
            unfinished=hurried("dip", iteration, config.iterations),
        )


DIP = Method(
    **described("dip"),
    config=Config,
    steps=steps,
    presets={
        "paper": paper(),
        "fast": Config(),
        "jpeg": replace(paper(), network="snail", code_channels=3, iterations=2400),
        **flash(),
    },
    paper=PAPER,
    departures=DEPARTURES,
    restores={
        "mask": Recipe(presets=inpainting(), departures=JITTER, stop=CONVERGED, cost="6 min"),
        "downsample": Recipe(
            presets=upscaling(), departures=JITTER, stop=CONVERGED, cost="4 min (512x512 out)"
        ),
    },
    stochastic=True,
    # The hourglass sees further, but what it sees beyond some 64 pixels changes no pixel by itself.
    tiling=Tiling(kind="approximate", halo=64),
    # The authors look from step 100 on. With the pyramid code the variance rises from there in all, yet
    # some training pictures still get better: 150 was the best of 100, 150 and 200 on three of them.
    stop="es-emv:start=150",
    uses_noise=False,
    takes_guide=True,
    warm=0.25,
)
