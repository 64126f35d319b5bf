"""The pages for microscopy and for stained pages: their commands run on real data (PELLUCID_DATA)."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from skimage.io import imread, imsave

import pellucid
from pellucid import cli, files

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("PELLUCID_DATA", ROOT.parent / "shared" / "data"))
SIDE = 128
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason="PELLUCID_DATA names no folder with the real images"),
]


def save(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    files.write(files.from_array(pixels), path)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Small parts of the real pictures, under the names that the pages use."""
    monkeypatch.chdir(tmp_path)
    noisy, clean = (
        imread(DATA / f"microscopy/pairs/bacteria_myxo16_{kind}.png")[100 : 100 + SIDE, 100 : 100 + SIDE]
        for kind in ("noisy", "gt")
    )
    save(noisy, tmp_path / "cell.tif")
    for name in "abc":
        save(np.ascontiguousarray(noisy), tmp_path / "cells" / f"{name}.tif")
        noisy = np.rot90(noisy).copy()
    rng = np.random.default_rng(0)
    film = [38 * rng.poisson(clean / 38.0) for _ in range(8)]
    save(np.stack(film).astype(np.uint16), tmp_path / "film.tif")
    for kind, name in (("train", "pages"), ("train_cleaned", "cleaned")):
        (tmp_path / name).mkdir()
        for page in ("2", "5"):
            source = imread(DATA / f"real/documents/{kind}/{page}.png")
            imsave(tmp_path / name / f"{page}.png", source[:SIDE, :SIDE], check_contrast=False)
    page = imread(DATA / "real/documents/train/3.png")
    imsave(tmp_path / "page.png", page[:SIDE, :SIDE], check_contrast=False)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", ["microscopy", "documents"])
def test_commands_of_the_pages(page, folder, capsys):
    """Trainings of minutes run for two steps, and so does what is fitted to an image."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    commands = "".join(re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)).splitlines()
    assert len(commands) >= 2
    for line in commands:
        assert line.startswith("$ pellucid "), f"not a command: {line}"
        words = shlex.split(line)[2:]
        if "--seconds" in words:
            words = [*words[: words.index("--seconds")], "--steps", "2"]
        if "--adapt" in words:
            words += ["--set", "adapt.steps=2"]
        if words[0] != "inspect":
            words.append("--overwrite")
        with pytest.raises(SystemExit) as end:
            cli.main(words)
        fine = (0, None, 4) if words[0] == "train" else (0, None)  # 4: two steps are behind the default
        assert end.value.code in fine, (line, capsys.readouterr().err)
        if "-o" in words:
            assert Path(words[words.index("-o") + 1]).exists(), line


def test_the_law_of_photons_is_found_and_sums_are_kept(folder):
    whole = pellucid.inspect(pellucid.read(DATA / "microscopy/pairs/bacteria_myxo16_noisy.png"))
    assert whole.gain[0] * whole.scale == pytest.approx(38.7, rel=0.2)  # counts per photon, as the page says
    noisy = pellucid.read("cell.tif")
    result = pellucid.denoise(noisy, return_result=True)
    assert result.estimate.mean() == pytest.approx(noisy.pixels.mean(), rel=1e-3)


def test_a_model_taught_with_clean_pages_changes_the_brightness_and_says_so(folder):
    pellucid.train("supervised", "pages", "m.safetensors", pairs="cleaned", steps=60, held_out=0)
    page = pellucid.read("page.png")
    result = pellucid.denoise(page, model="m.safetensors", return_result=True)
    assert result.estimate.mean() > 1.03 * page.pixels.mean()
    assert any("learnt from its clean targets" in w for w in result.warnings)
