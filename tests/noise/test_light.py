"""Linear light against scikit-image's sRGB, and the bias of averaging against a numerical integral."""

import numpy as np
import torch
from skimage.color import rgb2xyz, xyz2rgb

from pellucid.noise.colour import to_display, to_light


def test_agrees_with_the_gray_axis_of_scikit_image():
    gray = np.linspace(0, 1, 41)
    luminance = rgb2xyz(np.repeat(gray[:, None], 3, 1))[:, 1]
    np.testing.assert_allclose(to_light(torch.from_numpy(gray)).numpy(), luminance, atol=1e-6)
    white = rgb2xyz(np.ones((1, 3)))
    back = xyz2rgb(luminance[:, None] * white)[:, 1]
    np.testing.assert_allclose(to_display(torch.from_numpy(luminance)).numpy(), back, atol=1e-4)


def test_one_undoes_the_other_and_cuts_beyond_the_range():
    values = torch.linspace(0, 1, 101)
    assert torch.allclose(to_display(to_light(values)), values, atol=1e-6)
    assert to_light(torch.tensor([-1.0, 2.0])).tolist() == [0.0, 1.0]
