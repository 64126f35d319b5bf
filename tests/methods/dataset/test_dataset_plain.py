"""Borders against NumPy."""

import numpy as np
import pytest
import torch

from pellucid import seeds
from pellucid.methods.dataset.plain import bordered


@pytest.mark.parametrize(("shape", "width"), [((5, 7), 3), ((2, 3), 1), ((9, 4), 3)])
def test_border_is_numpys_reflection(shape: tuple[int, int], width: int) -> None:
    picture = torch.rand(1, 2, *shape, generator=seeds.generator(1))
    wanted = np.pad(picture.numpy(), ((0, 0), (0, 0), (width, width), (width, width)), mode="reflect")
    np.testing.assert_array_equal(bordered(picture, width), wanted)
