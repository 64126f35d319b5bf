"""`pellucid restore` on files: the mask beside the output, taken back, never overwritten unasked."""

import numpy as np
import pytest
from PIL import Image as Pillow
from skimage import data

from pellucid import files


def scratched() -> np.ndarray:
    """The cat with light scratches and dust."""
    picture = data.chelsea().copy()
    draw = np.random.default_rng(4)
    for _ in range(8):
        start = draw.uniform(20, 250, 2)
        angle = draw.uniform(0, np.pi)
        for step in np.arange(0, 90, 0.5):
            row, column = (start + step * np.array([np.sin(angle), np.cos(angle)])).astype(int)
            picture[row : row + 2, column : column + 2] = 252
    for row, column in draw.integers(5, 290, (25, 2)):
        picture[row : row + 3, column : column + 3] = 252
    return picture


@pytest.fixture
def print_(tmp_path):
    path = tmp_path / "print.png"
    Pillow.fromarray(scratched()).save(path, dpi=(300, 300))
    return path


def test_the_mask_lies_beside_the_output_and_can_be_edited(run, print_, tmp_path):
    out, mask = tmp_path / "whole.png", tmp_path / "whole.mask.png"
    asked = ("restore", print_, "-o", out, "--method", "nlm")
    done = run(*asked, "--json")
    assert done.code == 0, done.err
    assert done.json["mask"] == str(mask)
    found = files.to_array(files.read(mask))
    assert set(np.unique(found)) == {0, 255}
    assert done.json["filled"] == pytest.approx((found > 0).mean(), abs=1e-5)
    edited = found.copy()
    edited[:, : edited.shape[1] // 2] = 0
    Pillow.fromarray(edited).save(mask)
    again = run(*asked, "--overwrite", "--mask", mask, "--json")
    assert again.code == 0, again.err
    assert again.json["mask"] is None
    assert np.array_equal(files.to_array(files.read(mask)), edited)  # what a person drew stays
    assert again.json["filled"] == pytest.approx((edited > 0).mean(), abs=1e-5)


def test_a_mask_that_exists_is_not_replaced_unasked(run, print_, tmp_path):
    out, mask = tmp_path / "whole.png", tmp_path / "whole.mask.png"
    mask.write_bytes(b"drawn by hand")
    done = run("restore", print_, "-o", out, "--method", "nlm")
    assert done.code == 1
    assert f"--mask {mask}" in done.err
    assert mask.read_bytes() == b"drawn by hand"
    assert not out.exists()


def test_without_damage_the_mask_is_empty(run, tmp_path):
    photo, out = tmp_path / "cat.png", tmp_path / "o.png"
    Pillow.fromarray(data.chelsea()).save(photo)
    done = run("restore", photo, "-o", out, "--method", "nlm", "--json")
    assert done.code == 0, done.err
    assert done.json["filled"] == 0
    mask = tmp_path / "o.mask.png"
    assert not files.to_array(files.read(mask)).any()
    assert run("restore", photo, "-o", out, "--method", "nlm", "--overwrite", "--mask", mask).code == 0


def test_a_page(run, tmp_path):
    photo, out = tmp_path / "page.png", tmp_path / "o.png"
    Pillow.fromarray(data.page()).save(photo)
    done = run("restore", photo, "--document", "-o", out)
    assert done.code in (0, 3), done.err
    assert not (tmp_path / "o.mask.png").exists()
    assert "paper was evened out" in done.err
