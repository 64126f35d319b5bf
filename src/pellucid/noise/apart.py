"""White noise that each channel of a colour picture has for itself, told by the differences of channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pellucid.noise import level, reading
from pellucid.noise.spectrum import SIDE, transform
from pellucid.noise.values import rise

ENOUGH = 8000
"""patches that tell; a large picture is looked at in wider steps"""
OWN = (0.04, 0.1)
"""of what colour channels tell alone, what is their own, from which on it counts, and wholly: noise that the
channels share is as good as unheard of where so much is not, and texture is common"""
ALIKE = (1.2, 1.5)
"""their level over that of all channels together, up to which channels are alike, from which on not"""
ABOVE = (1.5, 3.0)
"""distances of neighbouring values from which on such noise counts, and wholly; rounding is its own too"""
WHITE = (0.4, 0.7, 1.4, 1.8)
"""variance that the network reads in the differences of colours over the channels' own: from the first to the
second, and from the fourth to the third, it is the better borne out; above, pixels share the noise, so that
eigenvalues say too little (CC15, PolyU and DND have 9 and more, white noise 0.8 to 1.2)"""


@dataclass(frozen=True)
class Own:
    """What each of three channels has of noise for itself.

    Attributes:
        variance: (3,) variance of the noise that a channel shares with no other.
        most: (3,) variance that a channel tells alone, in which what channels share and texture count too.
    """

    variance: Tensor
    most: Tensor

    @property
    def share(self) -> float:
        """Of what the channels tell alone, how much is their own: 0 to 1."""
        whole = float(self.most.sum())
        return min(float(self.variance.sum()) / whole, 1.0) if whole > 0 else 0.0

    def beside(self, joint: float) -> Own:
        """The same beside the level of all channels together, which counts where they are about alike.

        It is that of the quietest combination of channels, and knows nothing of detail in colour, of which a
        picture may hold some (on Baboon with noise of 8 of 255 it reads 9.9, the channels' own level 11.4).
        """
        level = float(self.variance.mean()) ** 0.5
        if not 0 < joint < level:
            return self
        counts = 1 - rise(level / joint, *ALIKE)
        return replace(self, variance=self.variance * (joint / level) ** (2 * counts))

    def level(self, joint: float) -> float:
        """The level of all channels together where `joint` is that of the quietest, as where they differ."""
        return max(joint, math.sqrt(float(self.beside(joint).variance.mean())))


@dataclass(frozen=True)
class Believed:
    """The channels' own noise, as far as it is believed.

    Attributes:
        variance: (3,) of the channels.
        joint: level of all channels together.
        surely: how surely this is all the noise there is, above 0, up to 1.
    """

    variance: Tensor
    joint: float
    surely: float

    @property
    def rather(self) -> bool:
        """Whether this is rather all the noise there is than not."""
        return self.surely >= 0.5

    def mixed(self, variance: Tensor) -> Tensor:
        """(3,) variances that were told otherwise, and these."""
        own = self.variance.double().clamp_min(1e-12)
        return variance ** (1 - self.surely) * own**self.surely


def find(
    image: Tensor,
    *,
    floor: float = -math.inf,
    ceiling: float = math.inf,
    valid: Tensor | None = None,
) -> Own | None:
    """White noise that each of three channels has for itself, told by their differences.

    What the channels of a photograph show is nearly the same, and most of it is gone from R - G, R - B and
    G - B; noise that the channels don't share is not. With v the variance that the eigenvalues of patches
    tell (see `level.chen`), v(R - G) = r + g and so on: three equations for the channels' own r, g and b, in
    which texture hardly counts. Noise that all channels share is not in them, nor is noise that pixels
    share or that was coded in colours of half the size (there the smallest eigenvalues are nothing).

    Args:
        image: (3, H, W).
        floor, ceiling: values at which noise was cut off; patches too near to them are left out.
        valid: (H, W) pixels that can tell of noise, or None for all; patches with others are left out.

    Returns:
        None for an image smaller than a patch, or where no patch is valid.

    Source: Gray and Allan, "A method for estimating the frequency stability of an individual oscillator",
    1974 (the three-cornered hat).

    >>> draws = torch.Generator().manual_seed(0)
    >>> texture = torch.randn(1, 96, 96, generator=draws)
    >>> noise = torch.randn(3, 96, 96, generator=draws) * torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1)
    >>> find(texture + noise).variance.sqrt().round(decimals=0)
    tensor([1., 2., 3.])
    """
    if len(image) != 3:
        raise ValueError(f"image must have three channels, got {len(image)}.")
    if min(image.shape[-2:]) < SIDE:
        return None
    planes = image.detach().cpu().float()
    stride = max(level.STRIDE, round(math.sqrt(planes[0].numel() / ENOUGH)))

    def laid(plane: Tensor) -> Tensor:
        return plane.unfold(-2, SIDE, stride).unfold(-2, SIDE, stride).flatten(-2).flatten(-3, -2)

    patches = laid(planes)
    if valid is not None:
        patches = patches[:, laid(valid.cpu()).all(1)]
    if patches.shape[1] == 0:
        return None
    mean = patches.mean(2)
    patches = patches @ transform().float().T
    found = _hat(patches)
    if math.isinf(floor) and math.isinf(ceiling):
        return found
    to_end = torch.minimum(mean - floor, ceiling - mean)
    kept = torch.ones_like(to_end[0], dtype=torch.bool)
    for _ in range(3):
        room = (to_end - 3 * found.variance.sqrt()[:, None]).amin(0)
        # the half with most room always stays: nothing can be learnt from no patch at all
        now = room >= min(0.0, float(room.median()))
        if torch.equal(now, kept):
            break
        kept, found = now, _hat(patches[:, now])
    return found


def _hat(patches: Tensor) -> Own:
    """From the coefficients (3, patches, 64) of three channels."""
    red, green, blue = patches

    def told(part: Tensor) -> float:
        part = part - part.mean(0)
        return level.of_covariance(level.products(part).double() / len(part)) ** 2

    differences = torch.tensor([told(red - green), told(red - blue), told(green - blue)], dtype=torch.float64)
    variance = _corners(differences).float()
    most = torch.tensor([told(part) for part in patches])
    return Own(variance.minimum(most), most)


def energies(coefficients: Tensor, band: Sequence[int]) -> Tensor:
    """(3,) mean energy of a band of blocks (B, 3, 64), where they are calm, that a channel shares with no
    other.
    """
    red, green, blue = coefficients.unbind(1)
    pairs = torch.stack([red - green, red - blue, green - blue], 1)
    return _corners(reading.calm_energy(pairs, band)[0])


def _corners(differences: Tensor) -> Tensor:
    """(3,) variances of R, G and B from those of R - G, R - B and G - B.

    >>> _corners(torch.tensor([3.0, 5.0, 6.0]))
    tensor([1., 2., 4.])
    """
    rg, rb, gb = differences
    return torch.stack([rg + rb - gb, rg + gb - rb, rb + gb - rg]).clamp_min(0) / 2


def over(pairs: Sequence[tuple[Tensor, Tensor]], floor: float, ceiling: float) -> Own | None:
    """The channels' own noise over windows of a picture and what of them can tell."""
    told = [find(view, floor=floor, ceiling=ceiling, valid=valid) for view, valid in pairs]
    found = [one for one in told if one is not None]
    if not found:
        return None
    return Own(
        *(torch.stack(part).mean(0) for part in zip(*((o.variance, o.most) for o in found), strict=True))
    )


def believed(own: Own | None, joint: float, read: Tensor, *, step: float, pixels: int) -> Believed | None:
    """How far the channels' own noise is believed to be all there is; None where not at all.

    Noise that is wholly the channels' own is white, as what pixels share is not told as their own.

    Args:
        own: what their differences tell, if anything.
        joint: level that the eigenvalues of all channels together tell.
        read: (3, 64) variances of the noise as the network reads it, brightness and differences of colours.
        step: distance of neighbouring values, 0 for none.
        pixels: how many told.
    """
    mean = 0.0 if own is None else float(own.variance.mean())
    if own is None or mean <= 0:
        return None
    differences = float(read[1:].mean()) / mean
    steps = math.sqrt(mean) / step if step > 0 else math.inf
    white = rise(differences, *WHITE[:2]) * (1 - rise(differences, *WHITE[2:]))
    surely = rise(own.share, *OWN) * rise(steps, *ABOVE) * white * rise(pixels, level.FEW / 2, level.FEW)
    if surely == 0:
        return None
    together = own.level(joint) ** surely * joint ** (1 - surely)
    return Believed(own.beside(joint).variance, together, surely)
