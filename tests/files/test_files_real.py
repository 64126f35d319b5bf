"""Real files (PELLUCID_DATA): each is read and comes back with the same pixels, or says why not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from pellucid.files import lossless, read, to_array, write

ROOT = Path(os.environ.get("PELLUCID_DATA", Path(__file__).parents[3] / "shared" / "data"))
FOLDERS = ("microscopy", "restore", "noisy_only")
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not ROOT.is_dir(), reason="PELLUCID_DATA names no folder with the real images"),
]


def pictures(folder: str) -> list[Path]:
    found = sorted(p for p in (ROOT / folder).rglob("*") if p.suffix in (".png", ".jpg", ".tif", ".bmp"))
    return found[:1] + found[1 : -1 : max(1, len(found) // 12)] + found[-1:]


@pytest.mark.parametrize("folder", FOLDERS)
def test_real_files_come_back(tmp_path: Path, folder: str) -> None:
    paths = pictures(folder)
    assert paths
    for path in paths:
        if path.name.startswith("volume3d"):  # floats up to 255
            with pytest.raises(ValueError, match="data_range=255"):
                read(path)
            image = read(path, data_range=255)
        else:
            image = read(path)
        out = tmp_path / f"out.{lossless(image.format)}"
        assert write(image, out, format=lossless(image.format)) == ()
        again = read(out, data_range=image.scale if image.dtype.startswith("float") else None)
        np.testing.assert_array_equal(to_array(again), to_array(image))
        assert (again.dtype, again.axes, again.color) == (image.dtype, image.axes, image.color)
