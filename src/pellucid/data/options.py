"""What may be chosen about the data of a training."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import checks
from pellucid.data import adding

MOST_SCALE = 4.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """How crops are drawn and made noisy.

    Attributes:
        patch: side of the crops, pixels.
        batch: crops per step and process.
        seed: of every draw.
        noise: text of the noise that is added to clean images, "" where the images are noisy as they are.
        fixed: how many noisy versions each picture has, all drawn beforehand; 0 draws a new one every time.
        share: of the crops that come from the folder of clean images, where there is one.
        flips: whether crops are mirrored and turned.
        scales: sizes at which clean pictures are shown: 1 as they are, 2 enlarged twice, 0.5 reduced to half.
        gray: whether the model is for one channel: crops of clean pictures become gray, of others one channel
            is drawn.
        held_out: fraction of the data that is never trained on.
        draws: noisy versions whose mean is the second view of a pair; several are of the first one's level.
    """

    patch: int
    batch: int
    seed: int = 0
    noise: str = ""
    fixed: int = 0
    share: float = 0.5
    flips: bool = True
    scales: tuple[float, ...] = (1.0,)
    gray: bool = False
    held_out: float = 0.1
    draws: int = 1

    def __post_init__(self) -> None:
        checks.in_range("patch", self.patch, 8)
        checks.in_range("batch", self.batch, 1)
        checks.in_range("fixed", self.fixed, 0)
        checks.in_range("share", self.share, 0, 1)
        checks.in_range("draws", self.draws, 1)
        checks.in_range("held_out", self.held_out, 0, 1, high_open=True)
        if not self.scales:
            raise ValueError("scales must name at least one size, got none. 1 shows pictures as they are.")
        for scale in self.scales:
            checks.in_range("scales", scale, 0.1, MOST_SCALE)
        if self.noise:
            adding.parse(self.noise)
        if self.draws > 1 and (self.fixed or not self.noise):
            raise ValueError(
                f"draws={self.draws} is for noise that is added anew at every step: the target is the mean "
                "of so many draws. Give --noise without --fixed, or leave draws at 1."
            )
        for name in ("fixed", "scales"):
            if not self.noise and getattr(self, name) != getattr(Options, name):
                raise ValueError(
                    f"{name}={getattr(self, name)} is for clean pictures that noise is added to (--noise): "
                    "it would change the noise of pictures that are noisy already. Leave it out."
                )

    @property
    def side(self) -> int:
        """Pixels of the largest crop that is read for one sample."""
        return round(self.patch / min(self.scales))
