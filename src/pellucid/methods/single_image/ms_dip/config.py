"""The settings of MS-DIP: the paper's where it states them, and ours for a processor."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import fields, stopping
from pellucid.methods.single_image.ms_dip.equations import UPSAMPLING
from pellucid.methods.single_image.ms_dip.levels import LEVELS
from pellucid.networks import features
from pellucid.networks.features import LAYERS
from pellucid.paper import Paper, stated

NETWORKS = ("skip", "snail", "kate", "compact")
CODES = ("noise", "mesh", "pyramid")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of MS-DIP; the defaults are those of preset fast.

    They are for two cores, and fitted to training crops of 96x96 with sigma 25, never to a scored set.
    """

    ratio: float = fields.option(0.8, low=0.1, high=0.95)
    """size of a scale in that of the next finer one"""
    minimum: int = fields.option(24, low=1)
    """shorter side of the coarsest scale at least, in pixels"""
    network: str = fields.option("compact", choices=NETWORKS)
    """generator at every scale: skip (DIP's, as in the paper), snail, kate or compact (for a processor)"""
    code: str = fields.option("pyramid", choices=CODES)
    """what a generator is fed: noise, mesh (coordinates) or pyramid (noise beside blurred copies of the noisy
    image: far fewer steps)"""
    code_channels: int = fields.option(16, low=1)
    """channels of noise in a noise or pyramid code"""
    code_scale: float = fields.option(0.1, low=0, low_open=True)
    """the noise in a code is uniform between 0 and this"""
    code_blur: float = fields.option(1.0, low=0, low_open=True)
    """standard deviation in pixels of the least blurred copy in a pyramid code; the others have two and four
    times as much"""
    adapt: bool = True
    """lessen code_blur and jitter where a scale has less noise than 25 of 255, code_blur to half at most"""
    jitter: float = fields.option(1 / 30, low=0)
    """standard deviation of the noise added to the code at every step; 0 for none"""
    learning_rate: float = fields.option(0.01, low=0, low_open=True)
    """step size of Adam"""
    iterations: int = fields.option(250, low=1)
    """steps per scale at most; a budget is shared out among the scales"""
    stop: str = "discrepancy"
    """stop rule of a scale, as for --stop; none for all its iterations"""
    trust: float = fields.option(0.4, low=0, high=1, low_open=True)
    """share of a level measured on noise that pixels share which the stop rule is told: texture makes that
    level too high"""
    loss: str = fields.option("l2", choices=("l1-l2", "l1", "l2"))
    """distance to the noisy image: l1-l2 (L1 first, then L2), l1 or l2 alone"""
    switch: int = fields.option(500, low=0)
    """steps with L1 before L2 takes over"""
    consistency: str = fields.option("features", choices=("features", "pixels", "none"))
    """what ties a scale to the coarser one: features, pixels or none"""
    features: str = "random"
    """features of the tie: random (fixed filters), gradient, vgg16 (the paper's; downloads 528 MB once) or a
    file of VGG-16 or VGG-19 weights"""
    layer: str = fields.option("relu2_2", choices=LAYERS)
    """which features of a VGG network"""
    weight: float | None = fields.option(None, low=0)
    """weight of the tie at every scale, instead of sqrt(sigma_n (N - n)); none for that"""
    gain: float = fields.option(0.1 / 1024, low=0)
    """multiplies the weight of the tie, which is as strong with random features as with VGG's"""
    level: str = fields.option("report", choices=LEVELS)
    """noise level sigma_n of a scale: chen (estimated there, as in the paper), report (that of the analysis,
    carried down) or auto (chen, but report where pixels share noise, which chen does not see, or the level
    was stated)"""
    upsampling: str = fields.option("joint-bilateral", choices=UPSAMPLING)
    """how the ensemble enlarges: joint-bilateral, bilinear or nearest"""
    fusion: str = fields.option("bands", choices=("halves", "bands"))
    """how the ensemble averages: halves (the paper's 1/2, 1/4, … from the finest on) or bands (evenly, each
    scale only in the frequencies that it has)"""
    ensemble: bool = True
    """average the scales; false takes the finest alone"""
    ema: float = fields.option(0.97, low=0, high=1, high_open=True, aliases=("average",))
    """weight of the past in the running average of a scale's outputs; 0 for the last output"""
    ema_share: float = fields.option(0.1, low=0, high=1, aliases=("average_share",))
    """the running average looks back at most this share of the steps done; 0 for the plain average"""

    def __post_init__(self) -> None:
        fields.check(self)
        stopping.parse(self.stop, sigma=0.1)
        features.check(self.features)


PAPER = Paper(
    citation="Jiang, Zhang, Nie, Zhu, Zheng, Computer Graphics Forum",
    states=stated(
        ratio=(0.8, "section 3.5"),
        minimum=(128, "section 3.5"),
        network=("skip", "section 3.2: the generator of Deep Image Prior"),
        code=("noise", "section 3.5: uniform noise"),
        jitter=(1 / 30, "section 3.5: as Deep Image Prior, whose it is"),
        learning_rate=(1e-3, "section 3.5"),
        loss=("l1-l2", "section 3.5"),
        consistency=("features", "equation 3"),
        features=("vgg16", "section 3.3, scale consistency loss"),
        weight=(None, "equation 4"),
        level=("chen", "equation 4: estimated at every scale by the method of Chen, Zhu, Heng"),
        upsampling=("joint-bilateral", "equation 5"),
        fusion=("halves", "section 3.4"),
        ensemble=(True, "section 3.4"),
    ),
    open=stated(
        iterations=(1500, "until convergence, after 800 to 1000 steps (section 3.5); figure 13 shows 1500"),
        stop=("plateau:start=500,patience=200", "the paper says until convergence, not how it is seen"),
        code_channels=(32, "as Deep Image Prior"),
        code_scale=(0.1, "as Deep Image Prior"),
        switch=(500, "the paper says at early iterations"),
        layer=(
            "relu2_2",
            "the paper says the i-th layer; this is that of Johnson and others, whom it follows",
        ),
        ema=(0.99, "the paper says nothing of a running average; this is that of Deep Image Prior"),
    ),
    ours={"code_blur": 1.0, "adapt": False, "trust": 1.0, "gain": 1.0, "ema_share": 0.0},
    elsewhere=(
        "Equation 4 names no unit: sigma is taken in [0, 1].",
        "N of equation 4 is called the total number of image scales, but the scales are y_0 to y_N, one "
        "more, and y_N has no tie: N is taken as the index of the coarsest scale, where the weight so is 0.",
        "Equation 5 has the arrows of p and q exchanged; it is read as in its source (Kopf and others, "
        "2007).",
    ),
)

DEPARTURES = {
    "minimum": "small pictures have several scales too",
    "network": "a step has a tenth of the work",
    "code": "blurred copies of the noisy picture beside the noise: far fewer steps",
    "code_channels": "see code",
    "adapt": "coarse scales have less noise, and a blur made for the finest would hide their detail",
    "learning_rate": "so short a fit needs larger steps",
    "iterations": "where the residual is as large as the noise, the picture is near its best: on training "
    "crops after 80 steps for a smooth one, beyond 200 for texture",
    "stop": "it does not wait for convergence (see iterations)",
    "trust": "on six training pictures with camera noise, whose level was read 1.3 to 3 times too high, "
    "0.4 was "
    "worth 4 dB over 1; on two of PolyU 0.3 and 2.4 dB",
    "loss": "a fit that stops so early has no late phase to switch in",
    "features": "VGG-16 has learnt from clean pictures and must be fetched; fixed filters need neither",
    "level": "the method of Chen and others reads far too little where pixels share their noise",
    "fusion": "every scale speaks in the frequencies that it has, so that detail is not halved",
    "gain": "so short a fit needs little tie: on two training crops 0 and 0.1 / 1024 gave 27.35 and 27.32 "
    "dB, "
    "0.1 22.4; 1 / 1024 lost 0.4 dB against 0 on the one where it was run",
    "ema": "so short a fit must forget its first outputs",
    "ema_share": "see ema",
}
