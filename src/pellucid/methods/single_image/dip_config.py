"""The settings of Deep Image Prior, and the authors' recipes for missing pixels and small pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pellucid import checks
from pellucid.methods.single_image import codes, terms
from pellucid.networks import features

NETWORKS = ("skip", "snail", "kate", "vase", "library", "sparse", "flash", "compact", "plain")
SCHEDULES = ("constant", "cosine")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of Deep Image Prior; the defaults are the paper's for denoising."""

    iterations: int = 3000
    """steps of the fit, where no budget is given"""
    network: str = "skip"
    """network: skip (the paper's), snail, kate, vase, library, sparse, flash (the authors' variants),
    compact (for a processor) or plain (a chain of convolutions)"""
    layers: int = 9
    """convolutions of the plain network; 5 and 15 are the other usual choices"""
    code: str = "noise"
    """what the network is fed: noise, image (the noisy one), guide (another picture of the scene), mesh
    (coordinates) or pyramid (noise beside blurred copies of the noisy image: far fewer steps)"""
    code_channels: int = 32
    """channels of noise in a noise or pyramid code"""
    code_scale: float = 0.1
    """the noise in a code is uniform between 0 and this"""
    jitter: float = 1 / 30
    """standard deviation of the noise added to the code at every step"""
    learning_rate: float = 0.01
    """step size of Adam"""
    schedule: str = "constant"
    """how the step size goes: constant (the paper's), or cosine down to 0 at the last iteration"""
    loss: str = "l2"
    """distance to the noisy image: l2 (mean square, the paper's), l1 (mean absolute) or l1+l2"""
    perceptual: float = 0.0
    """weight of the mean square of feature differences, beside that; those of a VGG network are about a
    thousand times as large as those of pixels"""
    features: str = "random"
    """features for perceptual: random (fixed filters), gradient, vgg16 (downloads 528 MB once) or a file of
    VGG-16 or VGG-19 weights"""
    average: float = 0.99
    """weight of the past in the running average of the outputs that is the estimate; 0 for the last output"""
    average_share: float = 0.0
    """the running average looks back at most this share of the steps done, so that the poor first outputs of
    a short fit are soon forgotten; 0 for the authors' plain average"""
    rollback: float = 5.0
    """go back to earlier weights when the fit loses this many decibels within 100 steps; 0 for never"""
    held_out: float = 0.0
    """fraction of the pixels hidden from the fit, for the stop rule held-out"""
    divergence: bool = False
    """estimate the divergence at every step, for the stop rule sure; needs code=image and doubles the cost"""

    def __post_init__(self) -> None:
        checks.in_range("iterations", self.iterations, 1)
        checks.one_of("network", self.network, NETWORKS)
        checks.one_of("code", self.code, codes.CODES)
        checks.in_range("code_channels", self.code_channels, 1)
        checks.in_range("code_scale", self.code_scale, 0, low_open=True)
        checks.in_range("jitter", self.jitter, 0)
        checks.in_range("learning_rate", self.learning_rate, 0, low_open=True)
        checks.in_range("layers", self.layers, 2)
        checks.one_of("schedule", self.schedule, SCHEDULES)
        checks.one_of("loss", self.loss, terms.LOSSES)
        checks.in_range("perceptual", self.perceptual, 0)
        features.check(self.features)
        checks.in_range("average", self.average, 0, 1, high_open=True)
        checks.in_range("average_share", self.average_share, 0, 1)
        checks.in_range("rollback", self.rollback, 0)
        checks.in_range("held_out", self.held_out, 0, 0.5)
        if self.code == "image" and self.held_out > 0:
            raise ValueError(
                f"held_out must be 0 with code='image', got {self.held_out}: the code would show what is "
                "hidden. Use code='noise'."
            )
        if self.perceptual > 0 and self.held_out > 0:
            raise ValueError(
                f"held_out must be 0 with perceptual={self.perceptual}, got {self.held_out}: features would "
                "show the fit what is hidden. Use one of them."
            )
        if self.divergence and (self.loss != "l2" or self.perceptual > 0):
            raise ValueError(
                f"divergence needs loss='l2' alone, got loss={self.loss!r} and perceptual={self.perceptual}: "
                "SURE speaks of the mean square. Leave them as they are."
            )
        if self.divergence and self.code != "image":
            raise ValueError(f"divergence needs code='image', got code={self.code!r}. Set code='image'.")


def inpainting() -> dict[str, Config]:
    """The recipes for missing pixels: the authors', by what is missing, and one for a processor.

    The authors take the last output, so nothing is averaged. They also shake the weights for the library, but
    their code only rebinds a local name: it has no effect, and is left out.

    >>> inpainting()["hole"].code
    'mesh'
    """
    text = Config(network="kate", jitter=0.03, iterations=6001, average=0.0)
    return {
        "paper": text,  # text and scratches
        "text": text,
        "hole": replace(text, network="vase", code="mesh", iterations=5001),
        "library": Config(network="library", code_channels=1, jitter=0.0, iterations=3001, average=0.0),
        "half": Config(learning_rate=1e-3, jitter=0.03, iterations=11000, average=0.0),
        "sparse": Config(network="sparse", jitter=0.0, iterations=1000, average=0.0),
        "fast": Config(
            network="compact",
            iterations=600,
            code="pyramid",
            code_channels=16,
            average=0.97,
            average_share=0.1,
        ),
    }


def upscaling() -> dict[str, Config]:
    """The recipes for small pictures: the authors' for x4 and x8, and one for a processor.

    >>> upscaling()["x8"].iterations
    4000
    """
    four = Config(jitter=0.03, iterations=2000, average=0.0)
    return {
        "paper": four,
        "x4": four,
        "x8": replace(four, jitter=0.05, iterations=4000),
        "fast": Config(
            network="compact",
            iterations=400,
            code="pyramid",
            code_channels=16,
            average=0.97,
            average_share=0.1,
        ),
    }
