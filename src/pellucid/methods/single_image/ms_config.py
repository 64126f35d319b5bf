"""The settings of MS-DIP: the paper's where it states them, and ours for a processor."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import checks, stopping
from pellucid.methods.single_image.ensemble import UPSAMPLING
from pellucid.methods.single_image.ms_level import LEVELS
from pellucid.networks import features

NETWORKS = ("skip", "snail", "kate", "compact")
CODES = ("noise", "mesh", "pyramid")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of MS-DIP; the defaults are the paper's where it states them."""

    ratio: float = 0.8
    """size of a scale in that of the next finer one"""
    minimum: int = 128
    """shorter side of the coarsest scale at least, in pixels"""
    network: str = "skip"
    """generator at every scale: skip (DIP's, as in the paper), snail, kate or compact (for a processor)"""
    # The paper leaves the code's channels, its scale and the jitter to "as DIP".
    code: str = "noise"
    """what a generator is fed: noise, mesh (coordinates) or pyramid (noise beside blurred copies of the noisy
    image: far fewer steps)"""
    code_channels: int = 32
    """channels of noise in a noise or pyramid code"""
    code_scale: float = 0.1
    """the noise in a code is uniform between 0 and this"""
    code_blur: float = 1.0
    """standard deviation in pixels of the least blurred copy in a pyramid code; the others have two and four
    times as much"""
    adapt: bool = False
    """lessen code_blur and jitter where a scale has less noise than 25 of 255, code_blur to half at most"""
    jitter: float = 1 / 30
    """standard deviation of the noise added to the code at every step; 0 for none"""
    learning_rate: float = 0.001
    """step size of Adam"""
    # The paper trains until convergence, after 800 to 1000 steps, and shows 1500.
    iterations: int = 1500
    """steps per scale at most; a budget is shared out among the scales"""
    stop: str = "plateau:start=500,patience=200"
    """stop rule of a scale, as for --stop; none for all its iterations"""
    trust: float = 1.0
    """share of a level measured on noise that pixels share which the stop rule is told: texture makes that
    level too high"""
    loss: str = "l1-l2"
    """distance to the noisy image: l1-l2 (L1 first, then L2) or l2"""
    # The paper says "at early iterations".
    switch: int = 500
    """steps with L1 before L2 takes over"""
    consistency: str = "features"
    """what ties a scale to the coarser one: features, pixels or none"""
    # The paper's VGG-16 has learnt from clean pictures and has to be fetched; random features need neither.
    features: str = "random"
    """features of the tie: random (fixed filters), gradient, vgg16 (the paper's; downloads 528 MB once) or a
    file of VGG-16 or VGG-19 weights"""
    layer: str = "relu2_2"
    """which features of a VGG network"""
    weight: float | None = None
    """weight of the tie at every scale, instead of sqrt(sigma_n (N - n)); none for that"""
    gain: float = 1.0
    """multiplies the weight of the tie, which is as strong with random features as with VGG's"""
    level: str = "auto"
    """noise level sigma_n of a scale: chen (estimated there, as in the paper), report (that of the analysis,
    carried down) or auto (chen, but report where pixels share noise, which chen does not see, or the level
    was stated)"""
    upsampling: str = "joint-bilateral"
    """how the ensemble enlarges: joint-bilateral, bilinear or nearest"""
    fusion: str = "halves"
    """how the ensemble averages: halves (the paper's 1/2, 1/4, … from the finest on) or bands (evenly, each
    scale only in the frequencies that it has)"""
    ensemble: bool = True
    """average the scales; false takes the finest alone"""
    # The paper does not say that it averages over steps; DIP's authors do.
    average: float = 0.99
    """weight of the past in the running average of a scale's outputs; 0 for the last output"""
    average_share: float = 0.0
    """the running average looks back at most this share of the steps done; 0 for the plain average"""

    def __post_init__(self) -> None:
        checks.in_range("ratio", self.ratio, 0.1, 0.95)
        checks.in_range("minimum", self.minimum, 1)
        checks.one_of("network", self.network, NETWORKS)
        checks.one_of("code", self.code, CODES)
        checks.in_range("code_channels", self.code_channels, 1)
        checks.in_range("code_scale", self.code_scale, 0, low_open=True)
        checks.in_range("code_blur", self.code_blur, 0, low_open=True)
        checks.in_range("jitter", self.jitter, 0)
        checks.in_range("learning_rate", self.learning_rate, 0, low_open=True)
        checks.in_range("iterations", self.iterations, 1)
        stopping.parse(self.stop, sigma=0.1)
        checks.in_range("trust", self.trust, 0, 1, low_open=True)
        checks.one_of("loss", self.loss, ["l1-l2", "l2"])
        checks.in_range("switch", self.switch, 0)
        checks.one_of("consistency", self.consistency, ["features", "pixels", "none"])
        features.check(self.features)
        checks.one_of("layer", self.layer, features.LAYERS)
        if self.weight is not None:
            checks.in_range("weight", self.weight, 0)
        checks.in_range("gain", self.gain, 0)
        checks.one_of("level", self.level, LEVELS)
        checks.one_of("upsampling", self.upsampling, UPSAMPLING)
        checks.one_of("fusion", self.fusion, ["halves", "bands"])
        checks.in_range("average", self.average, 0, 1, high_open=True)
        checks.in_range("average_share", self.average_share, 0, 1)


def fast() -> Config:
    """For two cores; fitted to training crops of 96x96 with sigma 25, never to a scored set.

    >>> fast().network
    'compact'
    """
    return Config(
        network="compact",
        minimum=24,
        code="pyramid",
        code_channels=16,
        adapt=True,
        learning_rate=0.01,
        # Where the residual is as large as the noise, the picture is near its best, at every scale: on
        # training crops after 80 steps for a smooth one, beyond 200 for texture.
        iterations=250,
        stop="discrepancy",
        # On six training pictures with camera noise, whose level was read 1.3 to 3 times too high, 0.4 was
        # worth 4 dB over 1; on two of PolyU 0.3 and 2.4 dB.
        trust=0.4,
        loss="l2",
        level="report",
        fusion="bands",
        # So short a fit needs little tie: on two training crops 0 and a gain of 0.1 / 1024 gave 27.35 and
        # 27.32 dB, of 0.1 22.4; 1 / 1024 lost 0.4 dB against 0 on the one where it was run.
        gain=0.1 / 1024,
        average=0.97,
        average_share=0.1,
    )
