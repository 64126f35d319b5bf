"""The page in Debian's headless Chromium: drop, preview, sliders, masks, batch, download, two at once.

With PELLUCID_SCREENSHOTS naming a folder, the pictures of the documentation are taken on the way.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import browser
import numpy as np
import pytest
from PIL import Image as Pillow
from skimage import data

pytest.importorskip("uvicorn")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (browser.CHROMIUM and browser.DRIVER), reason="needs chromium and chromium-driver"
    ),
]


@pytest.fixture(scope="module")
def address():
    """The program itself, on a free port."""
    words = [sys.executable, "-u", "-m", "pellucid", "web", "--port", "0"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    line = server.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    assert found, line
    yield found[0]
    server.terminate()
    server.wait(60)
    server.stdout.close()


@pytest.fixture
def page(address, tmp_path):
    window = browser.Browser(tmp_path / "browser")
    window.go(address)
    window.wait("return document.body.dataset.ready")
    yield window
    window.close()


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A cat with noise, 451 x 300."""
    clean = data.chelsea()
    noise = np.random.default_rng(0).normal(0, 18, clean.shape)
    path = tmp_path_factory.mktemp("web") / "cat.png"
    Pillow.fromarray(np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)).save(path, dpi=(240, 240))
    return path


def shot(window, name):
    if "PELLUCID_SCREENSHOTS" in os.environ:
        whole = Path(window.downloads) / "shot.png"
        window.shot(whole)
        with Pillow.open(whole) as file:
            file.convert("RGB").save(Path(os.environ["PELLUCID_SCREENSHOTS"]) / f"web-{name}.jpg", quality=88)


def shown(window):
    """The pixels of the view, (H, W, 4)."""
    size, flat = window.run(
        "const c = document.querySelector('#view');"
        "const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "return [[c.height, c.width], Array.from(p)]"
    )
    return np.array(flat, np.uint8).reshape(*size, 4)


def opened(window, path):
    window.send("#file", str(path))
    window.wait("return document.querySelector('#view').dataset.seconds")
    return window.wait(
        "const t = document.querySelector('#words').textContent; return /would use/.test(t) && t"
    )


def finished(window):
    window.wait("return !document.querySelector('#download').disabled", seconds=300)


def test_a_picture_from_drop_to_download(page, photo):
    shot(page, "empty")
    words = opened(page, photo)
    assert "standard deviation" in words
    with Pillow.open(photo) as file:
        given = np.asarray(file)
    page.slide("#split", 1)
    assert np.array_equal(shown(page)[..., :3], given)  # all of it before, at 100 %
    page.slide("#split", 0)
    after = shown(page)[..., :3].astype(float)
    clean = data.chelsea().astype(float)
    assert np.square(after - clean).mean() < 0.35 * np.square(given - clean).mean()
    page.slide("#strength", 0.5)
    half = shown(page)[..., :3].astype(float)
    assert np.abs(half - (given + after) / 2).max() <= 1  # at once, in the browser
    page.slide("#strength", 1)
    page.click("input[value=removed]")
    assert abs(shown(page)[..., :3].mean() - 128) < 6
    page.click("input[value=after]")
    page.slide("#split", 0.5)
    shot(page, "preview")
    page.click("input[name=effort][value=quick]")
    page.click("#run")
    finished(page)
    assert "Done in" in page.text("#outcome")
    page.click("#download")
    target = page.downloads / "cat-clean.png"
    browser.until(target.exists, seconds=60)
    with Pillow.open(target) as file:
        assert file.size == (451, 300)
        assert file.info["dpi"] == pytest.approx((240, 240), rel=0.01)
        made = np.asarray(file).astype(float)
    assert np.square(made - clean).mean() < 0.35 * np.square(given - clean).mean()


def test_a_bad_file_is_told_and_the_page_goes_on(page, photo, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"this is no picture")
    page.send("#file", str(bad))
    page.wait("return !document.querySelector('#error').hidden")
    assert "bad.png" in page.text("#error")
    opened(page, photo)
    assert page.run("return document.querySelector('#error').hidden")


def test_a_painted_mask_is_filled(page, tmp_path):
    picture = data.camera()[100:300, 150:400].copy()
    scratched = picture.copy()
    scratched[98:102, 60:190] = 255
    path = tmp_path / "scratched.png"
    Pillow.fromarray(scratched).save(path)
    opened(page, path)
    page.run(
        "const v = document.querySelector('#verb'); v.value = 'inpaint'; v.dispatchEvent(new Event('change'))"
    )
    page.click("#run")
    page.wait("return document.querySelector('#error').textContent.includes('Paint over')")
    page.click("input[value=paint]")
    page.slide("#brush", 10)
    page.drag("#view", (-75, 0), (0, 0), (75, 0))
    page.slide("#split", 0)
    red = shown(page)[100, 125].astype(int)
    assert red[0] > red[1] + 40
    shot(page, "mask")
    page.click("#run")
    finished(page)
    page.click("#download")
    target = page.downloads / "scratched-clean.png"
    browser.until(target.exists, seconds=60)
    made = np.asarray(Pillow.open(target)).astype(float)
    assert np.abs(made[98:102, 70:180] - picture[98:102, 70:180]).mean() < 25
    assert np.array_equal(made[:85], scratched[:85])


def test_a_batch(page, photo, tmp_path):
    small = tmp_path / "small.png"
    with Pillow.open(photo) as file:
        file.crop((100, 100, 220, 200)).save(small)
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"II*\0 and nothing")
    page.click("#tab-batch")
    page.send("#files", f"{small}\n{bad}")
    page.run("document.querySelector('#batch-effort').value = 'quick'")
    page.click("#start")
    page.wait("return !document.querySelector('#save-all').disabled", seconds=300)
    rows = page.run("return [...document.querySelectorAll('#rows tr')].map(r => r.children[1].textContent)")
    assert rows[0].startswith("done in")
    assert "bad.tif" in rows[1]
    shot(page, "batch")
    page.click("#save-all")
    browser.until((page.downloads / "small-clean.png").exists, seconds=60)


def test_two_at_once(page, address, photo, tmp_path):
    other = browser.Browser(tmp_path / "other")
    try:
        other.go(address)
        other.wait("return document.body.dataset.ready")
        second = tmp_path / "coins.png"
        Pillow.fromarray(data.coins()).save(second)
        page.send("#file", str(photo))
        other.send("#file", str(second))
        for window, name in ((page, "cat.png"), (other, "coins.png")):
            window.wait("return document.querySelector('#view').dataset.seconds")
            assert window.text("#name") == name
        other.slide("#split", 1)
        height, width = data.coins().shape
        assert shown(other).shape[:2] == (height, width)
        page.slide("#split", 1)
        assert shown(page).shape[:2] == (300, 451)
    finally:
        other.close()
