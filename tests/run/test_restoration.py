"""`inpaint` and `upscale` in Python: what comes back, what is refused."""

import numpy as np
import pytest
import torch
from skimage import data, restoration

import pellucid
from pellucid import files


@pytest.fixture(scope="module")
def camera():
    return data.camera()[100:148, 200:264]


@pytest.fixture(scope="module")
def hole():
    missing = np.zeros((48, 64), bool)
    missing[20:24, 10:40] = True
    return missing


def test_known_pixels_come_back_bit_for_bit(camera, hole):
    for dtype in (np.uint8, np.uint16, np.float64):
        given = (
            camera.astype(dtype) * (257 if dtype == np.uint16 else 1) / (255 if dtype == np.float64 else 1)
        )
        given = given.astype(dtype)
        back = pellucid.inpaint(given, hole, "idbp", iterations=2)
        assert back.dtype == dtype
        assert np.array_equal(back[~hole], given[~hole])
        assert not np.array_equal(back[hole], given[hole])


def test_the_soft_option_touches_known_pixels(camera, hole):
    soft = pellucid.inpaint(camera, hole, "idbp", keep_known=False, iterations=1, set={"first": 0.1})
    assert not np.array_equal(soft[~hole], camera[~hole])


def test_what_is_under_the_mask_is_not_looked_at(camera, hole):
    for method in ("biharmonic", "idbp", "dip"):
        extra = {} if method == "biharmonic" else {"iterations": 2}
        one, two = (pellucid.inpaint(np.where(hole, v, camera), hole, method, **extra) for v in (0, 255))
        assert np.array_equal(one, two), method


def test_biharmonic_is_scikit_image_s(camera, hole):
    ours = pellucid.inpaint(camera / 255, hole, "biharmonic")
    theirs = restoration.inpaint_biharmonic(np.where(hole, 0, camera / 255), hole)
    assert np.abs(ours - theirs).max() < 1e-5


def test_masks_of_any_kind_mean_the_same(camera, hole):
    expected = pellucid.inpaint(camera, hole, "biharmonic")
    for mask in (
        hole.astype(np.uint8),
        hole.astype(np.uint8) * 255,
        hole.astype(np.float32),
        np.repeat(hole[..., None], 3, -1).astype(np.uint8) * 255,
        torch.from_numpy(hole),
        files.from_array(hole.astype(np.uint16) * 65535),
    ):
        assert np.array_equal(pellucid.inpaint(camera, mask, "biharmonic"), expected)


def test_masks_that_cannot_be_meant_are_refused(camera, hole):
    for mask, words in (
        (hole[:-1], r"mask must have the shape of image, \(48, 64\), got \(47, 64\)"),
        (np.zeros_like(hole), "got none. White is missing"),
        (np.ones_like(hole), "got all of them missing"),
    ):
        with pytest.raises(ValueError, match=words):
            pellucid.inpaint(camera, mask, "biharmonic")
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))
    result = pellucid.inpaint(camera, ramp, "biharmonic", return_result=True)
    assert "gray" in result.warnings[0]


def test_a_mask_by_which_nearly_all_is_missing_is_asked_about(camera, hole):
    asked = {"method": "biharmonic"}
    with pytest.raises(ValueError, match=r"leaves 3.9% of the pixels, as white is missing.*--white known"):
        pellucid.inpaint(camera, ~hole, **asked)
    right = pellucid.inpaint(camera, hole, **asked)
    assert np.array_equal(pellucid.inpaint(camera, ~hole, white="known", **asked), right)
    sparse = pellucid.inpaint(camera, ~hole, white="missing", **asked)
    assert np.array_equal(sparse[hole], camera[hole])
    assert np.array_equal(pellucid.inpaint(camera, hole, white="missing", **asked), right)


def test_colour_tensors_and_stacks(camera, hole):
    stack = torch.from_numpy(np.stack([camera, camera[::-1]])[:, None].copy())
    filled = pellucid.inpaint(stack, hole, "biharmonic")
    assert filled.shape == stack.shape
    assert filled.dtype == torch.uint8
    large = pellucid.upscale(stack, 2, "bicubic")
    assert large.shape == (2, 1, 96, 128)
    colour = np.stack([camera] * 3, -1)
    assert pellucid.upscale(colour, 4, "lanczos", channel_axis=-1).shape == (192, 256, 3)


def test_methods_are_kept_to_their_verbs(camera, hole):
    with pytest.raises(ValueError, match="biharmonic cannot denoise; it is for inpaint"):
        pellucid.denoise(camera, "biharmonic")
    with pytest.raises(ValueError, match="bm3d cannot inpaint; it is for denoise"):
        pellucid.inpaint(camera, hole, "bm3d")
    with pytest.raises(ValueError, match="idbp cannot upscale"):
        pellucid.upscale(camera, 2, "idbp")
    with pytest.raises(ValueError, match="factor must be 2, 4 or 8, got 3"):
        pellucid.upscale(camera, 3, "bicubic")
    with pytest.raises(ValueError, match="guide does not apply to method bicubic"):
        pellucid.upscale(camera, 2, "bicubic", guide=camera)


def test_recipes_of_the_paper_are_presets_of_their_verb():
    from pellucid.request import Denoise, Inpaint, Upscale
    from pellucid.run import settle

    assert settle(Inpaint(method="dip", preset="hole", mask=None)).config.network == "vase"
    assert settle(Upscale(method="dip", preset="x8")).config.iterations == 4000
    assert settle(Denoise(method="dip", preset="jpeg")).config.iterations == 2400
    with pytest.raises(ValueError, match="preset must be one of"):
        settle(Denoise(method="dip", preset="hole"))


def test_a_guide_is_the_code(camera):
    guide = np.clip(camera.astype(float) * 1.2, 0, 255).astype(np.uint8)
    asked = {"preset": "flash-fast", "iterations": 3}
    one = pellucid.denoise(camera, "dip", guide=guide, **asked)
    two = pellucid.denoise(camera, "dip", guide=guide[::-1].copy(), **asked)
    assert one.shape == camera.shape
    assert not np.array_equal(one, two)
    with pytest.raises(ValueError, match="guide must have the shape"):
        pellucid.denoise(camera, "dip", guide=guide[:-1], **asked)


def test_upscaling_tells_the_size_and_learns_more_than_bicubic():
    clean = data.camera()[:192, 100:292]
    from pellucid.degradation import Downsample
    from pellucid.metrics import psnr

    small = Downsample(2).apply(torch.from_numpy(clean[None] / np.float32(255)))[0].numpy()
    plain = pellucid.upscale(small, 2, "bicubic")
    learnt = pellucid.upscale(small, 2, "zssr", iterations=60)
    gain = psnr(clean / 255, learnt, data_range=1) - psnr(clean / 255, plain, data_range=1)
    assert gain > 0.4
