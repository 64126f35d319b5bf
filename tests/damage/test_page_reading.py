"""Pages that tesseract reads: evened out they are read as well as before, or better. Skipped without it."""

import shutil
import sys
from pathlib import Path

import pytest

import pellucid

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import page_reading

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tesseract") is None, reason="needs tesseract-ocr"),
]
PAGES = page_reading.drawn()
LETTER = 0.3
"""edits in a hundred characters that one letter of a page makes, which is chance"""


@pytest.mark.parametrize("name", ["drawn, clean", "drawn, stained", "drawn, grainy"])
def test_an_evened_page_is_read_as_well_or_better(name):
    page, truth = PAGES[name]
    scan, made = (page_reading.errors(page_reading.read(p), truth) for p in (page, evened(page)))
    assert made <= scan + LETTER
    assert made < 5
    if name == "drawn, stained":
        assert scan > 20  # of which the stain is the cause


def evened(page):
    return pellucid.restore(page, document=True)


def test_errors_are_edits():
    assert page_reading.errors("the cat", "the cat") == 0
    assert page_reading.errors("the  cut\n", "the cat") == pytest.approx(100 / 7, abs=0.01)
    assert page_reading.errors("", "abcd") == 100
