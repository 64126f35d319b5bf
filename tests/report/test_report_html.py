"""The page: whole, self-contained, honest about names and warnings, for every kind of picture."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from pellucid import report
from pellucid.image import Image
from pellucid.noise.report import NoiseReport, Periodic
from pellucid.steps import Result, Trust

VOID = {"meta", "img", "input"}


@dataclass(frozen=True)
class Config:
    patch_size: int = 5


def picture(pixels, *, color=False, scale=255.0, name="picture.png"):
    pixels = np.ascontiguousarray(pixels, np.float32)
    return Image(
        pixels=pixels, axes="ZCYX", shape=pixels.shape, color=color, dtype="uint8", scale=scale, name=name
    )


def result(estimate, noise, **changes):
    made = Result(
        estimate=estimate.pixels,
        method="nlm",
        reason="white noise",
        config=Config(),
        seed=7,
        device="cpu",
        seconds=1.25,
        iterations=1,
        stopped_by="finished",
        curves={},
        noise=noise,
    )
    return replace(made, **changes)


def page(tmp_path, shape, *, color=False, scale=255.0, title="picture.png", noise=None, **changes):
    rng = np.random.default_rng(0)
    clean = rng.random(shape)
    noisy = picture(clean + rng.normal(0, 0.05, shape), color=color, scale=scale, name=title)
    estimate = picture(clean, color=color, scale=scale)
    noise = noise or NoiseReport.white(0.05, shape[1], scale=scale)
    path = tmp_path / "report.html"
    report.html(path, noisy=noisy, estimate=estimate, result=result(estimate, noise, **changes), title=title)
    return path.read_text(encoding="utf-8")


class Balance(HTMLParser):
    """Every tag closed in order, no address that leaves the page, every picture described."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        for key in ("src", "href", "data", "action"):
            assert (given.get(key) or "data:").startswith("data:"), given
        if tag == "img":
            assert given["alt"]
        if tag == "svg":
            assert given["aria-label"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize(
    ("shape", "color", "scale"),
    [
        ((1, 1, 24, 31), False, 255.0),
        ((1, 3, 24, 31), True, 255.0),
        ((1, 2, 24, 31), False, 65535.0),
        ((3, 7, 24, 31), False, 4095.0),
        ((6, 1, 16, 16), False, 1.0),
        ((1, 3, 1, 1), True, 255.0),
        ((1, 1, 1, 9), False, 5000.0),
    ],
)
def test_page_is_well_formed_and_self_contained(tmp_path, shape, color, scale):
    text = page(tmp_path, shape, color=color, scale=scale)
    found = Balance()
    found.feed(text)
    assert found.open == []
    assert not re.search(r"https?://|url\(|@import|fetch\(|XMLHttpRequest", text)
    assert "NaN" not in found.text
    for heading in ("Before and after", "What was removed", "The noise", "How it was made"):
        assert heading in found.text


def test_names_cannot_break_out(tmp_path):
    evil = "</title></script><script>alert(1)</script>\"'&.png"
    text = page(tmp_path, (1, 3, 16, 16), color=True, title=evil, reason=evil, warnings=(evil,))
    assert "<script>alert" not in text
    assert text.count("<script") == 2  # the views and page.js
    found = Balance()
    found.feed(text)
    assert found.text.count(evil) >= 3


def test_figures_are_in_file_units(tmp_path):
    noise = replace(
        NoiseReport.white(0.05, 1, scale=4095.0),
        gain=(0.02,),
        offset=(0.0,),
        clipped=((0.011, 0.25),),
        periodic=(Periodic(frequency=(0.25, 0.0), amplitude=0.01),),
        correlated=True,
        length_px=1.75,
        sigma_per_scale=((0.02,), (0.04,)),
    )
    text = page(tmp_path, (1, 1, 40, 40), scale=4095.0, noise=noise)
    for expected in (
        "205",
        "81.9",
        "1.1% / 25.0%",
        "0.250 down",
        "amplitude 41",
        "repeats every 4.0 pixels",
        "1.8 pixels",
        "164",
    ):
        assert expected in text, expected


def test_warnings_come_once_and_before_the_pictures(tmp_path):
    noise = replace(NoiseReport.white(0.05, 1), warnings=("periodic lines",))
    text = page(tmp_path, (1, 1, 40, 40), noise=noise, warnings=("periodic lines", "not registered"))
    assert text.count("periodic lines") == 1
    assert text.index("not registered") < text.index("Before and after")
    assert "Before you trust it" not in page(tmp_path, (1, 1, 40, 40))


def test_one_word_about_removing_too_much(tmp_path):
    noise = NoiseReport.white(0.02, 1)
    assert page(tmp_path, (1, 1, 40, 40), noise=noise).count("More was") == 1
    reason = "what was removed (9) is 3 times the noise (3)"
    text = page(tmp_path, (1, 1, 40, 40), noise=noise, trust=Trust(level="low", reasons=(reason,)))
    assert text.count("More was") == 0
    assert f"Trust low: {reason}." in text


def pictures_of(text, alt):
    """The pictures with such a description, as arrays."""
    found = re.findall(rf'<img src="data:image/png;base64,([^"]*)" alt="{alt}', text)
    return [np.asarray(Pillow.open(io.BytesIO(base64.b64decode(code)))) for code in found]


def test_pictures_are_turned_as_the_file_says(tmp_path):
    ramp = np.tile(np.linspace(0, 1, 60, dtype=np.float32), (40, 1))[None, None]
    plain = picture(ramp)
    exif = Pillow.Exif()
    exif[274] = 6  # the first column is at the top
    turned = replace(plain, metadata={"exif": exif.tobytes().removeprefix(b"Exif\0\0")})
    made = result(plain, NoiseReport.white(0.05, 1))
    for image, expected in ((plain, (40, 60)), (turned, (60, 40))):
        report.html(tmp_path / "r.html", noisy=image, estimate=plain, result=made, title="")
        (before,) = pictures_of((tmp_path / "r.html").read_text("utf-8"), "The picture before")
        assert before.shape == expected
    assert np.array_equal(before[:, 0], np.sort(before[:, 0]))  # dark at the top, as Pillow shows it
    assert np.array_equal(before, np.asarray(ImageOps.exif_transpose(with_exif(ramp, exif))))


def with_exif(ramp, exif):
    buffer = io.BytesIO()
    Pillow.fromarray(np.rint(ramp[0, 0] * 255).astype(np.uint8)).save(buffer, "png", exif=exif)
    return Pillow.open(buffer)


def test_where_most_was_removed_is_shown_at_full_size(tmp_path):
    rng = np.random.default_rng(0)
    clean = np.tile(np.linspace(0, 1, 900, dtype=np.float32), (700, 1))[None, None]
    noisy = clean + rng.normal(0, 0.02, clean.shape).astype(np.float32)
    noisy[0, 0, 500:540, 700:740] -= 0.3
    before, after = picture(noisy), picture(clean)
    made = result(after, NoiseReport.white(0.02, 1))
    report.html(tmp_path / "r.html", noisy=before, estimate=after, result=made, title="")
    text = (tmp_path / "r.html").read_text("utf-8")
    first, *_ = pictures_of(text, "Before: Columns")
    place = re.search(r"Columns (\d+) to (\d+), rows (\d+) to (\d+)", text)
    assert place
    left, right, top, bottom = map(int, place.groups())
    assert top <= 500 < 540 <= bottom
    assert left <= 700 < 740 <= right
    expected = np.clip(np.rint(noisy[0, 0, top : bottom + 1, left : right + 1] * 255), 0, 255)
    assert np.abs(first.astype(int) - expected).max() <= 1  # as it is, not made smaller
    assert "Columns" not in page(tmp_path, (1, 1, 40, 40))  # all of it is seen anyway


def test_a_pattern_is_told_once(tmp_path):
    noise = replace(NoiseReport.white(0.05, 1), periodic=(Periodic(frequency=(0.25, 0.0), amplitude=0.01),))
    text = page(tmp_path, (1, 1, 40, 40), noise=noise)
    assert len(re.findall(r"(?i)pattern", text[text.index("<h2>The noise") : text.index("Spectrum:")])) == 1


def test_what_the_console_says_is_what_the_page_says(tmp_path):
    """Where the last look has judged, nothing that only this page would say."""
    spoilt = replace(NoiseReport.white(0.02, 1), warnings=())  # 0.05 is removed
    assert "Before you trust it" not in page(tmp_path, (1, 1, 40, 40), noise=spoilt, trust=Trust())
    text = page(tmp_path, (1, 1, 40, 40), noise=spoilt, trust=Trust(level="low", reasons=("a", "b")))
    assert text.count("<li>") == 2


def test_curves_are_drawn_without_the_points_that_are_not_numbers(tmp_path):
    loss = [float("nan"), 1.0, 0.1, 0.01, float("inf")]
    text = page(
        tmp_path, (1, 1, 16, 16), curves={"loss": loss, "es_emv": [1.0, 0.5], "empty": [], "one": [1.0]}
    )
    run = text[text.index("The run") : text.index("How it was made")]
    assert run.count('class="chart"') == 2
    points = re.search(r'l0" points="([^"]*)"', run)
    assert points
    xy = np.array([p.split(",") for p in points[1].split()], float)
    # A geometric fall is a straight line on the logarithmic axis.
    assert np.ptp(np.diff(xy[:, 1])) < 0.2
    assert len(xy) == 3


def test_input_that_was_returned_is_said_so(tmp_path):
    pixels = picture(np.full((1, 1, 8, 8), 0.5))
    path = tmp_path / "r.html"
    noise = NoiseReport.white(0.0, 1)
    made = result(pixels, noise, method="none", reason="no noise worth removing", config=None)
    report.html(path, noisy=pixels, estimate=pixels, result=made, title="same")
    text = path.read_text(encoding="utf-8")
    assert "the input was returned" in text
    assert "Nothing: the result is the input." in text
    assert "Autocorrelation" not in text


def test_errors_say_what_to_do_and_leave_nothing(tmp_path):
    one, other = picture(np.zeros((1, 1, 8, 8))), picture(np.zeros((1, 1, 8, 9)))
    broken = picture(np.full((1, 1, 8, 8), np.nan))
    made = result(one, NoiseReport.white(0.1, 1))
    with pytest.raises(ValueError, match="estimate must have the shape of noisy"):
        report.html(tmp_path / "r.html", noisy=one, estimate=other, result=made, title="")
    with pytest.raises(ValueError, match="estimate must be finite, got 64"):
        report.html(tmp_path / "r.html", noisy=one, estimate=broken, result=made, title="")
    with pytest.raises(FileNotFoundError, match="folder"):
        report.html(tmp_path / "missing" / "r.html", noisy=one, estimate=one, result=made, title="")
    assert list(tmp_path.iterdir()) == []
