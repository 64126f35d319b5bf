"""Counts of few photons on the command line: the advice for whole numbers, and who follows it."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from photon_counts import counts, loss


def test_whole_numbers_get_advice_that_works(run, tmp_path):
    """It is on stderr, names the option, and who follows it gets the fractions."""
    clean, noisy = counts(0.6)
    tifffile.imwrite(tmp_path / "counts.tif", noisy.astype(np.uint16))
    done = run("denoise", tmp_path / "counts.tif", "-o", tmp_path / "whole.tif")
    assert done.code == 0
    assert tifffile.imread(tmp_path / "whole.tif").dtype == np.uint16
    assert "few photons" in done.err
    assert "--dtype float32" in done.err
    again = run("denoise", tmp_path / "counts.tif", "-o", tmp_path / "out.tif", "--dtype", "float32")
    assert again.code == 0
    assert "--dtype" not in again.err
    found = tifffile.imread(tmp_path / "out.tif")
    assert found.dtype == np.float32
    assert found.mean() == pytest.approx(noisy.mean(), rel=1e-3)
    assert loss(clean, found) < 0.3 * loss(clean, tifffile.imread(tmp_path / "whole.tif"))


def test_a_png_of_floats_is_refused_before_the_work(run, tmp_path):
    Image.fromarray(counts(2.0)[1].astype(np.uint8)).save(tmp_path / "counts.png")
    done = run("denoise", tmp_path / "counts.png", "-o", tmp_path / "out.png", "--dtype", "float32")
    assert done.code == 1
    assert ".tif" in done.err
    assert run("denoise", tmp_path / "counts.png", "-o", tmp_path / "out.tif", "--dtype", "float32").code == 0
    assert tifffile.imread(tmp_path / "out.tif").dtype == np.float32
