"""Pages: the paper goes white, the strokes stay; Pillow draws them."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from pellucid.damage import paper


def page(size: int = 18) -> np.ndarray:
    """(H, W) from 0 to 1: lines of text."""
    sheet = Image.new("L", (360, 200), 255)
    font = ImageFont.load_default(size=size)
    for top in range(8, 180, 2 * size):
        ImageDraw.Draw(sheet).text((10, top), "Strokes are kept, stains are not", fill=25, font=font)
    return np.asarray(sheet, np.float32) / 255


def stained(clean: np.ndarray, seed: int = 0) -> np.ndarray:
    """The page on darker paper with a stain of a sharp rim, unevenly lit, with grain."""
    rows, columns = np.mgrid[: clean.shape[0], : clean.shape[1]]
    stain = np.where((rows - 90) ** 2 + (columns - 150) ** 2 < 70**2, 0.55, 1.0)
    light = 0.75 + 0.2 * columns / clean.shape[1]
    draw = np.random.default_rng(seed)
    return (clean * gaussian_filter(stain, 1) * light + draw.normal(0, 0.01, clean.shape)).astype(np.float32)


def test_the_paper_is_white_and_the_strokes_are_where_they_were():
    clean = page()
    given = stained(clean)
    made = paper.evened(given[None])
    ink, blank = clean < 0.4, clean > 0.99
    assert made.pixels.shape == (1, *clean.shape)
    assert np.median(made.pixels[0][blank]) == 1.0
    assert np.percentile(made.pixels[0][blank], 2) > 0.75
    assert made.pixels[0][ink].mean() < 0.35
    before, after = (np.sqrt(np.square(x - clean).mean()) for x in (given, made.pixels[0]))
    assert after < 0.3 * before
    assert made.darkest < 0.7


def test_larger_strokes_are_covered_too():
    clean = page(18).repeat(3, 0).repeat(3, 1)
    made = paper.evened(stained(page()).repeat(3, 0).repeat(3, 1)[None])
    assert 2 < made.stroke < 12
    assert made.pixels[0][clean < 0.4].mean() < 0.35
    assert np.median(made.pixels[0][clean > 0.99]) == 1.0


def test_a_blank_page_and_a_black_one_are_no_trouble():
    for value in (0.0, 0.5, 1.0):
        made = paper.evened(np.full((3, 20, 30), value, np.float32))
        assert np.isfinite(made.pixels).all()
        assert made.pixels.min() >= 0
        assert made.pixels.max() <= 1
