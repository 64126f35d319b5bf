"""The plain chain: its layers, its reach, any size."""

import torch

from pellucid.networks.chains import Plain


def test_reach_is_one_pixel_per_layer() -> None:
    """A pixel of the code changes the picture within `layers` pixels of it and nowhere else."""
    network = Plain(1, 1, layers=3, width=4).eval()  # with running statistics: the batch's would reach all
    code = torch.rand(1, 1, 15, 15, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(code)[0, 0, 7, 7], code)
    seen = gradient[0, 0].abs() > 0
    assert bool(seen[4:11, 4:11].all())
    seen[4:11, 4:11] = False
    assert not bool(seen.any())


def test_any_size() -> None:
    for size in ((1, 1), (1, 5), (7, 3)):
        assert Plain(2, 3, layers=2)(torch.rand(1, 2, *size)).shape == (1, 3, *size)
