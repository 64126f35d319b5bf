"""What a file is made of survives `pellucid denoise`: depth, shape, alpha, profile, axes, resolution."""

import numpy as np
import pytest
import tifffile
from cli_pictures import SIZE, noisy_array
from PIL import Image as Pillow
from PIL import ImageCms

GRAY = noisy_array()[..., 1]
DEEP = GRAY.astype(np.uint16) * 16  # 12 bits
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def denoise(run, path, out, *flags):
    done = run("denoise", path, "-o", out, "--method", "nlm", "--json", *flags)
    assert done.code == 0, done.err
    return done.json


def smoother(estimate, noisy) -> bool:
    """Whether neighbours differ less than before, which noise removal must bring about."""
    steps = [np.abs(np.diff(np.asarray(a, dtype=float), axis=-1)).mean() for a in (estimate, noisy)]
    return bool(steps[0] < 0.8 * steps[1])


def test_png_16_bit_with_profile_and_resolution(run, tmp_path):
    path, out = tmp_path / "in.png", tmp_path / "out.png"
    Pillow.fromarray(DEEP).save(path, icc_profile=PROFILE, dpi=(150, 150))
    record = denoise(run, path, out)
    with Pillow.open(out) as picture:
        estimate = np.asarray(picture)
        assert picture.info["icc_profile"] == PROFILE
        assert picture.info["dpi"] == pytest.approx((150, 150), abs=0.1)
    assert (estimate.dtype, estimate.shape) == (np.uint16, DEEP.shape)
    assert smoother(estimate, DEEP)
    ratio = record["noise"]["sigma_file_units"][0] / record["noise"]["sigma"][0]
    assert ratio == pytest.approx(4095)  # the smallest depth that holds the picture


def test_alpha_comes_back_untouched(run, tmp_path):
    path, out = tmp_path / "in.png", tmp_path / "out.png"
    rgba = np.dstack([noisy_array(), np.arange(SIZE * SIZE, dtype=np.uint8).reshape(SIZE, SIZE)])
    Pillow.fromarray(rgba).save(path)
    denoise(run, path, out)
    with Pillow.open(out) as picture:
        estimate = np.asarray(picture)
    assert estimate.shape == rgba.shape
    assert (estimate[..., 3] == rgba[..., 3]).all()
    assert (estimate[..., :3] != rgba[..., :3]).any()


def test_palette_comes_back_as_rgb_with_a_note(run, tmp_path):
    path, out = tmp_path / "in.png", tmp_path / "out.png"
    Pillow.fromarray(noisy_array()).quantize(64).save(path)
    record = denoise(run, path, out)
    with Pillow.open(out) as picture:
        assert picture.mode == "RGB"
    assert any("palette" in warning.lower() for warning in record["warnings"])


def test_imagej_stack(run, tmp_path):
    path, out = tmp_path / "in.tif", tmp_path / "out.tif"
    stack = np.stack([DEEP, DEEP[::-1], DEEP[:, ::-1]])
    tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "ZYX", "spacing": 0.3, "unit": "um"})
    record = denoise(run, path, out)
    with tifffile.TiffFile(out) as file:
        estimate = file.asarray()
        assert file.is_imagej
        assert file.series[0].axes == "ZYX"
        assert file.imagej_metadata["spacing"] == 0.3
    assert (estimate.dtype, estimate.shape) == (np.uint16, stack.shape)
    assert len(record["noise"]["sigma"]) == 1  # one report for the stack
    for ours, noisy in zip(estimate, stack, strict=True):
        assert smoother(ours, noisy)
        assert np.corrcoef(ours.ravel(), noisy.ravel())[0, 1] > 0.5  # the order is kept


def test_float_tiff_is_neither_rounded_nor_clipped(run, tmp_path):
    path, out = tmp_path / "in.tif", tmp_path / "out.tif"
    noisy = (np.random.default_rng(0).normal(0, 0.1, (SIZE, SIZE)) + 0.02).astype(np.float32)
    tifffile.imwrite(path, noisy)
    denoise(run, path, out)
    estimate = tifffile.imread(out)
    assert estimate.dtype == np.float32
    assert len(np.unique(estimate)) > 1000
    assert estimate.mean() == pytest.approx(noisy.mean(), abs=1e-4)


def test_npy(run, tmp_path):
    path, out = tmp_path / "in.npy", tmp_path / "out.npy"
    np.save(path, GRAY)
    denoise(run, path, out)
    estimate = np.load(out)
    assert (estimate.dtype, estimate.shape) == (GRAY.dtype, GRAY.shape)
    assert smoother(estimate, GRAY)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2)])
def test_tiny_pictures(run, tmp_path, shape):
    path, out = tmp_path / "in.png", tmp_path / "out.png"
    Pillow.fromarray(GRAY[: shape[0], : shape[1]]).save(path)
    assert run("denoise", path, "-o", out).code == 0
    with Pillow.open(out) as picture:
        assert picture.size == shape[::-1]


def test_mean_of_the_written_file_is_kept(run, photo, tmp_path):
    denoise(run, photo, tmp_path / "out.png")
    with Pillow.open(photo) as before, Pillow.open(tmp_path / "out.png") as after:
        assert np.asarray(after).mean((0, 1)) == pytest.approx(np.asarray(before).mean((0, 1)), rel=0.002)
