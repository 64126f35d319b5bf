"""Public sets that cannot be had here, laid out as they come and drawn: found, run, scored, bundled."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pillow
from scipy.io import loadmat
from skimage import data

from pellucid.bench import log

RNG = np.random.default_rng(0)


def written(path, pixels: np.ndarray, sigma: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noisy = pixels + sigma * RNG.standard_normal(pixels.shape)
    Pillow.fromarray(noisy.clip(0, 255).round().astype(np.uint8)).save(path)


def nind(root) -> None:
    """A folder per scene, several pictures of the lowest ISO, one or more of the others, a JPEG of one."""
    for name, place in (("bark", 100), ("shells", 200)):
        scene = data.astronaut()[place : place + 40, 180:220].astype(float)
        for iso, number, sigma in ((200, 1, 0), (200, 2, 1), (3200, 1, 12), (6400, 1, 20), (6400, 2, 20)):
            written(root / "NIND" / name / f"NIND_{name}_ISO{iso}-{number}.png", scene, sigma)
    written(root / "NIND" / "shells" / "NIND_shells_ISOH1.jpg", scene, 30)


def fmd(root) -> None:
    """8-bit gray pictures of the mixed test set, at all levels beside their truth."""
    for name in ("Confocal_FISH_1", "TwoPhoton_BPAE_R_1", "WideField_BPAE_B_1"):
        cell = data.camera()[60:100, 180:220].astype(float)
        for level, sigma in (("raw", 24), ("avg2", 17), ("avg4", 12), ("avg8", 8), ("avg16", 6), ("gt", 0)):
            written(root / "FMD" / "test_mix" / level / f"{name}.png", cell, sigma)


def dnd(root) -> None:
    """All 1000 crops, tiny."""
    crop = data.astronaut()[100:108, 180:188].astype(float)
    for image in range(1, 51):
        for box in range(1, 21):
            written(root / "DND" / f"{image:04}_{box:02}.png", crop, 9)


@pytest.mark.slow
def test_nind_and_fmd(run, tmp_path):
    nind(tmp_path)
    fmd(tmp_path)
    sets, out = "NIND,FMD,FMD-IDDP", tmp_path / "results"
    words = ("--methods", "noisy,median", "--data-root", tmp_path, "--threads", 1)
    done = run("bench", "run", "--data", sets, *words, "-o", out)
    assert done.code == 0
    rows = [r for r in log.read(out).values() if r["method"] == "median"]
    assert all(r["error"] is None and 15 < r["psnr"] < 45 for r in rows)
    counts = {name: sum(r["set"] == name for r in rows) for name in sets.split(",")}
    assert counts == {"NIND": 5, "FMD": 15, "FMD-IDDP": 5}
    table = run("bench", "table", out).out
    assert all(name in table for name in counts)


@pytest.mark.slow
def test_dnd_has_no_scores_and_is_bundled_for_its_server(run, tmp_path):
    dnd(tmp_path)
    out = tmp_path / "results"
    words = ("--methods", "median", "--data-root", tmp_path, "--threads", 1, "-o", out)
    assert run("bench", "run", "--data", "DND", *words, "--limit", 3).code == 0
    assert all(r["psnr"] is None for r in log.read(out).values())
    early = run("bench", "submit", out, "--method", "median", "-o", tmp_path / "sent")
    assert early.code == 2
    assert "997 of 1000 crops of median are missing, the first is 0001_04" in early.err
    assert run("bench", "run", "--data", "DND", *words).code == 0
    assert run("bench", "submit", out, "--method", "median", "-o", tmp_path / "sent").code == 0
    last = loadmat(tmp_path / "sent" / "0050.mat")["Idenoised"].flat[19]
    assert last.shape == (8, 8, 3)
    assert 0 <= last.min() < last.max() <= 1
