"""The settings of Deep Image Prior, and the authors' recipes for missing pixels and small pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pellucid import fields
from pellucid.methods.single_image import codes
from pellucid.methods.single_image.dip.equations import LOSSES
from pellucid.networks import features
from pellucid.paper import Paper, stated

NETWORKS = ("skip", "snail", "kate", "vase", "library", "sparse", "flash", "compact", "plain")
SCHEDULES = ("constant", "cosine")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of Deep Image Prior; the defaults are those of preset fast for denoising."""

    iterations: int = fields.option(300, low=1)
    """steps of the fit, where no budget is given"""
    network: str = fields.option("compact", choices=NETWORKS)
    """network: skip (the paper's), snail, kate, vase, library, sparse, flash (the authors' variants),
    compact (for a processor) or plain (a chain of convolutions)"""
    layers: int = fields.option(9, low=2)
    """convolutions of the plain network; 5 and 15 are the other usual choices"""
    code: str = fields.option("pyramid", choices=codes.CODES)
    """what the network is fed: noise, image (the noisy one), guide (another picture of the scene), mesh
    (coordinates) or pyramid (noise beside blurred copies of the noisy image: far fewer steps)"""
    code_channels: int = fields.option(16, low=1)
    """channels of noise in a noise or pyramid code"""
    code_scale: float = fields.option(0.1, low=0, low_open=True)
    """the noise in a code is uniform between 0 and this"""
    jitter: float = fields.option(1 / 30, low=0)
    """standard deviation of the noise added to the code at every step"""
    learning_rate: float = fields.option(0.01, low=0, low_open=True)
    """step size of Adam"""
    schedule: str = fields.option("constant", choices=SCHEDULES)
    """how the step size goes: constant (the paper's), or cosine down to 0 at the last iteration"""
    loss: str = fields.option("l2", choices=LOSSES)
    """distance to the noisy image: l2 (mean square, the paper's), l1 (mean absolute) or l1+l2"""
    perceptual: float = fields.option(0.0, low=0)
    """weight of the mean square of feature differences, beside that; those of a VGG network are about a
    thousand times as large as those of pixels"""
    features: str = "random"
    """features for perceptual: random (fixed filters), gradient, vgg16 (downloads 528 MB once) or a file of
    VGG-16 or VGG-19 weights"""
    ema: float = fields.option(0.97, low=0, high=1, high_open=True, aliases=("average",))
    """weight of the past in the running average of the outputs that is the estimate; 0 for the last output"""
    ema_share: float = fields.option(0.1, low=0, high=1, aliases=("average_share",))
    """the running average looks back at most this share of the steps done, so that the poor first outputs of
    a short fit are soon forgotten; 0 for the authors' plain average"""
    rollback: float = fields.option(5.0, low=0)
    """go back to earlier weights when the fit loses this many decibels within 100 steps; 0 for never"""
    held_out: float = fields.option(0.0, low=0, high=0.5)
    """fraction of the pixels hidden from the fit, for the stop rule held-out"""
    divergence: bool = False
    """estimate the divergence at every step, for the stop rule sure; needs code=image and doubles the cost"""

    def __post_init__(self) -> None:
        fields.check(self)
        features.check(self.features)
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


PAPER = Paper(
    citation="Ulyanov, Vedaldi, Lempitsky, CVPR 2018, and their notebook on denoising",
    states=stated(
        iterations=(3000, "notebook; the text prints figures at 1800"),
        network=("skip", "supplement: hourglass of 5 scales, 128 channels, skips of 4"),
        code=("noise", "equation 1 as RS-DIP and MS-DIP print it: random, fixed"),
        code_channels=(32, "supplement"),
        code_scale=(0.1, "supplement: uniform between 0 and 1/10"),
        jitter=(1 / 30, "supplement"),
        learning_rate=(0.01, "supplement"),
        schedule=("constant", "notebook"),
        loss=("l2", "equation 1 as RS-DIP and MS-DIP print it"),
        ema=(0.99, "text and notebook"),
        rollback=(5.0, "notebook"),
    ),
    ours={
        "layers": 9,
        "perceptual": 0.0,
        "features": "random",
        "ema_share": 0.0,
        "held_out": 0.0,
        "divergence": False,
    },
    elsewhere=("The paper stops after a fixed number of steps; here es-emv chooses the step (--stop).",),
)

DEPARTURES = {
    "iterations": "minutes on two cores (see code)",
    "network": "a step has a tenth of the work",
    "code": "blurred copies of the noisy picture beside the noise: far fewer steps",
    "code_channels": "see code",
    "ema": "so short a fit must forget its first outputs",
    "ema_share": "see ema",
}


def paper() -> Config:
    """The settings of the paper for denoising.

    >>> paper().network
    'skip'
    """
    return PAPER.preset(Config)


def inpainting() -> dict[str, Config]:
    """The recipes for missing pixels: the authors', by what is missing, and one for a processor.

    The authors take the last output, so nothing is averaged. They also shake the weights for the library, but
    their code only rebinds a local name: it has no effect, and is left out.

    >>> inpainting()["hole"].code
    'mesh'
    """
    text = replace(paper(), network="kate", jitter=0.03, iterations=6001, ema=0.0)
    return {
        "paper": text,  # text and scratches
        "text": text,
        "hole": replace(text, network="vase", code="mesh", iterations=5001),
        "library": replace(paper(), network="library", code_channels=1, jitter=0.0, iterations=3001, ema=0.0),
        "half": replace(paper(), learning_rate=1e-3, jitter=0.03, iterations=11000, ema=0.0),
        "sparse": replace(paper(), network="sparse", jitter=0.0, iterations=1000, ema=0.0),
        "fast": Config(iterations=600),
    }


def flash() -> dict[str, Config]:
    """The recipes for a picture without flash, guided by one with it.

    The authors average nothing here, and the light of the dark picture takes its mean from the end.

    >>> flash()["flash"].code
    'guide'
    """
    return {
        "flash": replace(
            paper(),
            network="flash",
            code="guide",
            jitter=0.0,
            learning_rate=0.1,
            iterations=601,
            ema=0.0,
            rollback=0,
        ),
        "flash-fast": replace(
            paper(),
            network="compact",
            code="guide",
            jitter=0.0,
            learning_rate=0.03,
            iterations=300,
            ema=0.97,
        ),
    }


def upscaling() -> dict[str, Config]:
    """The recipes for small pictures: the authors' for x4 and x8, and one for a processor.

    >>> upscaling()["x8"].iterations
    4000
    """
    four = replace(paper(), jitter=0.03, iterations=2000, ema=0.0)
    return {
        "paper": four,
        "x4": four,
        "x8": replace(four, jitter=0.05, iterations=4000),
        "fast": Config(iterations=400),
    }
