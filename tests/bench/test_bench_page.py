import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from fake_results import folder, line
from PIL import Image
from typer.testing import CliRunner

from pellucid.bench import page, pictures
from pellucid.bench.results import read as read_results
from pellucid.bench.table import tables
from pellucid.cli import app

VOID = {"meta", "img", "line", "polyline", "circle", "polygon", "rect", "br", "input", "option"}


class Reader(HTMLParser):
    """Collects addresses and checks that what is opened is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.links, self.alts, self.ids = [], [], [], []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.links += [found[k] for k in ("src", "href") if k in found]
        self.ids += [found["id"]] if "id" in found else []
        if tag == "img":
            self.alts.append(found.get("alt"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def picture(seed, shift=0, shape=(40, 48, 3)):
    draw = np.random.default_rng(seed)
    return np.clip(draw.normal(128, 20, shape) + shift, 0, 255).astype(np.uint8)


@pytest.fixture
def results(tmp_path):
    """Two images, three methods, one of them an oracle; a set without truth; something that failed."""
    root = tmp_path / "results"
    (root / "images").mkdir(parents=True)
    lines = []
    for image in ("a", "b<i>"):
        stem = f"images/{image[0]}"
        Image.fromarray(picture(1)).save(root / f"{stem}-clean.png")
        Image.fromarray(picture(2)).save(root / f"{stem}-noisy.png")
        for place, method in enumerate(("nlm", "tv", "bm3d@sigma")):
            Image.fromarray(picture(1, place)).save(root / f"{stem}-{method}.png")
            files = {
                "clean": f"{stem}-clean.png",
                "noisy": f"{stem}-noisy.png",
                "file": f"{stem}-{method}.png",
            }
            lines.append(line(method, image, psnr=30.0 - place, seconds=1.0 + place, **files))
        lines.append(line("n2n", image, psnr=None, skipped="weights <not> at hand"))
    none = {"psnr": None, "ssim": None, "noisy_psnr": None, "noisy_ssim": None}
    files = {"noisy": "images/a-noisy.png", "file": "images/a-nlm.png"}
    lines.append(line("nlm", "c", set="DND", **files, **none))
    folder(root, lines, label="small form: 48x40 crops, 2 images", machine="a <machine>")
    return root


def read(path):
    reader = Reader()
    reader.feed(Path(path).read_text(encoding="utf-8"))
    assert reader.open == []
    return reader


def test_the_page_is_whole_and_needs_nothing_else(results, tmp_path):
    found = read_results(results)
    made = page.write(found, tables(found), tmp_path / "page")
    reader = read(made)
    for link in reader.links:
        assert not re.match(r"\w+:", link), link
        assert link[1:] in reader.ids if link.startswith("#") else (made.parent / link).is_file()
    assert all(reader.alts)
    assert len(set(reader.ids)) == len(reader.ids)
    text = made.read_text()
    assert "http" not in text
    assert text.index("Small form") < text.index("<table")
    for escaped in ("b&lt;i&gt;", "weights &lt;not&gt; at hand", "a &lt;machine&gt;"):
        assert escaped in text
    assert "<i>b" not in text
    assert text.count('class="front"') == 1  # one set has times and scores


def test_the_same_results_give_the_same_page(results, tmp_path):
    found = read_results(results)
    one, two = (page.write(found, tables(found), tmp_path / name) for name in ("1", "2"))
    assert one.read_bytes() == two.read_bytes()
    pictures = sorted(p.relative_to(one.parent) for p in one.parent.rglob("*.png"))
    assert pictures
    assert all((one.parent / p).read_bytes() == (two.parent / p).read_bytes() for p in pictures)


def test_all_methods_are_cut_at_the_same_place_and_scaled_alike(results, tmp_path):
    found = read_results(results)
    table = tables(found)[0]
    cells = [c for c in found.cells if c.set == table.set]
    (first, _), total = pictures.gallery(table, cells, tmp_path, side=16)
    assert total == 2
    assert [tile.name for tile in first.tiles] == ["clean", "noisy", "nlm", "tv", "bm3d@sigma"]
    clean, noisy = picture(1), picture(2)
    place = pictures.busiest(np.moveaxis(clean / np.float32(255), -1, 0), 16)
    assert np.array_equal(np.asarray(Image.open(tmp_path / first.tiles[0].picture)), clean[place])
    # Removed: noisy less estimate; the factor is written in the note.
    gain = float(re.search(r"noisy less estimate, ([\d.]+) times", first.note)[1])
    nlm = picture(1, 0)
    expected = np.clip(127.5 + gain * (noisy[place].astype(float) - nlm[place]), 0, 255)
    shown = np.asarray(Image.open(tmp_path / first.tiles[2].removed)).astype(float)
    assert np.abs(shown - expected).max() <= 1
    gain = float(re.search(r"estimate less clean, ([\d.]+) times", first.note)[1])
    expected = np.clip(127.5 + gain * (picture(1, 1)[place].astype(float) - clean[place]), 0, 255)
    shown = np.asarray(Image.open(tmp_path / first.tiles[3].missed)).astype(float)
    assert np.abs(shown - expected).max() <= 1 + gain / 2
    assert first.tiles[0].missed == ""


def test_deep_pictures_of_an_image_share_one_white(tmp_path):
    """A 16-bit file does not say that 4095 is white; a dark one alone would look like 10 bits."""
    root = tmp_path / "results"
    root.mkdir()
    dark = np.random.default_rng(0).integers(0, 900, (40, 48)).astype(np.uint16)
    for name, values in (("clean", dark), ("noisy", dark + 300), ("nlm", dark + 30)):
        Image.fromarray(values).save(root / f"{name}.png")
    files = {"clean": "clean.png", "noisy": "noisy.png", "file": "nlm.png"}
    found = read_results(folder(root, [line("nlm", "a", **files)]))
    ((first,), _) = pictures.gallery(tables(found)[0], found.cells, tmp_path / "page", side=16)
    missed = np.asarray(Image.open(tmp_path / "page" / first.tiles[2].missed))
    assert np.ptp(missed.astype(int)) <= 1  # the estimate is the truth plus 30 of 4095 everywhere
    assert missed.mean() > 128


def test_without_truth_there_is_no_error_to_show(results, tmp_path):
    found = read_results(results)
    table = tables(found)[1]
    ((only,), _) = pictures.gallery(table, [c for c in found.cells if c.set == "DND"], tmp_path)
    assert [tile.name for tile in only.tiles] == ["noisy", "nlm"]
    assert not any(tile.missed for tile in only.tiles)


def test_only_so_many_images_are_shown(results, tmp_path):
    found = read_results(results)
    table = tables(found)[0]
    cells = [c for c in found.cells if c.set == table.set]
    shown, total = pictures.gallery(table, cells, tmp_path, most=1)
    assert (len(shown), total) == (1, 2)


def test_pictures_that_are_gone_leave_tables(results, tmp_path):
    for file in (results / "images").iterdir():
        file.unlink()
    found = read_results(results)
    made = page.write(found, tables(found), tmp_path / "page")
    assert "gallery" not in made.read_text().split("<main>")[1].split("<script>")[0]
    read(made)


def test_the_crop_goes_where_texture_is():
    pixels = np.zeros((1, 80, 90), np.float32)
    pixels[0, :, :10] = 1  # one strong edge
    pixels[0, 50:70, 60:80] = 0.3 * (np.indices((20, 20)).sum(0) % 2)
    rows_, columns = pictures.busiest(pixels, 24)
    assert rows_.start <= 50
    assert rows_.stop >= 70
    assert columns.start <= 60
    assert columns.stop >= 80
    assert pictures.busiest(pixels[:, :10, :12], 64) == (slice(0, 10), slice(0, 12))


def test_the_verb(results, tmp_path):
    run = CliRunner().invoke
    out = tmp_path / "page"
    done = run(app, ["bench", "page", str(results), "-o", str(out), "--front", str(tmp_path / "f.svg")])
    assert done.exit_code == 0, done.output
    assert (out / "index.html").is_file()
    assert (tmp_path / "f.svg").read_text().startswith("<svg")
    assert run(app, ["bench", "page", str(results), "-o", str(out), "--front", "f.gif"]).exit_code == 2
    wrong = ["--front", str(tmp_path / "f.svg"), "--front-set", "DND"]
    assert run(app, ["bench", "page", str(results), "-o", str(out), *wrong]).exit_code == 2
    file = tmp_path / "file"
    file.write_text("")
    assert run(app, ["bench", "page", str(results), "-o", str(file)]).exit_code == 2
