"""Shared losses against NumPy."""

import numpy as np
import pytest
import torch

from pellucid.losses import mean_square


def test_mean_square_is_numpys_average() -> None:
    output, target = torch.rand(2, 3, 5, 4), torch.rand(2, 3, 5, 4)
    weight = (torch.rand(5, 4) > 0.4).float()
    squares = np.square(output.numpy() - target.numpy())
    assert mean_square(output, target).numpy() == pytest.approx(squares.mean(axis=(1, 2, 3)), rel=1e-5)
    weights = np.broadcast_to(weight.numpy(), (3, 5, 4))
    expected = [np.average(image, weights=weights) for image in squares]
    assert mean_square(output, target, weight).numpy() == pytest.approx(expected, rel=1e-5)


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="output must have the shape of target"):
        mean_square(torch.zeros(3, 4, 4), torch.zeros(1, 4, 4))
    with pytest.raises(ValueError, match="weight must have the shape of image"):
        mean_square(torch.zeros(3, 4, 4), torch.zeros(3, 4, 4), torch.zeros(4, 5))
