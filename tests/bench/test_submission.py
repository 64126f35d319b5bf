"""DND's submission: 50 files of 20 crops, and nothing when one is missing."""

import json

import numpy as np
import pytest
from bench_pictures import noisy, save
from scipy.io import loadmat

from pellucid.bench import log, render


def rows(folder, count):
    save(noisy(), folder / "a.png")
    names = [f"{i:04}_{b:02}" for i in range(1, 51) for b in range(1, 21)][:count]
    about = {
        "set": "DND",
        "seed": 0,
        "method": "bm3d",
        "preset": "fast",
        "crop": None,
        "file": "a.png",
        "error": None,
    }
    lines = [json.dumps(about | {"image": name, "key": name}) for name in names]
    (folder / log.NAME).write_text("\n".join(lines) + "\n")


def test_all_crops_are_bundled(tmp_path):
    rows(tmp_path, 1000)
    assert render.dnd(tmp_path, "bm3d", tmp_path / "out") == 50
    assert len(list((tmp_path / "out").glob("*.mat"))) == 50
    told = loadmat(tmp_path / "out" / "0050.mat")
    assert told["Idenoised"].size == 20
    assert np.array_equal(np.rint(told["Idenoised"].flat[19] * 255), noisy())
    assert not told["israw"].item()
    assert told["eval_version"].item() == "1.0"


def test_missing_crops_and_methods_are_named(tmp_path):
    rows(tmp_path, 999)
    with pytest.raises(ValueError, match=r"1 of 1000 crops of bm3d are missing, the first is 0050_20"):
        render.dnd(tmp_path, "bm3d", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match=r"method must be one of bm3d"):
        render.dnd(tmp_path, "nlm", tmp_path / "out")
