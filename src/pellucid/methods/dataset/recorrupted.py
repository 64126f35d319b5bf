"""Recorrupted-to-Recorrupted and Noisier2Noise: a noisy picture and more noise of its kind, as a pair."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid import fields
from pellucid.learning import ADAM, Batch, Learning, Loss, TrainingConfig, TrainingProgress, apply, extras_off
from pellucid.methods.dataset.plain import build
from pellucid.methods.table import described
from pellucid.models import steps_of
from pellucid.noise.report import NoiseReport
from pellucid.noise.sigma_map import sigma_map
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Tiling


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """Configuration of Recorrupted-to-Recorrupted; the defaults are those of preset fast."""

    alpha: float = fields.option(0.5, low=0, high=10, low_open=True)
    """strength of the added noise, in multiples of that of the picture"""
    sigma: float = fields.option(0.0, low=0)
    """standard deviation of the noise of the training pictures, in the units of the network; 0 for that which
    was added (--noise) or stated. Results take the level of their own picture, this where none is
    known"""
    passes: int = fields.option(8, low=1)
    """results with noise of their own that the estimate is the mean of"""


@dataclass(frozen=True, kw_only=True)
class NoisierConfig(Config):
    """Configuration of Noisier2Noise; the defaults are those of preset fast."""

    alpha: float = fields.option(1.0, low=0, high=10, low_open=True)
    """strength of the added noise, in multiples of that of the picture"""


def noisier(noisy: Tensor, sigma: Tensor, alpha: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Y + alpha m and m, with m ~ N(0, sigma²) drawn for every value (equation 1).

    Args:
        noisy: y (B, C, H, W), whose noise n is Gaussian with standard deviation sigma.
        sigma: broadcasts to y.
        alpha: strength.
        generator: draws m.
    """
    drawn = sigma * torch.randn(noisy.shape, generator=generator, device=generator.device).to(noisy)
    return noisy + alpha * drawn, drawn


def partner(noisy: Tensor, drawn: Tensor, alpha: float) -> Tensor:
    """Y - m / alpha, whose noise is independent of that of y + alpha m (equation 2).

    Of Gaussian noise the two parts n + alpha m and n - m / alpha have the covariance sigma² - sigma² = 0.

    >>> float(partner(torch.tensor(1.0), torch.tensor(0.2), 0.5))
    0.6000000238418579
    """
    return noisy - drawn / alpha


def corrected(output: Tensor, noisier: Tensor, alpha: float) -> Tensor:
    """E[x | z] = ((1 + alpha²) E[y | z] - z) / alpha², z = y + alpha m (equation 3).

    As n and m are alike, E[n | z] = E[m | z] / alpha for Gaussian noise: what f(z) = E[y | z] takes off z is
    alpha² of the 1 + alpha² parts of its noise.

    >>> float(corrected(torch.tensor(0.75), torch.tensor(1.0), 1.0))
    0.5
    """
    return ((1 + alpha**2) * output - noisier) / alpha**2


def level_of(batch: Batch, config: Config) -> Tensor:
    """The standard deviation of the noise of a batch, as the settings or the data say.

    Raises:
        ValueError: where neither does.
    """
    if config.sigma > 0:
        return torch.full((len(batch.noisy), 1, 1, 1), config.sigma).to(batch.noisy)
    if batch.sigma is None:
        raise ValueError(
            "sigma must be known to add noise like that of the pictures, got none. State it (--set "
            "sigma=0.1), or "
            "add the noise (--noise gaussian:25)."
        )
    return batch.sigma.to(batch.noisy)


def recorrupted(
    network: nn.Module,
    batch: Batch,
    config: Config,
    *,
    progress: TrainingProgress,
    generator: torch.Generator,
) -> Loss:
    """Mean of |f(y + alpha m) - (y - m / alpha)|²: Noise2Noise from one picture (equations 1 and 2).

    Args:
        network: f.
        batch: noisy y, and sigma where the settings do not state it.
        config: the configuration.
        progress: not looked at.
        generator: draws m.

    Source: Pang, Zheng, Quan, Ji, "Recorrupted-to-Recorrupted: Unsupervised Deep Learning for Image
    Denoising", CVPR 2021.
    """
    sigma = level_of(batch, config)
    given, drawn = noisier(batch.noisy, sigma, config.alpha, generator)
    output = apply(network, given, sigma * (1 + config.alpha**2) ** 0.5)
    value = (output - partner(batch.noisy, drawn, config.alpha)).square().mean()
    pictures = {"noisy": batch.noisy, "given": given, "output": output.detach()}
    return Loss(value=value, parts={"l2": value.detach()}, pictures=pictures)


def to_noisy(
    network: nn.Module,
    batch: Batch,
    config: Config,
    *,
    progress: TrainingProgress,
    generator: torch.Generator,
) -> Loss:
    """Mean of |f(y + alpha m) - y|² (equation 1); what f takes off too little is corrected in the result.

    Args:
        network: f.
        batch: noisy y, and sigma where the settings do not state it.
        config: the configuration.
        progress: not looked at.
        generator: draws m.

    Source: Moran, Schmidt, Zhong, Coady, "Noisier2Noise: Learning to Denoise from Unpaired Noisy Data", CVPR
    2020.
    """
    sigma = level_of(batch, config)
    given, _ = noisier(batch.noisy, sigma, config.alpha, generator)
    output = apply(network, given, sigma * (1 + config.alpha**2) ** 0.5)
    value = (output - batch.noisy).square().mean()
    pictures = {"noisy": batch.noisy, "given": given, "output": output.detach()}
    return Loss(value=value, parts={"l2": value.detach()}, pictures=pictures)


def _passes(
    network: nn.Module,
    noisy: Tensor,
    noise: NoiseReport | None,
    config: Config,
    generator: torch.Generator,
    *,
    correct: bool,
) -> Tensor:
    """The mean of f(y + alpha m), corrected or not, over draws of m."""
    sigma = sigma_map(noisy, noise)
    if sigma is None:
        sigma = noisy.new_full((1, 1, 1, 1), config.sigma)
    total = torch.zeros_like(noisy)
    with torch.no_grad():
        for _ in range(config.passes):
            given, _ = noisier(noisy, sigma, config.alpha, generator)
            output = apply(network, given, sigma * (1 + config.alpha**2) ** 0.5)
            if correct:  # where there is no noise, z is y, and f(z) took off nothing of m
                output = torch.where(sigma > 0, corrected(output, given, config.alpha), output)
            total += output
    return total / config.passes


def predict(
    network: nn.Module,
    noisy: Tensor,
    noise: NoiseReport | None,
    config: Config,
    *,
    generator: torch.Generator,
) -> Tensor:
    """The mean of f(y + alpha m) over several m, as the network knows noisier pictures only (equation 4)."""
    return _passes(network, noisy, noise, config, generator, correct=False)


def predict_corrected(
    network: nn.Module,
    noisy: Tensor,
    noise: NoiseReport | None,
    config: Config,
    *,
    generator: torch.Generator,
) -> Tensor:
    """The mean of ((1 + alpha²) f(z) - z) / alpha² over several z = y + alpha m (equations 3 and 4)."""
    return _passes(network, noisy, noise, config, generator, correct=True)


R2R_LEARNING = Learning(sees="noisy", build=build, objective=recorrupted, predict=predict, halo=64, stride=32)
NR2N_LEARNING = Learning(
    sees="noisy", build=build, objective=to_noisy, predict=predict_corrected, halo=64, stride=32
)
PAPER = Paper(
    citation="Pang, Zheng, Quan, Ji, CVPR 2021, and their code",
    states=stated(
        network=("dncnn", "code: DnCNN of 17 layers"),
        batch=(128, "code"),
        patch=(40, "code"),
        learning_rate=(1e-3, "code"),
        alpha=(0.5, "code"),
        passes=(50, "code"),
        decay=("tenth", "code: a tenth of the rate after 30 of 50 rounds"),
    ),
    open=stated(
        steps=(100_000, "the code counts rounds; ours"),
        **ADAM,
    ),
    ours={**extras_off(), "sigma": 0.0},
    elsewhere=(
        "The paper also treats noise of other covariances; here it is Gaussian, every pixel by itself.",
    ),
)
NOISIER = Paper(
    citation="Moran, Schmidt, Zhong, Coady, CVPR 2020",
    states=stated(alpha=(1.0, "text: noise of the same distribution; weaker noise is a variant of it")),
    open=stated(
        network=("n2n-unet", "its text is not at hand; that of Noise2Noise, which it extends"),
        steps=(300_000, "as Noise2Noise"),
        batch=(4, "as Noise2Noise"),
        patch=(256, "as Noise2Noise"),
        learning_rate=(3e-4, "as Noise2Noise"),
        decay=("ramp", "as Noise2Noise"),
        passes=(1, "one result; the mean over several is a variant of it"),
        **ADAM,
    ),
    ours={**extras_off(), "sigma": 0.0},
)
FAST = {
    "network": "a network that two cores can train: minutes instead of days",
    "steps": "see network",
    "batch": "see network",
    "patch": "see network",
    "learning_rate": "so short a training needs larger steps",
    "decay": "and must come to rest",
    "passes": "the noise that the passes add is small in the mean of 8",
}

R2R = Method(
    **described("r2r"),
    config=Config,
    steps=steps_of("r2r", R2R_LEARNING, Config),
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures={name: reason for name, reason in FAST.items() if name != "learning_rate"},
    stochastic=True,
    tiling=Tiling(kind="approximate", halo=64, stride=32),
    needs_model=True,
    learning=R2R_LEARNING,
)

NR2N = Method(
    **described("nr2n"),
    config=NoisierConfig,
    steps=steps_of("nr2n", NR2N_LEARNING, NoisierConfig),
    presets={"paper": NOISIER.preset(NoisierConfig), "fast": NoisierConfig()},
    paper=NOISIER,
    departures=FAST,
    stochastic=True,
    tiling=Tiling(kind="approximate", halo=64, stride=32),
    needs_model=True,
    learning=NR2N_LEARNING,
)
