"""`pellucid inpaint` and `upscale` on files: sizes, metadata, masks, errors, JSON."""

import json

import numpy as np
import pytest
import tifffile
from cli_pictures import SIZE, clean_array
from PIL import Image as Pillow

from pellucid import files


@pytest.fixture
def mask(tmp_path):
    array = np.zeros((SIZE, SIZE), np.uint8)
    array[5:8, 4:-4] = 255
    path = tmp_path / "mask.png"
    Pillow.fromarray(array).save(path)
    return path


def test_inpaint_fills_only_the_mask(run, photo, mask, clean, tmp_path):
    out = tmp_path / "whole.png"
    done = run(
        "inpaint", photo, "--mask", mask, "-o", out, "--method", "biharmonic", "--json", "--reference", clean,
        "--report", tmp_path / "page.html",
    )  # fmt: skip
    assert done.code == 0, done.err
    before, after, hidden = (files.to_array(files.read(p)) for p in (photo, out, mask))
    assert np.array_equal(before[hidden == 0], after[hidden == 0])
    assert not np.array_equal(before[hidden > 0], after[hidden > 0])
    assert done.json["method"] == "biharmonic"
    assert done.json["psnr"] > 0
    assert files.read(out).metadata["dpi"] == pytest.approx((300, 300), rel=0.01)
    assert (tmp_path / "page.html").exists()


def test_inpaint_takes_a_mask_for_all_or_one_each(run, photos, tmp_path):
    masks = []
    for i in range(3):
        array = np.zeros((SIZE, SIZE), np.uint8)
        array[4 + i : 6 + i, 4:9] = 255
        masks.append(tmp_path / f"m{i}.tif")
        tifffile.imwrite(masks[-1], array)
    asked = ("--method", "biharmonic", "--overwrite", "-o", tmp_path / "out")
    assert run("inpaint", *photos, "--mask", *masks, *asked).code == 0
    assert run("inpaint", *photos, "--mask", masks[0], *asked).code == 0
    done = run("inpaint", *photos, "--mask", *masks[:2], *asked)
    assert done.code == 2
    assert "--mask needs 1 or 3 images, got 2" in done.err


def test_wrong_masks_fail_their_input_in_one_line(run, photo, clean, tmp_path):
    black, small = tmp_path / "black.png", tmp_path / "small.png"
    Pillow.fromarray(np.zeros((SIZE, SIZE), np.uint8)).save(black)
    Pillow.fromarray(np.full((3, 3), 255, np.uint8)).save(small)
    for mask, words in (
        (black, "White is missing"),
        (small, "mask must have the shape"),
        ("no.png", "no.png"),
    ):
        done = run("inpaint", photo, "--mask", mask, "-o", tmp_path / "o.png", "--method", "biharmonic")
        assert done.code == 1
        assert words in done.err
        assert len(done.err.strip().splitlines()) == 1
        assert not (tmp_path / "o.png").exists()
    assert run("inpaint", photo, "-o", tmp_path / "o.png").code == 2  # no mask at all


def test_a_mask_of_the_other_convention_needs_a_word(run, photo, mask, tmp_path):
    other, out = tmp_path / "other.png", tmp_path / "o.png"
    Pillow.fromarray(255 - np.asarray(Pillow.open(mask))).save(other)
    asked = ("inpaint", photo, "--mask", other, "-o", out, "--method", "biharmonic")
    done = run(*asked)
    assert done.code == 1
    assert "--white known" in done.err
    assert not out.exists()
    assert run(*asked, "--white", "known").code == 0
    assert run("inpaint", photo, "--mask", mask, "-o", tmp_path / "p.png", "--method", "biharmonic").code == 0
    assert out.read_bytes() == (tmp_path / "p.png").read_bytes()


def test_upscale_scales_what_speaks_of_the_size(run, tmp_path):
    colour = np.random.default_rng(0).integers(0, 255, (12, 10, 4), np.uint8)
    path, out = tmp_path / "in.png", tmp_path / "out.png"
    exif = Pillow.Exif()
    exif[0x8769] = {40962: 10, 40963: 12}
    Pillow.fromarray(colour).save(path, dpi=(100, 100), exif=exif, icc_profile=b"profile")
    done = run("upscale", path, "--factor", 4, "-o", out, "--method", "bicubic", "--json")
    assert done.code == 0, done.err
    with Pillow.open(out) as large:
        assert large.size == (40, 48)
        assert large.mode == "RGBA"
        assert large.info["dpi"] == pytest.approx((400, 400), rel=0.01)
        assert large.info["icc_profile"] == b"profile"
        assert dict(large.getexif().get_ifd(0x8769)) == {40962: 40, 40963: 48}
    assert json.dumps(done.json)


@pytest.mark.parametrize("ome", [False, True])
def test_upscale_of_a_tiff_stack(run, tmp_path, ome):
    stack = np.random.default_rng(0).integers(0, 4000, (3, 12, 10), np.uint16)
    path, out = (
        tmp_path / ("in.ome.tif" if ome else "in.tif"),
        tmp_path / ("out.ome.tif" if ome else "out.tif"),
    )
    extra = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5} if ome else {}
    tifffile.imwrite(
        path, stack, ome=ome, resolution=(50, 50), photometric="minisblack", metadata={"axes": "ZYX"} | extra
    )
    done = run("upscale", path, "--factor", 2, "-o", out, "--method", "lanczos")
    assert done.code == 0, done.err
    with tifffile.TiffFile(out) as file:
        assert file.series[0].shape == (3, 24, 20)
        assert file.series[0].axes == "ZYX"
        assert file.pages[0].tags[282].value[0] / file.pages[0].tags[282].value[1] == 100
        if ome:
            assert 'PhysicalSizeX="0.25"' in file.ome_metadata
    back = files.read(out)
    assert back.dtype == "uint16"
    assert back.pixels.shape == (3, 1, 24, 20)


def test_upscale_scores_and_report_compare_with_bicubic(run, clean, tmp_path):
    small = tmp_path / "s.png"
    half = (SIZE // 2, SIZE // 2)
    Pillow.fromarray(clean_array()).resize(half, Pillow.Resampling.LANCZOS).save(small)
    done = run(
        "upscale", small, "--method", "bicubic", "-o", tmp_path / "l.png", "--json", "--reference", clean,
        "--report", tmp_path / "r.html",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.json["psnr"] == pytest.approx(done.json["noisy_psnr"], abs=0.05)
    assert (
        run("upscale", small, "--method", "bicubic", "-o", tmp_path / "x.png", "--reference", small).code == 1
    )


def test_wrong_usage_is_2(run, photo, tmp_path):
    out = tmp_path / "o.png"
    for words in (
        ("--factor", "3"),
        ("--method", "bm3d"),
        ("--method", "bicubic", "--iterations", "3"),
        ("--iterations", "3"),
        ("--sigma", "0.1"),
    ):
        assert run("upscale", photo, "-o", out, *words).code == 2, words


def test_guide_on_the_command_line(run, photo, clean, tmp_path):
    asked = ("--method", "dip", "--preset", "flash-fast", "--iterations", "2")
    assert run("denoise", photo, "--guide", clean, "-o", tmp_path / "a.png", *asked).code == 0
    done = run("denoise", photo, "-o", tmp_path / "b.png", *asked)
    assert done.code == 1
    assert "needs a guide picture" in done.err
    done = run("denoise", photo, "--guide", clean, "-o", tmp_path / "c.png", "--method", "nlm")
    assert done.code == 2
    assert "guide does not apply to method nlm" in done.err
