"""Stacks: which slices belong together, what the axes of a file say, what a user says instead."""

import numpy as np
import pytest
import tifffile
import torch

import pellucid
from pellucid import files
from pellucid.request import Denoise
from pellucid.run import State, run, settle
from pellucid.run.pipeline import DECIDE
from pellucid.series import stacks

DRAWS = np.random.default_rng(0)


def stack(*shape: int) -> np.ndarray:
    """Noise around gray, one level."""
    return DRAWS.normal(120, 20, shape).clip(0, 255).astype(np.uint8)


def runs(x, **options):
    state = run(State(settings=settle(Denoise(method="vbm3d", **options)), given=(x,)), DECIDE)
    return state.runs, state.notes


@pytest.mark.parametrize(
    ("axes", "shape", "letter", "expected"),
    [
        ("TYX", (3, 8, 8), "T", ((0, 1, 2),)),
        ("TZCYX", (2, 3, 1, 8, 8), "T", ((0, 3), (1, 4), (2, 5))),
        ("TZCYX", (2, 3, 1, 8, 8), "Z", ((0, 1, 2), (3, 4, 5))),
        ("ZTYX", (3, 2, 8, 8), "T", ((0, 1), (2, 3), (4, 5))),
    ],
)
def test_slices_in_runs(tmp_path, axes, shape, letter, expected):
    tifffile.imwrite(tmp_path / "a.ome.tif", stack(*shape), metadata={"axes": axes}, photometric="minisblack")
    image = files.read(tmp_path / "a.ome.tif")
    assert set(image.axes) >= {"Y", "X", letter}
    assert stacks.along(image, image.axes, letter) == expected
    for row in expected:  # against the array itself
        whole = np.moveaxis(stored_by(image), image.axes.index(letter), -1)
        assert len(row) == whole.shape[-1]


def stored_by(image):
    return files.to_array(image)


def test_a_film_of_every_depth_is_taken_by_itself(tmp_path):
    """Four frames at two depths: the result of each depth is that of its own film."""
    array = np.stack([stack(4, 32, 32), 255 - stack(4, 32, 32)], 1)
    tifffile.imwrite(tmp_path / "a.tif", array, imagej=True, metadata={"axes": "TZYX"})
    image = files.read(tmp_path / "a.tif")
    whole = files.to_array(pellucid.denoise(image, "vbm3d", sigma=0.08))
    for depth in range(2):
        alone = pellucid.denoise(np.ascontiguousarray(array[:, depth]), "vbm3d", sigma=0.08, axes="TYX")
        np.testing.assert_array_equal(whole[:, depth], alone)


def test_a_stack_that_says_nothing_is_a_film_where_that_is_asked_for_and_it_is_said():
    found, notes = runs(stack(3, 16, 16), sigma=0.1)
    assert found == ((0, 1, 2),)
    assert any("nothing says what the slices of array are" in note for note in notes)
    found, notes = runs(stack(3, 16, 16), sigma=0.1, axes="TYX")
    assert found == ((0, 1, 2),)
    assert not any("nothing says" in note for note in notes)


def test_another_axis_than_the_methods_own():
    found, _ = runs(stack(2, 3, 16, 16), sigma=0.1, axes="TZYX", axis="z")
    assert found == ((0, 1, 2), (3, 4, 5))
    found, notes = runs(stack(3, 16, 16), sigma=0.1, axes="ZYX")
    assert found == ((0, 1, 2),)
    assert any("axis Z" in note for note in notes)


def test_a_picture_has_no_neighbours():
    found, notes = runs(stack(16, 16), sigma=0.1)
    assert found == ((0,),)
    assert any("single picture" in note for note in notes)


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((2, 3, 16, 16), {}, "needs to know which axis"),
        ((3, 16, 16), {"axes": "TY"}, "one letter each"),
        ((3, 16, 16), {"axes": "YTX"}, "stay where the file has them"),
        ((3, 16, 16), {"axes": "CYX"}, "stay where the file has them"),
        ((3, 16, 16), {"axes": "ZYX", "axis": "t"}, "axis='t' must be an axis of several slices"),
        ((3, 16, 16), {"axis": "none"}, "takes every slice by itself"),
    ],
)
def test_bad_axes_get_one_clear_error(shape, options, words):
    with pytest.raises(ValueError, match=words):
        pellucid.denoise(stack(*shape), "vbm3d", sigma=0.1, **options)


def test_a_method_of_slices_refuses_an_axis():
    with pytest.raises(ValueError, match="it works on every slice by itself"):
        pellucid.denoise(stack(3, 16, 16), "bm3d", sigma=0.1, axis="t")


def test_noisier_frames_are_told_to_the_method():
    from pellucid.run.apply import _piece

    film = np.stack(
        [np.random.default_rng(t).normal(0.5, s, (64, 64)) for t, s in enumerate((0.02, 0.02, 0.1))]
    )
    state = run(
        State(settings=settle(Denoise(method="vbm3d", axes="TYX")), given=(film.astype(np.float32),)), DECIDE
    )
    relative = _piece(state, state.runs[0], None).task.relative
    assert relative is not None
    assert float(relative[2] / relative[0]) == pytest.approx(5.0, rel=0.15)
    assert torch.equal(_piece(state, state.runs[0], None).task.shots.squeeze(), state.noisy.squeeze())


def test_channels_that_are_slices_are_so_where_the_user_says_it(tmp_path):
    """Writers of plain ImageJ stacks call the frames channels; the file keeps its own words."""
    film, source, target = stack(5, 24, 24), tmp_path / "film.tif", tmp_path / "out.tif"
    tifffile.imwrite(source, film, imagej=True, metadata={"axes": "CYX"})
    asked = {"method": "vbm3d", "sigma": 0.08, "axes": "TYX"}
    plain = pellucid.denoise(film, **asked)
    files.write(pellucid.denoise(files.read(source), **asked), target)
    with tifffile.TiffFile(target) as held:
        assert held.series[0].axes == "CYX"
        np.testing.assert_array_equal(held.asarray(), plain)
    np.testing.assert_array_equal(pellucid.denoise(film, channel_axis=0, **asked), plain)
    with pytest.raises(ValueError, match="axes must name the 3 axes"):
        pellucid.denoise(film, "vbm3d", sigma=0.08, channel_axis=0, axes="TZX")


def test_a_single_picture_says_that_an_axis_of_slices_is_none_of_its():
    def notes(x, **options):
        return run(State(settings=settle(Denoise(sigma=0.08, **options)), given=(x,)), DECIDE).notes

    picture, channels = stack(24, 24), stack(5, 24, 24)
    assert any("with --axis t it has no neighbours" in note for note in notes(picture, axis="t"))
    assert any("changes nothing" in note for note in notes(picture, axes="TYX"))
    assert any("--axes ZYX says so" in note for note in notes(channels, axis="z", channel_axis=0))
    assert not notes(picture)
    assert not notes(picture, axis="none", axes="YX")
