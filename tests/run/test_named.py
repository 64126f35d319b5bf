"""A method named by the user that takes slices together: obeyed, and told of where they do not help."""

import json

import numpy as np
import pytest
import tifffile
from skimage import data
from typer.testing import CliRunner

import pellucid
from pellucid.cli import app
from pellucid.request import Denoise
from pellucid.run import State, run, settle
from pellucid.run.pipeline import DECIDE

SIDE, SIGMA = 96, 0.06
CAMERA = data.camera() / 255.0


def shots_of(picture: np.ndarray, places: list[tuple[int, int]]) -> np.ndarray:
    """(T, 96, 96)."""
    return np.stack([picture[y : y + SIDE, x : x + SIDE] for y, x in places])


WALK = [(60 + 2 * t, 100 + 3 * t) for t in range(8)]
LEAPS = [(50 * t, 45 * t) for t in range(8)]
PICTURES = [data.camera(), data.coins(), data.moon(), data.clock(), data.page(), data.text(), data.brick()]
SHADE = 0.5 * np.mgrid[:SIDE, :SIDE].sum(0) / (2 * SIDE) - 0.24
BRICKS = [(0, 0), (211, 37), (97, 301), (333, 160), (50, 222), (160, 5), (20, 400), (290, 300)]
FILMS = {
    "walk": shots_of(CAMERA, WALK),
    "leaps": shots_of(CAMERA, LEAPS),
    "shuffled": shots_of(CAMERA, [LEAPS[t] for t in (3, 0, 6, 1, 7, 4, 2, 5)]),
    "cuts": np.stack([p[60 : 60 + SIDE, 100 : 100 + SIDE] / 255.0 for p in PICTURES]),
    "bricks on one shade": SHADE + 0.8 * shots_of(data.brick() / 255.0, BRICKS),
}
LOSE = ("by itself (--axis none instead of --method", "is denoised by itself")


def noisy(clean: np.ndarray, sigma: float = SIGMA) -> np.ndarray:
    drawn = clean + sigma * np.random.default_rng(0).standard_normal(clean.shape)
    return drawn.astype(np.float32)


def decided(x: np.ndarray, **options) -> State:
    return run(State(settings=settle(Denoise(**options)), given=(x,)), DECIDE)


def says(notes) -> bool:
    return any(words in note for note in notes for words in LOSE)


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.parametrize(("method", "axes"), [("vbm3d", "TYX"), ("bm4d", "ZYX")])
def test_a_named_method_that_loses_says_so_and_one_that_gains_does_not(name, method, axes):
    clean, known = FILMS[name], {"sigma": SIGMA, "data_range": 1.0}
    given = noisy(clean)
    result = pellucid.denoise(given, axes=axes, method=method, return_result=True, **known)
    assert result.method == method  # obeyed
    alone = pellucid.denoise(given, method="bm3d", **known)
    errors = [float(np.square(found - clean).mean()) for found in (result.estimate[:, 0], alone)]
    lost = 10 * np.log10(errors[0] / errors[1])
    if name == "walk":
        assert lost < -0.2
    assert says(result.warnings) == (name != "walk"), (lost, result.warnings)
    if not says(result.warnings):
        assert lost < 0.05


def test_what_is_to_be_done_is_said_and_done():
    """The option that the warning names gives what it promises, of a network on averages too."""
    given = noisy(FILMS["leaps"])
    state = decided(given, axes="TYX", method="mctf", sigma=SIGMA, data_range=1.0)
    assert says(state.notes)
    instead = decided(given, axes="TYX", axis="none", sigma=SIGMA, data_range=1.0)
    assert instead.runs == ()
    assert not says(instead.notes)


def test_two_and_three_slices_that_bm4d_takes_one_by_one_are_told_of():
    state = decided(noisy(FILMS["walk"][:3]), axes="ZYX", method="bm4d", sigma=SIGMA, data_range=1.0)
    assert any("bm4d takes 4 or more slices together, and got 3" in note for note in state.notes)


def test_frames_that_share_their_noise_are_told_of():
    draws = np.random.default_rng(4).standard_normal((9, SIDE, SIDE))
    lagged = FILMS["walk"] + SIGMA * (draws[1:] + draws[:-1]) / np.sqrt(2)
    state = decided(lagged.astype(np.float32), axes="TYX", method="vbm3d", sigma=SIGMA, data_range=1.0)
    assert any("share their noise" in note for note in state.notes)
    assert state.runs == (tuple(range(8)),)


def test_noise_that_pixels_share_is_judged_by_how_alike_the_frames_are():
    draws = np.random.default_rng(4).standard_normal((8, SIDE + 1, SIDE))
    soft = 0.08 * (draws[:, 1:] + draws[:, :-1]) / np.sqrt(2)
    for name in ("walk", "leaps"):
        state = decided((FILMS[name] + soft).astype(np.float32), axes="TYX", method="vbm3d", data_range=1.0)
        assert state.noise.correlated
        assert says(state.notes) == (name == "leaps")


def test_pictures_too_small_to_tell_are_no_error():
    small = noisy(FILMS["walk"][:, :6, :7])
    state = decided(small, axes="TYX", method="vbm3d", sigma=SIGMA, data_range=1.0)
    assert state.choice.method == "vbm3d"
    auto = decided(small, axes="TYX", sigma=SIGMA, data_range=1.0)
    assert auto.runs == ()  # nothing speaks for taking them together


def test_the_command_its_record_and_its_page_say_it(tmp_path):
    stack = (255 * noisy(FILMS["bricks on one shade"])).round().clip(0, 255).astype(np.uint8)
    tifffile.imwrite(tmp_path / "in.tif", stack, imagej=True, metadata={"axes": "TYX"})
    words = ["denoise", f"{tmp_path}/in.tif", "-o", f"{tmp_path}/out.tif", "--method", "vbm3d"]
    told = "--axis none instead of --method vbm3d"
    found = CliRunner().invoke(app, [*words, "--report", f"{tmp_path}/page.html", "--json"])
    assert any(told in note for note in json.loads(found.stdout)["warnings"])
    assert told in (tmp_path / "page.html").read_text(encoding="utf-8")
    said = CliRunner().invoke(app, [*words, "--overwrite"])
    assert told in " ".join(said.output.split())
