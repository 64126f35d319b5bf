"""Motion between frames, against motions that are known."""

import pytest
import torch
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage import data

from pellucid.shots import flow

SIDE = 96
PICTURE = gaussian_filter(data.camera().astype(float), 1.0) / 255


def seen(down: torch.Tensor, across: torch.Tensor) -> torch.Tensor:
    """(1, SIDE, SIDE) of the picture, each pixel taken from a place moved so far."""
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    found = map_coordinates(PICTURE, [(y + 90 + down).numpy(), (x + 170 + across).numpy()], order=3)
    return torch.from_numpy(found).float()[None]


def noisy(frame: torch.Tensor, seed: int, level: float = 0.04) -> torch.Tensor:
    return frame + level * torch.randn(frame.shape, generator=torch.Generator().manual_seed(seed))


STILL = seen(torch.zeros(SIDE, SIDE), torch.zeros(SIDE, SIDE))


@pytest.mark.parametrize(("down", "across"), [(0.5, -0.25), (2.5, 1.75)])
def test_a_shift_by_part_of_a_pixel_is_found_in_noise(down, across):
    moved = seen(torch.full((SIDE, SIDE), -down), torch.full((SIDE, SIDE), -across))
    one, two = (flow.pyramid(noisy(f, i)) for i, f in enumerate((STILL, moved)))
    found = flow.between(one, two, (0.0, 0.0), 2 * 0.04**2)[:, 4:-4, 4:-4]
    assert float(found[0].median()) == pytest.approx(down, abs=0.2)
    assert float(found[1].median()) == pytest.approx(across, abs=0.2)


def test_a_turn_is_followed_and_two_motions_make_a_third():
    y, x = torch.meshgrid(torch.arange(SIDE) - 48.0, torch.arange(SIDE) - 48.0, indexing="ij")
    frames = [seen(-0.02 * t * x, 0.02 * t * y) for t in range(3)]
    one, two, three = (flow.pyramid(frame) for frame in frames)
    nothing = (0.0, 0.0)
    first, second = flow.between(one, two, nothing, 1e-6), flow.between(two, three, nothing, 1e-6)
    both = flow.then(first, second)
    before = (frames[0] - frames[2])[:, 8:-8, 8:-8].square().mean()
    after = (frames[0] - flow.at(frames[2], flow.enlarged(both, flow.CELL), cubic=True))[:, 8:-8, 8:-8]
    assert float(after.square().mean()) < 0.05 * float(before)


def test_noise_moves_little():
    one, two = (flow.pyramid(noisy(STILL, i, 0.1)) for i in range(2))
    found = flow.between(one, two, (0.0, 0.0), 2 * 0.1**2)
    assert float(found.norm(dim=0).median()) < 0.15


def test_interpolation_is_that_of_scipy():
    picture = torch.rand(1, 20, 24, generator=torch.Generator().manual_seed(0))
    y, x = torch.meshgrid(torch.arange(20), torch.arange(24), indexing="ij")
    move = torch.stack([torch.full((20, 24), 0.3), torch.full((20, 24), -0.6)])
    expected = map_coordinates(
        picture[0].numpy(), [(y + 0.3).numpy(), (x - 0.6).numpy()], order=1, mode="nearest"
    )
    assert torch.allclose(flow.at(picture, move)[0], torch.from_numpy(expected), atol=1e-5)
