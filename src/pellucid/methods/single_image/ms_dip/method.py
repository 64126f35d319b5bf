"""MS-DIP: Deep Image Priors from coarse to fine, each tied to the one before, and their ensemble."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from pellucid import engine, networks, seeds, stopping
from pellucid.methods.single_image import codes, fitting
from pellucid.methods.single_image.fitting import past
from pellucid.methods.single_image.ms_dip.config import DEPARTURES, PAPER, Config
from pellucid.methods.single_image.ms_dip.equations import (
    consistency,
    fuse,
    fuse_bands,
    reconstruction,
    resize,
    sizes,
    weight,
)
from pellucid.methods.single_image.ms_dip.levels import sigmas
from pellucid.methods.table import described
from pellucid.networks import features
from pellucid.steps import Method, Step, Task, Tiling

Tie = Callable[[Tensor], Tensor]

# At sigma 25 of 255 the least blurred copy in a pyramid code keeps a quarter of the noise and hides the
# finest detail. Coarse scales have less noise and need less of that: at sigma 10, a blur of 0.5 to 0.7 was
# worth 2 to 3 dB at that scale over 1.0 on two training crops, and a third of the jitter up to 1 dB.
ADAPTED_TO = 25 / 255
LEAST_BLUR, LEAST_JITTER = 0.5, 0.3
# VGG's features of two pictures differ some thousand times as much as the pixels do, random ones less than
# the pixels (docs/methods/ms-dip.md). With this weight, equation 4 ties as strongly by either.
AS_VGG = {"random": 1024.0, "gradient": 1024.0}


def _estimate(fitted: list[Tensor], step: Step, size: tuple[int, int], config: Config) -> Tensor:
    """The ensemble of the scales fitted so far (coarsest first) and the one at work, at full size."""
    now = step.estimate()
    if config.ensemble:
        pictures = [now, *reversed(fitted)]
        bands = config.fusion == "bands"
        now = fuse_bands(pictures) if bands else fuse(pictures, upsampling=config.upsampling)
    return resize(now, size, mode="bilinear")


def _extras(fitted: list[Tensor], step: Step) -> dict[str, list[Tensor]]:
    """The pictures of the scales so far, finest first, each at its own size."""
    return {"scales": [step.estimate(), *reversed(fitted)]}


def _adapted(config: Config, sigma: float) -> tuple[list[float], float]:
    """Blurs of the code and jitter at a scale of this noise."""
    share = sigma / ADAPTED_TO if config.adapt else 1.0
    blur = config.code_blur * min(max(share, LEAST_BLUR), 1.0)
    return [blur, 2 * blur, 4 * blur], config.jitter * min(max(share, LEAST_JITTER), 1.0)


def fit(
    noisy: Tensor,
    network: nn.Module,
    code: Tensor,
    tie: Callable[[Tensor], Tensor] | None,
    *,
    iterations: int,
    switch: int,
    learning_rate: float,
    jitter: float,
    ema: float,
    ema_share: float,
    generator: torch.Generator,
) -> Iterator[Step]:
    """Fit f(z + jitter) to y_n by L_rec + lambda_n L_sc, equation 2, and yield every step.

    Args:
        noisy: (C, H, W) y_n.
        network: the generator f, which is trained.
        code: (1, D, H, W) z_n.
        tie: lambda_n L_sc as a function of x_n; None at the coarsest scale.
        iterations: steps at most.
        switch: steps with L1 as L_rec; L2 follows.
        learning_rate: step size of Adam.
        jitter: standard deviation of the noise added to the code at every step.
        ema: weight of the past in the running average that is the estimate.
        ema_share: see `past`.
        generator: of the jitter, on the device.

    Yields:
        Steps that count from 1 within the scale; their loss is that of equation 2.
    """
    optimizer = engine.adam(network.parameters(), learning_rate)
    mean: Tensor | None = None
    for iteration in range(1, iterations + 1):
        # A caller's no_grad must not stop the fit; the context ends before the step is yielded.
        with torch.enable_grad():
            fed = code
            if jitter > 0:
                fed = engine.packed(
                    code + jitter * torch.randn(code.shape, generator=generator, device=code.device)
                )
            raw = network(fed)[0]
            loss = reconstruction(raw, noisy, iteration, switch)
            if tie is not None:
                loss = loss + tie(raw)
            engine.descend(optimizer, loss)
        output = raw.detach()
        mean = output if mean is None else mean.lerp(output, 1 - past(ema, ema_share, iteration))
        yield Step(
            iteration=iteration,
            phase="fit",
            loss=loss.detach(),
            output=output,
            estimate=partial(torch.clone, mean),
            total=iterations,
        )


def _scale(
    config: Config,
    levels: list[Tensor],
    n: int,
    sigma: float,
    tie: Tie | None,
    iterations: int,
    seed: int,
    initial: Mapping[str, Tensor] | None,
) -> Iterator[Step]:
    """The steps of scale n, with a network and a code of its own; their state is that of its network."""
    noisy = levels[n]
    blurs, jitter = _adapted(config, sigma)
    code = codes.make(
        config.code,
        noisy,
        known=torch.ones_like(noisy[0]),
        guide=None,
        channels=config.code_channels,
        scale=config.code_scale,
        generator=seeds.generator(seed, "code", n),
        blurs=blurs,
    )
    with seeds.fixed(seed, "weights", n):
        network = networks.builder(config.network)(code.shape[1], noisy.shape[0]).train()
    if initial is not None:
        own = {name: value for name, value in initial.items() if name.startswith(f"{n}.")}
        fitting.put_back(network, own, of="ms-dip with the same network, scales and channels", prefix=f"{n}.")
    state = partial(fitting.weights, network, f"{n}.")
    each = fit(
        noisy,
        engine.placed(network, noisy.device),
        engine.packed(code.to(noisy.device)),
        tie,
        iterations=iterations,
        switch={"l1-l2": config.switch, "l1": iterations, "l2": 0}[config.loss],
        learning_rate=config.learning_rate,
        jitter=jitter,
        ema=config.ema,
        ema_share=config.ema_share,
        generator=seeds.generator(seed, "jitter", n, device=noisy.device),
    )
    return (replace(step, state=state) for step in each)


def _state(saved: Mapping[str, Tensor], step: Step) -> dict[str, Tensor]:
    """The networks of the scales so far."""
    return {**saved, **({} if step.state is None else step.state())}


def _features(config: Config, channels: int) -> torch.nn.Module:
    """Phi of equation 3; where VGG-16 cannot be had, the error says what to do."""
    try:
        return features.build(config.features, channels, layer=config.layer)
    except OSError as error:
        if config.features != "vgg16":
            raise
        raise OSError(
            f"features='vgg16' (section 3.3) needs VGG-16, which is not at hand: {error} Give the file by "
            "--set features=FILE, or depart from the paper: --set features=random needs no file."
        ) from error


def _rule(config: Config, sigma: float, seconds: float | None) -> stopping.Stop:
    """A fresh rule for one scale, which also ends when its share of the time is over."""
    text = config.stop if seconds is None else f"{config.stop}+seconds:{max(seconds, 1e-3):.3f}"
    return stopping.parse(text, sigma=max(sigma, 1e-6))


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Fit a generator to every level of the pyramid of y, coarsest first, and average what they give.

    Scale n < N minimises L_rec(x_n, y_n) + lambda_n L_sc(x_n, x_{n+1}) (equation 2). A budget of iterations
    is shared out evenly, one of seconds by the pixels of the scales.

    Args:
        task: shots (S, C, H, W) with values near [0, 1]; noise, initial and budget are heeded.
        config: the configuration.
        seed: its children weights, code and jitter draw everything that is random, anew at every scale.
        device: where to compute.

    Yields:
        Steps whose output is that of the scale at work and whose estimate is the ensemble so far, both at the
        size of the image. The phase names the scale, 1 being the coarsest. The state holds the networks of
        the scales so far.

    Raises:
        ValueError: when a saved fit does not suit.

    Source: Jiang, Zhang, Nie, Zhu, Zheng, "Learning Multi-Scale Deep Image Prior for High-Quality
    Unsupervised Image Denoising", Computer Graphics Forum.
    """
    started = time.monotonic()
    noisy = task.shots.mean(0).to(device, torch.float32)
    full = (noisy.shape[-2], noisy.shape[-1])
    levels = [resize(noisy, size) for size in sizes(*full, ratio=config.ratio, minimum=config.minimum)]
    noise = sigmas(levels, task.noise, config.level)
    count = len(levels)
    phi: torch.nn.Module = torch.nn.Identity()
    if config.consistency == "features" and count > 1:
        phi = _features(config, noisy.shape[0]).to(device)
    asked = task.budget.iterations
    if asked is not None and asked < count:
        raise ValueError(
            f"iterations must be at least {count}, got {asked}: ms-dip fits {count} scales here, coarse "
            f"to fine, "
            "and would give a coarse picture enlarged. Allow some hundred for each, or leave it out."
        )
    planned = config.iterations if asked is None else asked // count
    fitted: list[Tensor] = []  # x_N, x_{N-1} … the coarsest first, as they are made
    saved: dict[str, Tensor] = {}
    done = 0
    for n in reversed(range(count)):
        tie = None
        if fitted and config.consistency != "none":
            factor = weight(noise[n], count - 1 - n) if config.weight is None else config.weight
            if config.consistency == "features":
                factor *= AS_VGG.get(config.features, 1.0)
            tie = consistency(phi, fitted[-1], config.gain * factor)
        trust = config.trust if task.noise.correlated else 1.0
        rule = _rule(config, trust * noise[n], _share(task.budget.seconds, started, levels[: n + 1]))
        best, step = None, None
        scale = _scale(config, levels, n, noise[n], tie, planned, seed, task.initial)
        for step in stopping.through(scale, rule):
            yield replace(
                step,
                iteration=done + step.iteration,
                phase=f"scale {count - n} of {count}",
                output=resize(step.output, full, mode="bilinear"),
                estimate=partial(_estimate, list(fitted), step, full, config),
                extras=partial(_extras, list(fitted), step),
                state=partial(_state, saved, step),
                total=done + planned * (n + 1),
                notes=_notes(config, full, count, n, planned),
            )
        if step is not None:
            best = rule.best()
            fitted.append(step.estimate() if best is None else best[1])
            saved = _state(saved, step)
            done += step.iteration


def _notes(config: Config, size: tuple[int, int], count: int, n: int, planned: int) -> tuple[str, ...]:
    """What is to be said when the fit ends here, at scale n."""
    if n > 0:
        return (
            f"ms-dip ended at scale {count - n} of {count}, before it came to the picture's own size: "
            f"what it "
            "gives is a coarse picture enlarged. Give it more (--seconds, --iterations), or leave the "
            "limit out.",
        )
    notes: tuple[str, ...] = ()
    if planned < config.iterations / 10:
        notes = (
            f"ms-dip had {planned} iterations for each of its {count} scales, where the settings plan "
            f"{config.iterations}: the fits have hardly begun. Allow more (--iterations).",
        )
    if count == 1:
        notes += (
            f"ms-dip has one scale on {size[0]} x {size[1]} pixels, where it is a plain DIP: the next one "
            f"would "
            f"be smaller than minimum={config.minimum}. Lower it (--set minimum=N), or use dip.",
        )
    return notes


def _share(seconds: float | None, started: float, left: list[Tensor]) -> float | None:
    """The seconds for the coarsest of the levels that are left, by its pixels."""
    if seconds is None:
        return None
    return (seconds - (time.monotonic() - started)) * left[-1].numel() / sum(level.numel() for level in left)


MS_DIP = Method(
    **described("ms-dip"),
    config=Config,
    steps=steps,
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures=DEPARTURES,
    stochastic=True,
    tiling=Tiling(kind="approximate", halo=64),
    # Every scale has a rule of its own (the field stop).
    stop="none",
    staged=True,
    warm=1.0,
)
