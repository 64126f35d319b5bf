"""The settings of IDDP: the paper's where it states them, and ours for a processor."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import fields
from pellucid.learning import ADAM, TrainingConfig, extras_off, why_fast
from pellucid.noise import models as noise_models
from pellucid.paper import Paper, stated


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
    learning_rate: float = 5e-4
    """of Adam"""
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
    match: bool = fields.option(True, absent=False)
    """whether removed noise is made as strong as that of the picture before it is added again; in the paper
    it fades with what the network leaves in, until a training ends at the identity (docs/methods/iddp.md)"""
    give_back: float = fields.option(0.8, low=0, high=1, absent=0.0)
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

DEPARTURES = why_fast() | {
    "residual": "a network that gives the picture goes to a constant; one that predicts the noise does not",
    "warm_up": "from a random start the prior term alone leads to the identity or to a constant",
    "match": "removed noise fades with what the network leaves in, until a training ends at the identity",
    "give_back": "the paper's fixed point smooths too much",
}
