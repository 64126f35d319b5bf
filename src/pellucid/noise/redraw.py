"""Noise like that of a report, drawn anew."""

from __future__ import annotations

import torch
from torch import Tensor

from pellucid.noise.report import NoiseReport


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
