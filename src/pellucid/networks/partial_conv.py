"""Partial convolution: a convolution that knows which of its pixels are missing."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from pellucid import checks


class PartialConvolution(nn.Module):
    """y = W (m ⊙ x) / share + b, with the share of the pixels under the kernel that are known.

    Missing pixels and what lies beyond the border count alike: they are left out, and the sum is scaled up
    for them. Where nothing is known the result is 0 and stays unknown.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: side of the kernel, odd.

    Source: Liu et al., "Image Inpainting for Irregular Holes Using Partial Convolutions", ECCV 2018, equation
    1, with the share taken over all channels: a mask may differ from channel to channel.

    >>> import torch
    >>> convolution = PartialConvolution(1, 1)
    >>> _ = nn.init.ones_(convolution.weights.weight)
    >>> out, known = convolution(torch.ones(1, 1, 3, 3), torch.eye(3).view(1, 1, 3, 3))
    >>> out.detach().flatten()  # a constant stays a constant, whatever is missing
    tensor([9., 9., 9., 9., 9., 9., 9., 9., 9.])
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3) -> None:
        super().__init__()
        checks.in_range("kernel", kernel, 1)
        if kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, got {kernel}. Use {kernel + 1}.")
        self.kernel = kernel
        self.weights = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bias = nn.Parameter(self.weights.weight.new_zeros(outputs, 1, 1))

    def forward(self, image: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """The result (B, outputs, H, W), and where something was known (B, 1, H, W).

        Args:
            image: (B, inputs, H, W).
            known: (B, inputs or 1, H, W), 1 or 0; unknown pixels may hold anything finite.
        """
        share = avg_pool2d(known.mean(1, keepdim=True), self.kernel, 1, self.kernel // 2)
        seen = (share > 0).to(image.dtype)
        # Any share is at least one pixel of one channel; the bound only keeps 0 / 0 out.
        sums = self.weights(image * known) / share.clamp_min(1e-6)
        return (sums + self.bias) * seen, seen
