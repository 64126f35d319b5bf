"""DnCNN and FFDNet as networks to train, built from the channels in and out."""

from __future__ import annotations

from pellucid.networks.dncnn import DnCNN
from pellucid.networks.ffdnet import FFDNet


def _same(inputs: int, outputs: int) -> int:
    if inputs != outputs:
        raise ValueError(f"outputs must be {inputs}, the inputs, for this network; got {outputs}.")
    return inputs


def dncnn(
    inputs: int, outputs: int, *, depth: int = 17, batch_norm: bool = True, residual: bool = True
) -> DnCNN:
    """DnCNN as in the paper: 17 convolutions, batch normalisation, the noise is predicted.

    >>> sum(p.numel() for p in dncnn(1, 1).parameters())
    556097
    """
    return DnCNN(_same(inputs, outputs), depth=depth, batch_norm=batch_norm, residual=residual)


def dncnn_plain(inputs: int, outputs: int) -> DnCNN:
    """DnCNN without normalisation, so that the result of a pixel depends on its surroundings alone.

    >>> dncnn_plain(3, 3).layers[2].bias is not None
    True
    """
    return dncnn(inputs, outputs, batch_norm=False)


def dncnn_8(inputs: int, outputs: int) -> DnCNN:
    """The chain of Noise2Self's single picture: 8 convolutions, normalised, which give the picture itself.

    >>> dncnn_8(1, 1).residual
    False
    """
    return dncnn(inputs, outputs, depth=8, residual=False)


def ffdnet(inputs: int, outputs: int) -> FFDNet:
    """FFDNet as in the paper: 15 convolutions of 64 channels for one channel, else 12 of 96.

    It must be told the level: `conditioned` is True.

    >>> sum(p.numel() for p in ffdnet(1, 1).parameters()), sum(p.numel() for p in ffdnet(3, 3).parameters())
    (485316, 852108)
    """
    gray = _same(inputs, outputs) == 1
    return FFDNet(inputs, depth=15 if gray else 12, width=64 if gray else 96)
