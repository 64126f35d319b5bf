"""The noise of a photograph: what a camera does between the sensor and the JPEG file."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor
from torch.nn.functional import conv2d, pad

from pellucid.noise import draws
from pellucid.noise.colour import to_display, to_light
from pellucid.noise.draws import Level


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Shot and read noise on a Bayer mosaic, then demosaicing, gamma, clipping and JPEG.

    x is taken back to linear light (inverse sRGB gamma) and to the sensor's channels (white balance), sampled
    on an RGGB mosaic, made noisy, and developed again. One channel is a monochrome camera without a mosaic.
    Demosaicing is bilinear and blurs; compare with `reference`, the same pipeline without noise and JPEG.

    Attributes:
        peak: photons that make white.
        read: standard deviation of the read noise, working units of linear light.
        quality: of the JPEG, 1 to 100; 0 for none (and no rounding to 8 bits).
        balance: white-balance gains of R, G and B.
    """

    peak: Level
    read: Level = 0.0
    quality: int = 0
    balance: tuple[float, float, float] = (2.0, 1.0, 1.6)

    def __post_init__(self) -> None:
        draws.check("peak", self.peak, low_open=True)
        draws.check("read", self.read)
        draws.check("quality", self.quality, high=100)

    def apply(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Photograph (..., C, H, W), C 1 or 3.

        Raises:
            ValueError: for another number of channels.
        """
        raw = self._expose(clean)
        peak = draws.level(self.peak, clean, generator)
        read = draws.level(self.read, clean, generator)
        noisy = draws.poisson(peak * raw, generator) / peak
        noisy = noisy + read * draws.normal(tuple(raw.shape), raw, generator)
        picture = self._develop(noisy)
        return _jpeg(picture, int(self.quality)) if self.quality else picture

    def reference(self, clean: Tensor) -> Tensor:
        """What the camera makes of (..., C, H, W) without noise and JPEG: the truth for its pictures."""
        return self._develop(self._expose(clean))

    def _expose(self, clean: Tensor) -> Tensor:
        """Linear light on the sensor, each channel in its own units; the mosaic comes later."""
        if clean.shape[-3] not in (1, 3):
            raise ValueError(
                f"a camera photographs 1 or 3 channels, got {clean.shape[-3]}. "
                "Use 'poisson-gaussian' for others."
            )
        linear = to_light(clean)
        return linear / self._gains(linear)

    def _develop(self, raw: Tensor) -> Tensor:
        """Demosaic, white balance, clip, sRGB gamma."""
        full = _demosaic(raw) if raw.shape[-3] == 3 else raw
        return to_display(full * self._gains(full))

    def _gains(self, like: Tensor) -> Tensor:
        gains = self.balance if like.shape[-3] == 3 else (1.0,)
        return torch.tensor(gains, device=like.device).view(-1, 1, 1)


def _demosaic(raw: Tensor) -> Tensor:
    """Sample (..., 3, H, W) on an RGGB mosaic and fill the gaps with the mean of the nearest samples."""
    height, width = raw.shape[-2:]
    sampled = torch.zeros(3, height, width, device=raw.device)
    sampled[0, 0::2, 0::2] = 1
    sampled[1, 0::2, 1::2] = 1
    sampled[1, 1::2, 0::2] = 1
    sampled[2, 1::2, 1::2] = 1
    kernel = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]], device=raw.device).view(
        1, 1, 3, 3
    )

    def spread(planes: Tensor) -> Tensor:
        flat = planes.reshape(-1, 1, height, width)
        return conv2d(pad(flat, (1, 1, 1, 1)), kernel).reshape(planes.shape)

    filled = spread(raw * sampled) / spread(sampled).clamp(min=1e-6)
    return torch.where(sampled.bool(), raw, filled)


def _jpeg(picture: Tensor, quality: int) -> Tensor:
    """(..., C, H, W) through an 8-bit JPEG with full colour resolution."""
    planes = picture.reshape(-1, *picture.shape[-3:])
    bytes_ = (planes * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    decoded = np.empty_like(bytes_)
    for i, array in enumerate(bytes_):
        with io.BytesIO() as file:
            Pillow.fromarray(array.squeeze(-1) if array.shape[-1] == 1 else array).save(
                file, "JPEG", quality=quality, subsampling=0
            )
            with Pillow.open(file) as image:
                decoded[i] = np.asarray(image).reshape(array.shape)
    back = torch.from_numpy(decoded).permute(0, 3, 1, 2).to(torch.float32).div(255)
    return back.reshape(picture.shape).to(picture.device)
