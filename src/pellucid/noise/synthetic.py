"""New noise of the kind that a NoiseReport describes: from its spectrum, or from a picture's own."""

from __future__ import annotations

import torch
from torch import Tensor

from pellucid.noise.report import NoiseReport


def root(report: NoiseReport, height: int, width: int) -> Tensor:
    """What turns white noise into noise of the report's covariance, a root of its spectrum.

    With the spectrum S(f) = sum over lags of K(lag) exp(-2 pi i f lag), a Hermitian (C, C) matrix per
    frequency, the root R has R R* = S; what measurement errors made negative in S counts as 0.

    Args:
        report: its `kernel` K (C, C, 2L+1, 2L+1) is used.
        height, width: of the picture.

    Returns:
        (H, W // 2 + 1, C, C) complex; for white noise (1, 1, C, C) real.
    """
    kernel = torch.from_numpy(report.kernel).double()
    channels, reach = kernel.shape[0], kernel.shape[-1] // 2
    if reach == 0:
        values, vectors = torch.linalg.eigh(kernel[None, None, :, :, 0, 0])
    else:
        around = torch.zeros(channels, channels, height, width, dtype=torch.float64)
        for down in range(-reach, reach + 1):
            for across in range(-reach, reach + 1):
                around[:, :, down % height, across % width] += kernel[:, :, down + reach, across + reach]
        spectrum = torch.fft.rfft2(around).permute(2, 3, 0, 1)
        values, vectors = torch.linalg.eigh(0.5 * (spectrum + spectrum.mH))
    result: Tensor = vectors * values.clamp_min(0).sqrt()[..., None, :]
    return result


def draw(root: Tensor, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Gaussian noise (C, H, W) of the covariance that `root` was made from.

    >>> report = NoiseReport.white((0.1, 0.2), 2)
    >>> noise = draw(root(report, 64, 64), (2, 64, 64), torch.Generator().manual_seed(0))
    >>> [round(s, 1) for s in noise.std(dim=(1, 2)).tolist()]
    [0.1, 0.2]
    """
    white = torch.randn(shape, generator=generator)
    if not root.is_complex():
        return torch.einsum("cd,dhw->chw", root[0, 0].float(), white)
    spectrum = torch.fft.rfft2(white).permute(1, 2, 0)[..., None]
    coloured = (root.to(torch.complex64) @ spectrum)[..., 0].permute(2, 0, 1)
    result: Tensor = torch.fft.irfft2(coloured, s=shape[1:])
    return result


class Redraw:
    """Draws Gaussian noise of a report's correlations, of standard deviation 1 in every channel.

    The picture of the noise is periodic: S(f) = Σ_lags K(lag) e^(-i f lag) is split into A(f) A(f)^H, and A
    colours white noise.

    >>> Redraw(NoiseReport.white((0.1, 0.2), 2)).draw(4, 5, torch.Generator()).shape
    torch.Size([2, 4, 5])
    """

    def __init__(self, noise: NoiseReport) -> None:
        kernel = torch.from_numpy(noise.kernel).double()
        middle = kernel.shape[-1] // 2
        deviation = kernel[:, :, middle, middle].diagonal().clamp_min(1e-24).sqrt()
        self._kernel = kernel / (deviation.view(-1, 1, 1, 1) * deviation.view(1, -1, 1, 1))
        self._roots: dict[tuple[int, int], Tensor] = {}

    def draw(self, height: int, width: int, generator: torch.Generator) -> Tensor:
        """(C, height, width) on the CPU."""
        channels = len(self._kernel)
        white = torch.randn((channels, height, width), generator=generator)
        if self._kernel.shape[-1] == 1 and channels == 1:
            return white
        if (height, width) not in self._roots:
            self._roots[height, width] = self._root(height, width)
        coloured = torch.einsum("yxcd,dyx->cyx", self._roots[height, width], torch.fft.fft2(white.double()))
        drawn: Tensor = torch.fft.ifft2(coloured).real.float()
        return drawn

    def _root(self, height: int, width: int) -> Tensor:
        reach = self._kernel.shape[-1] // 2
        placed = torch.zeros(*self._kernel.shape[:2], height, width, dtype=torch.float64)
        for down in range(-reach, reach + 1):
            for across in range(-reach, reach + 1):
                placed[:, :, down % height, across % width] += self._kernel[
                    :, :, down + reach, across + reach
                ]
        spectrum = torch.fft.fft2(placed).permute(2, 3, 1, 0)
        values, vectors = torch.linalg.eigh(0.5 * (spectrum + spectrum.mH))
        root: Tensor = vectors * values.clamp_min(0).sqrt().to(vectors.dtype)[..., None, :]
        return root
