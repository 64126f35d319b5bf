"""A store region by region: the same as the whole where the method is local, one decision, and it goes on."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import tifffile
import torch
import zarr
from scipy.ndimage import gaussian_filter
from skimage.data import camera, chelsea

import pellucid
from pellucid import methods
from pellucid.auto import Choice
from pellucid.cli import main, regions
from pellucid.large import carry, layout, memory, work
from pellucid.large.decision import Decision
from pellucid.noise.colour import to_display, to_light
from pellucid.noise.report import NoiseReport
from pellucid.request import Denoise, Output
from pellucid.stores import Form, pyramid, region

CLEAN = camera()[128:328, 100:340].astype(float)
RNG = np.random.default_rng(5)


def noisy(frames=3, sigma=12.0, base=20):
    clean = np.stack([np.roll(CLEAN, 2 * i, 1) for i in range(frames)]) * 3 + base
    return np.round(clean + RNG.normal(0, sigma, clean.shape)).clip(0, 65535).astype(np.uint16)


def ome_zarr(path, values, *, side=64, axes="zyx", version=2, levels=2):
    group = zarr.create_group(str(path), zarr_format=version)
    datasets = []
    for level in range(levels):
        shape = (*values.shape[:-2], *(-(-n // 2**level) for n in values.shape[-2:]))
        chunks = (*([1] * (values.ndim - 2)), side, side)
        array = group.create_array(str(level), shape=shape, chunks=chunks, dtype=values.dtype)
        if level == 0:
            array[...] = values
        scale = [1.0] * (values.ndim - 2) + [0.5 * 2**level] * 2
        datasets.append(
            {"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        )
    told = {"multiscales": [{"axes": [{"name": a} for a in axes], "datasets": datasets}]}
    group.attrs.update(told if version == 2 else {"ome": told | {"version": "0.5"}})
    group.attrs["lab"] = "ours"
    return path


def run(source, target, **asked):
    return carry.denoise(source, target, Denoise(**asked), Output(out=target, memory="2GB"))


@pytest.fixture
def small(monkeypatch):
    """Regions of 128 pixels a side."""
    monkeypatch.setattr(layout, "SIDES", (128,))
    monkeypatch.setattr(layout, "TASK", 1)


def test_an_exact_method_gives_the_pixels_of_the_whole(tmp_path, small):
    spoilt = noisy(2)
    spoilt[RNG.random(spoilt.shape) < 0.03] = 65535
    spoilt[RNG.random(spoilt.shape) < 0.03] = 0
    source = ome_zarr(tmp_path / "a.zarr", spoilt)
    outcome = run(source, tmp_path / "b.zarr", method="median", data_range=65535.0)
    assert outcome.regions == 2 * 2 * 2 + 1  # regions of both slices, and the level above
    made = zarr.open_group(str(tmp_path / "b.zarr"), mode="r")
    whole = pellucid.denoise(spoilt, "median", data_range=65535.0, hot_pixels="off", lines="off")
    np.testing.assert_array_equal(made["0"][...], whole)
    np.testing.assert_array_equal(
        made["1"][...],
        pyramid.reduced(made["0"][...], region.whole((2, 100, 120)), spoilt.shape, (2, 100, 120)),
    )
    assert made.attrs["lab"] == "ours"
    assert not list(tmp_path.glob(".*"))


def test_regions_of_bm3d_show_no_seams(tmp_path, small):
    spoilt = noisy(1)
    np.save(tmp_path / "a.npy", spoilt)
    run(tmp_path / "a.npy", tmp_path / "b.npy", method="bm3d", sigma=12.0, data_range=1000.0)
    made = np.load(tmp_path / "b.npy").astype(float)
    whole = pellucid.denoise(
        spoilt, "bm3d", sigma=12.0, data_range=1000.0, hot_pixels="off", lines="off"
    ).astype(float)
    assert made.dtype == whole.dtype
    assert np.sqrt(np.mean((made - whole) ** 2)) < 0.5  # of a noise of 12
    near = np.abs(made - whole)[:, :, 120:136].mean()
    assert near < 2 * np.abs(made - whole).mean() + 0.1


def developed(side=256):
    """A photograph that is dark at the top, with noise from before the curve of a camera."""
    light = to_light(torch.from_numpy(chelsea()[20 : 20 + side, 60 : 60 + side] / 255)).numpy()
    light *= np.linspace(0.1, 0.8, side)[:, None]
    draws = gaussian_filter(np.random.default_rng(0).normal(0, 1, light.shape), (0.9, 0.9, 0))
    shown = to_display(torch.from_numpy((light + 0.06 * draws).clip(0, 1))).numpy()
    return np.round(255 * shown).astype(np.uint8)


def test_regions_of_a_photograph_are_as_bright_as_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "TASK", 1)
    tifffile.imwrite(tmp_path / "a.tif", developed(), photometric="rgb")
    made = []
    for side in (256, 128):
        monkeypatch.setattr(layout, "SIDES", (side,))
        outcome = run(tmp_path / "a.tif", tmp_path / f"{side}.tif", effort="quick")
        assert outcome.decision.choice.light.surely > 0.5
        made.append(tifffile.imread(tmp_path / f"{side}.tif").astype(float))
    away = (made[1] - made[0]).reshape(2, 128, 2, 128, 3).mean((1, 3))
    assert np.abs(away).max() < 0.2  # 0.3 where each told the light by itself; a whole level in large ones


def test_regions_of_photo_are_the_whole(monkeypatch):
    spoilt = developed(192)
    noise = NoiseReport.white(0.05, 3)
    choice = Choice(method="photo", config=methods.load("photo").presets["fast"], noise=noise, reason="")
    form = Form(shape=spoilt.shape, dtype=spoilt.dtype, axes="YXS", chunks=spoilt.shape, color=True)
    decision = Decision(request=Denoise(), choice=choice, noise=noise, scale=255.0, color=True)

    def done(rows, own):
        return work.denoised(spoilt[rows], decision, form, (own, slice(0, 192), slice(0, 3)), (0, 0))

    whole = done(slice(0, 192), slice(0, 192)).astype(float)
    halves = [done(slice(0, 168), slice(0, 96)), done(slice(24, 192), slice(72, 168))]
    assert np.mean((np.concatenate(halves) - whole) ** 2) < 0.01 * np.mean((whole - spoilt) ** 2)


def test_a_large_picture_goes_region_by_region_unasked(tmp_path, capsys, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", developed(160), photometric="rgb")

    def told(*words):
        with pytest.raises(SystemExit):
            main(["denoise", str(tmp_path / "a.tif"), "--effort", "quick", "--json", "--overwrite", *words])
        return json.loads(capsys.readouterr().out)

    assert "regions" not in told("-o", str(tmp_path / "whole.tif"))
    monkeypatch.setattr(regions, "LARGE", 160 * 160 * 3)
    monkeypatch.setattr(regions, "AT_ONCE", 1000)
    found = told("-o", str(tmp_path / "b.tif"))
    assert found["regions"] == 1
    assert any("region by region in 2GB" in words for words in found["warnings"])
    again = told("-o", str(tmp_path / "c.tif"), "--memory", "2GB")
    assert not any("region by region" in words for words in again["warnings"])
    assert (tmp_path / "b.tif").read_bytes() == (tmp_path / "c.tif").read_bytes()
    for words in (["--keep-brightness"], ["--method", "median"]):
        assert "regions" not in told("-o", str(tmp_path / "d.tif"), *words)
    assert "regions" not in told("-o", str(tmp_path / "d.png"))


def test_auto_decides_once_and_takes_the_noise_off(tmp_path, small):
    spoilt = noisy(2)
    tifffile.imwrite(tmp_path / "a.ome.tif", spoilt, metadata={"axes": "TYX"}, tile=(64, 64))
    outcome = run(tmp_path / "a.ome.tif", tmp_path / "b.ome.tif", axis="none", effort="quick")
    assert 10 < outcome.decision.noise.level * outcome.decision.scale < 14
    assert outcome.decision.trust.level == "high"
    clean = np.stack([np.roll(CLEAN, 2 * i, 1) for i in range(2)]) * 3 + 20
    made = tifffile.imread(tmp_path / "b.ome.tif")
    assert made.dtype == np.uint16
    whole = pellucid.denoise(spoilt, effort="quick")
    assert np.mean((made - clean) ** 2) < 1.05 * np.mean((whole - clean) ** 2)
    assert np.mean((made - clean) ** 2) < 0.7 * np.mean((spoilt - clean) ** 2)
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as file:
        assert file.series[0].axes == "TYX"
        assert file.pages[0].is_tiled


@pytest.mark.parametrize("moves", [0, 40])
def test_auto_takes_a_film_together_or_each_frame_alone_as_the_trial_says(tmp_path, small, moves):
    """Under `auto`, with nothing said of the axis: the method is that of the whole, and frames stay apart."""
    scene = camera().astype(float)
    clean = np.stack([scene[100:196, 90 + moves * t : 90 + moves * t + 96] for t in range(6)]) * 3 + 20
    spoilt = np.round(clean + RNG.normal(0, 30, clean.shape)).clip(0, 65535).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.ome.tif", spoilt, metadata={"axes": "TYX"})
    outcome = run(tmp_path / "a.ome.tif", tmp_path / "b.ome.tif", effort="quick")
    whole = pellucid.denoise(
        spoilt, axes="TYX", effort="quick", hot_pixels="off", lines="off", return_result=True
    )
    assert outcome.decision.choice.method == whole.method
    assert outcome.decision.axis == ("T" if whole.method == "mctf" else "")
    made = tifffile.imread(tmp_path / "b.ome.tif").astype(float)
    theirs = pellucid.denoise(spoilt, axes="TYX", effort="quick", hot_pixels="off", lines="off").astype(float)
    for ours, other, truth in zip(made, theirs, clean, strict=True):
        assert np.square(ours - truth).mean() < 1.1 * np.square(other - truth).mean()


def test_lines_that_a_whole_run_takes_off_are_said_to_stay(tmp_path, small):
    """What the whole of the same picture is said to be rid of, and nothing where there is none."""
    spoilt = noisy(1, sigma=6.0, base=200).astype(float)
    spoilt += 15 * RNG.standard_normal(spoilt.shape[1])[:, None]
    spoilt = spoilt.round().clip(0, 65535).astype(np.uint16)
    np.save(tmp_path / "a.npy", spoilt)
    whole = pellucid.denoise(spoilt[0], "bm3d", sigma=6.0, data_range=1000.0, return_result=True)
    assert any("an offset of every row" in note and "taken off" in note for note in whole.warnings)
    asked = {"method": "bm3d", "sigma": 6.0, "data_range": 1000.0}
    outcome = run(tmp_path / "a.npy", tmp_path / "b.npy", **asked)
    assert any("an offset of every row" in note and "stays" in note for note in outcome.notes)
    np.save(tmp_path / "c.npy", noisy(1, sigma=6.0, base=200))
    for name, more in (("c", {}), ("a", {"lines": "off"})):
        quiet = run(tmp_path / f"{name}.npy", tmp_path / f"{name}-out.npy", **asked, **more)
        assert not any("offset" in note for note in quiet.notes)


def test_scenes_that_a_run_of_slices_shows_are_said_not_to_be_kept_apart(tmp_path, small):
    other = np.roll(CLEAN[::-1, ::-1], 37, 0)
    clean = np.stack([CLEAN] * 4 + [255 - other] * 4) * 3 + 20
    spoilt = np.round(clean + RNG.normal(0, 12, clean.shape)).clip(0, 65535).astype(np.uint16)
    np.save(tmp_path / "a.npy", spoilt)
    asked = {"method": "vbm3d", "sigma": 12.0, "data_range": 1000.0, "axes": "TYX"}
    outcome = run(tmp_path / "a.npy", tmp_path / "b.npy", **asked)
    assert any("2 scenes were seen in 8 neighbouring slices" in note for note in outcome.notes)


def test_a_method_named_for_slices_that_do_not_help_each_other_is_told_of(tmp_path, small):
    clean = np.stack([np.roll(CLEAN, (37 * t, 61 * t), (0, 1)) for t in range(8)]) * 3 + 20
    for name, film in (("apart", clean), ("alike", clean[:1].repeat(8, 0))):
        spoilt = np.round(film + RNG.normal(0, 20, film.shape)).clip(0, 65535).astype(np.uint16)
        np.save(tmp_path / f"{name}.npy", spoilt)
        asked = {"method": "bm4d", "sigma": 20.0, "data_range": 1000.0, "axes": "ZYX"}
        outcome = run(tmp_path / f"{name}.npy", tmp_path / f"{name}-out.npy", **asked)
        assert outcome.decision.choice.method == "bm4d"
        told = [note for note in outcome.notes if "--axis none instead of --method bm4d" in note]
        assert len(told) == (name == "apart")


def test_a_volume_takes_its_slices_together(tmp_path, small):
    clean = np.stack([CLEAN[:96, :96]] * 12) * 3 + 20
    spoilt = np.round(clean + RNG.normal(0, 30, clean.shape)).clip(0).astype(np.uint16)
    source = ome_zarr(tmp_path / "a.zarr", spoilt, levels=1)
    together = run(source, tmp_path / "b.zarr", method="bm4d")
    run(source, tmp_path / "c.zarr", method="bm3d")
    assert together.decision.axis == "Z"
    ours, alone = (
        np.mean((zarr.open_group(str(tmp_path / n), mode="r")["0"][...] - clean) ** 2)
        for n in ("b.zarr", "c.zarr")
    )
    assert ours < 0.6 * alone


def test_colours_with_alpha_and_floats_with_holes_come_back(tmp_path, small):
    rgba = np.stack([camera()[:200, :210]] * 3 + [np.arange(210) % 256 * np.ones((200, 1))], -1)
    rgba = (rgba + RNG.normal(0, 8, rgba.shape) * [1, 1, 1, 0]).clip(0, 255).astype(np.uint8)
    np.save(tmp_path / "a.npy", rgba)
    run(tmp_path / "a.npy", tmp_path / "b.npy", method="nlm", sigma=8.0, data_range=255.0)
    made = np.load(tmp_path / "b.npy")
    np.testing.assert_array_equal(made[..., 3], rgba[..., 3])
    assert made[..., :3].std() < rgba[..., :3].std()
    floats = noisy(1)[0].astype(np.float32)
    floats[40:60, 30:70] = np.nan
    np.save(tmp_path / "c.npy", floats)
    run(tmp_path / "c.npy", tmp_path / "d.npy", method="nlm")
    np.testing.assert_array_equal(np.isnan(np.load(tmp_path / "d.npy")), np.isnan(floats))


def test_a_run_that_was_ended_goes_on_and_does_nothing_twice(tmp_path, small, monkeypatch):
    source = ome_zarr(tmp_path / "a.zarr", noisy(2))
    run(source, tmp_path / "whole.zarr", method="median")
    done = []
    asked = Denoise(method="median"), Output(out=tmp_path)

    def stop():
        return len(done) >= 3

    ended = carry.denoise(source, tmp_path / "b.zarr", *asked, told=lambda n, of: done.append(n), stop=stop)
    assert ended.interrupted
    assert not (tmp_path / "b.zarr").exists()
    with pytest.raises(ValueError, match="holds a run that was not finished"):
        carry.denoise(source, tmp_path / "b.zarr", Denoise(method="nlm"), Output(out=tmp_path))
    went_on = carry.denoise(source, tmp_path / "b.zarr", *asked)
    assert (went_on.before, went_on.regions) == (3, 9)
    first, second = (zarr.open_group(str(tmp_path / n), mode="r") for n in ("whole.zarr", "b.zarr"))
    for level in ("0", "1"):
        np.testing.assert_array_equal(second[level][...], first[level][...])


def test_bad_input_is_one_clear_error(tmp_path, small, monkeypatch):
    source = ome_zarr(tmp_path / "a.zarr", noisy(2))
    target = tmp_path / "b.zarr"
    with pytest.raises(ValueError, match="another store than the input"):
        run(source, source)
    with pytest.raises(ValueError, match="another store than the input"):
        run(source, source / "b.zarr")
    with pytest.raises(ValueError, match="mask does not apply region by region"):
        run(source, target, mask=tmp_path / "m.png")
    with pytest.raises(ValueError, match="dip is fitted to the picture"):
        run(source, target, method="dip")
    with pytest.raises(ValueError, match="axis='z' must be an axis of several slices"):
        run(ome_zarr(tmp_path / "one.zarr", noisy(1)), target, method="bm4d", axis="z")
    with pytest.raises(ValueError, match="memory must be at least"):
        carry.denoise(source, target, Denoise(method="nlm"), Output(out=target, memory="100MB"))
    with pytest.raises(ValueError, match="memory must be a size"):
        carry.denoise(source, target, Denoise(), Output(out=target, memory="much"))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(OSError, match="Free some space"):
        run(source, target, method="nlm")
    monkeypatch.undo()
    assert not target.exists()


def test_chunks_that_a_writer_left_out_hold_the_fill_value(tmp_path, small, monkeypatch):
    """By the specification of Zarr; the result is that of the store with all of its chunks."""
    monkeypatch.setattr(carry, "WAIT", 0.01)
    spoilt = noisy(2)
    spoilt[1, 64:192, 64:192] = 0
    whole = ome_zarr(tmp_path / "a.zarr", spoilt)
    sparse = shutil.copytree(whole, tmp_path / "s.zarr")
    left_out = [sparse / "0" / f"1.{y}.{x}" for y in (1, 2) for x in (1, 2)]
    for chunk in left_out:
        chunk.unlink(missing_ok=True)
    run(whole, tmp_path / "b.zarr", method="nlm", sigma=12.0, data_range=1000.0)
    other = run(sparse, tmp_path / "c.zarr", method="nlm", sigma=12.0, data_range=1000.0)
    assert any("4 of 32 chunks are not there: they hold 0 throughout" in note for note in other.notes)
    first, second = (zarr.open_group(str(tmp_path / n), mode="r")["0"][...] for n in ("b.zarr", "c.zarr"))
    np.testing.assert_array_equal(first, second)
    run(sparse, tmp_path / "d.zarr", method="nlm", nodata=0)
    assert not zarr.open_group(str(tmp_path / "d.zarr"), mode="r")["0"][1, 64:192, 64:192].any()


def test_hot_pixels_of_the_sensor_and_single_ones_go(tmp_path, small):
    clean = noisy(6, sigma=6.0)
    spoilt = clean.copy()
    stay = [(20, 30), (127, 128), (150, 200)]
    for y, x in stay:
        spoilt[:, y, x] += 1500
    spoilt[2, 100, 60] = 65535
    np.save(tmp_path / "a.npy", spoilt)
    asked = {"method": "nlm", "sigma": 6.0, "data_range": 1000.0, "axes": "TYX"}
    outcome = run(tmp_path / "a.npy", tmp_path / "b.npy", **asked)
    assert [place[1:] for place in outcome.decision.hot] == stay
    assert any("3 hot or dead pixels replaced" in note for note in outcome.notes)
    made = np.load(tmp_path / "b.npy").astype(float)
    for y, x in stay:
        assert np.abs(made[:, y, x] - clean[:, y, x]).max() < 300
    assert abs(made[2, 100, 60] - clean[2, 100, 60]) < 100
    kept = run(tmp_path / "a.npy", tmp_path / "c.npy", hot_pixels="off", **asked)
    assert kept.decision.hot == ()
    assert np.load(tmp_path / "c.npy")[2, 100, 60] > 30_000


@pytest.mark.parametrize("version", [2, 3])
def test_floats_that_are_neither_rounded_nor_cut_off(tmp_path, small, version):
    spoilt = noisy(2)
    source = ome_zarr(tmp_path / "a.zarr", spoilt, version=version)
    asked = {"method": "nlm", "sigma": 12.0, "data_range": 1000.0}
    run(source, tmp_path / "b.zarr", **asked)
    run(source, tmp_path / "f.zarr", dtype="float32", **asked)
    whole, floats = (zarr.open_group(str(tmp_path / n), mode="r") for n in ("b.zarr", "f.zarr"))
    assert [floats[level].dtype for level in "01"] == [np.float32] * 2
    assert floats["0"].chunks == whole["0"].chunks
    assert dict(floats.attrs) == dict(whole.attrs)
    np.testing.assert_array_equal(np.rint(floats["0"][...]), whole["0"][...])
    assert np.abs(floats["0"][...] - whole["0"][...]).max() > 0.3
    expected = pyramid.reduced(floats["0"][...], region.whole((2, 100, 120)), spoilt.shape, (2, 100, 120))
    np.testing.assert_array_equal(floats["1"][...], expected)


def test_floats_of_files(tmp_path, small):
    spoilt = noisy(2)
    np.save(tmp_path / "a.npy", spoilt)
    tifffile.imwrite(tmp_path / "a.ome.tif", spoilt, metadata={"axes": "ZYX"}, tile=(64, 64))
    asked = {"method": "nlm", "sigma": 12.0, "data_range": 1000.0, "dtype": "float32"}
    run(tmp_path / "a.npy", tmp_path / "b.npy", **asked)
    run(tmp_path / "a.ome.tif", tmp_path / "b.ome.tif", **asked)
    made = np.load(tmp_path / "b.npy")
    assert made.dtype == np.float32
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as file:
        assert 'Type="float"' in file.ome_metadata
        assert file.series[0].axes == "ZYX"
        np.testing.assert_array_equal(file.asarray(), made)


def test_a_store_that_lacks_chunks_and_is_being_written_is_refused(tmp_path, small, monkeypatch):
    source = ome_zarr(tmp_path / "a.zarr", noisy(2))
    next((source / "0").glob("1.*")).unlink()
    (source / "0" / "1.0.0.partial").write_bytes(b"half")
    with pytest.raises(
        ValueError, match=r"1 of 32 chunks .* being written \(1.0.0.partial is half written\)"
    ):
        run(source, tmp_path / "b.zarr", method="nlm")
    (source / "0" / "1.0.0.partial").unlink()

    def grow(seconds):
        zarr.open_group(str(source))["0"][0, 0, 0] = 7

    monkeypatch.setattr(carry.time, "sleep", grow)
    with pytest.raises(ValueError, match=r"being written \(it grows\). Run again when it is whole"):
        run(source, tmp_path / "b.zarr", method="nlm")
    assert not (tmp_path / "b.zarr").exists()


def test_a_store_that_is_written_to_meanwhile_gives_no_result(tmp_path, small):
    source = ome_zarr(tmp_path / "a.zarr", noisy(2))

    def write(done, count):
        if done == 1:
            zarr.open_group(str(source))["0"][0, 0, 0] = 7

    with pytest.raises(ValueError, match="was written to while it was read"):
        carry.denoise(source, tmp_path / "b.zarr", Denoise(method="nlm"), Output(out=tmp_path), told=write)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zarr"]
    np.save(tmp_path / "a.npy", noisy(2))

    def write_npy(done, count):
        if done == 1:
            np.save(tmp_path / "a.npy", noisy(2) + 1)

    with pytest.raises(ValueError, match="was written to while it was read"):
        carry.denoise(
            tmp_path / "a.npy",
            tmp_path / "b.npy",
            Denoise(method="nlm"),
            Output(out=tmp_path),
            told=write_npy,
        )
    assert not (tmp_path / "b.npy").exists()


def test_the_command(tmp_path, capsys, monkeypatch):
    source = ome_zarr(tmp_path / "a.zarr", noisy(2), axes="tyx", version=3)
    words = ["denoise", str(source), "-o", str(tmp_path / "b.zarr"), "--method", "nlm", "--json"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--memory", "1500MB"])
    told = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert (told["method"], told["regions"]) == ("nlm", 2)
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 1
    assert "exists. Pass --overwrite" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["upscale", str(source), "-o", str(tmp_path / "c.zarr")])
    assert ended.value.code == 2
    assert "upscale works on whole pictures" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["denoise", str(tmp_path), "-o", str(tmp_path / "out"), "--method", "median"])
    assert ended.value.code == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.zarr", "b.zarr"]


def test_processes_of_one_thread_give_the_same_and_inspect_says_what_would_be_done(tmp_path, small, capsys):
    source = ome_zarr(tmp_path / "a.zarr", noisy(2))
    run(source, tmp_path / "b.zarr", method="nlm")
    asked = Output(out=tmp_path, jobs=2)
    carry.denoise(source, tmp_path / "c.zarr", Denoise(method="nlm"), asked)
    one, other = (zarr.open_group(str(tmp_path / n), mode="r")["0"][...] for n in ("b.zarr", "c.zarr"))
    np.testing.assert_array_equal(one, other)
    with pytest.raises(SystemExit) as ended:
        main(["inspect", str(source), "--json"])
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert 10 < told["noise"]["sigma_file_units"][0] < 14


def test_sizes_in_words():
    assert memory.parsed("800 MB") == 800_000_000
    with pytest.raises(ValueError, match="such as 2GB"):
        memory.parsed("-3")
