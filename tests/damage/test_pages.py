"""A page on uneven paper is told from pages on even paper and from all else; Pillow draws the pages."""

import numpy as np
import pytest
from skimage import data
from test_paper import page, stained

import pellucid
from pellucid.damage import pages


def test_the_darkest_paper_is_told_where_text_is_on_it():
    clean = page()
    columns = np.arange(clean.shape[1])
    assert pages.paper(clean[None]) == 1.0
    assert pages.note(clean[None]) == ""
    for dark in (0.4, 0.7):
        shade = np.where(columns < 180, 1.0, dark).astype(np.float32)
        grain = np.random.default_rng(0).normal(0, 0.02, clean.shape).astype(np.float32)
        found = pages.paper((clean * shade + grain)[None])
        assert found == pytest.approx(dark, abs=0.1)
        assert f"{found:.0%}" in pages.note((clean * shade + grain)[None])


def test_larger_letters_are_letters():
    assert pages.paper(page().repeat(4, 0).repeat(4, 1)[None]) == 1.0


@pytest.mark.parametrize("name", ["camera", "coffee", "astronaut", "coins", "brick", "grass", "gravel"])
def test_no_photograph_is_a_page(name):
    picture = getattr(data, name)()
    picture = picture[None] if picture.ndim == 2 else np.moveaxis(picture, -1, 0)
    draw = np.random.default_rng(0)
    for sigma in (0.0, 0.1):
        seen = picture / 255 + draw.normal(0, 1, picture.shape) * sigma
        assert pages.paper(seen.astype(np.float32)) is None


def test_who_denoises_a_stained_page_is_sent_to_what_evens_it():
    scan = np.clip(np.rint(stained(page()) * 255), 0, 255).astype(np.uint8)
    told = [text for text in pellucid.denoise(scan, return_result=True).warnings if "uneven paper" in text]
    assert len(told) == 1
    assert "document=True" in told[0]
    done = pellucid.restore(scan, document=True, return_result=True)
    assert not [text for text in done.warnings if "uneven paper" in text]
    assert pages.note(done.estimate[0]) == ""
