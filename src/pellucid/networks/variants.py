"""The hourglasses that the authors of Deep Image Prior made for one picture or one task each."""

from __future__ import annotations

from pellucid.networks.skip import Skip


def snail(inputs: int, outputs: int) -> Skip:
    """The small network that the authors use against JPEG artefacts (their snail picture).

    >>> sum(p.numel() for p in snail(3, 3).parameters())
    572827
    """
    return Skip(inputs, outputs, widths=(8, 16, 32, 64, 128), skips=(0, 0, 0, 4, 4))


def kate(inputs: int, outputs: int) -> Skip:
    """The network that the authors use to fill small holes (their picture of Kate).

    >>> sum(p.numel() for p in kate(32, 3).parameters())
    3002627
    """
    return Skip(inputs, outputs, skips=(128,) * 5, upsample="nearest")


def vase(inputs: int, outputs: int) -> Skip:
    """The network that the authors use to fill one large hole (their vase): nothing passes beside the waist.

    >>> Skip(2, 3, skips=(0,) * 5)(__import__("torch").zeros(1, 2, 64, 64)).shape
    torch.Size([1, 3, 64, 64])
    """
    return Skip(inputs, outputs, skips=(0,) * 5, upsample="nearest")


def library(inputs: int, outputs: int) -> Skip:
    """The network that the authors use for a large hole amid fine structure (their library): six scales.

    >>> library(1, 3).multiple
    64
    """
    return Skip(
        inputs, outputs, widths=(16, 32, 64, 128, 128, 128), skips=(0,) * 6, upsample="nearest", kernel=5,
        pointwise=False,
    )  # fmt: skip


def sparse(inputs: int, outputs: int) -> Skip:
    """The network that the authors use where 98 % of the pixels are missing."""
    return Skip(inputs, outputs, widths=(16, 32, 64, 128, 128), skips=(0,) * 5, pool=True)


def flash(inputs: int, outputs: int) -> Skip:
    """The network that the authors use to carry the light of one photograph to the detail of another."""
    return Skip(inputs, outputs, upsample=("nearest", "nearest", "bilinear", "bilinear", "bilinear"))
