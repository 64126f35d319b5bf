"""Crops: functions of (seed, step, sample); a split that never leaks; pairs that show one scene."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from pellucid import seeds
from pellucid.data import Options, adding, open_data
from pellucid.data.cache import Cache
from pellucid.data.crops import Region, split, turned
from pellucid.data.folder import copies, images_in
from pellucid.data.sequence import change
from pellucid.data.source import Decoded, Mapped, open_source
from pellucid.files import read
from pellucid.shots.moving import moved

OPTIONS = Options(patch=16, batch=2, seed=3)


def scene(side=64, seed=0):
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.random((1, 1, 8, 8), dtype=np.float32))
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic")[0, 0].numpy() * 0.6 + 0.2


def save(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(np.clip(values * 255, 0, 255).round().astype(np.uint8)).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    for i in range(6):
        save(tmp_path / "in" / f"f{i}.png", scene(seed=i))
    return tmp_path / "in"


def same(one, two):
    return all(
        (a is None and b is None) or (torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b)
        for a, b in ((getattr(one, f.name), getattr(two, f.name)) for f in dataclasses.fields(one))
    )


NOISES = ["gaussian:0-50", "poisson:5-50", "speckle:0-0.2", "correlated:5-30,1", "camera:100-1000,1,90",
          "poisson-gaussian:10-40,0-5+clip:8", "gaussian:0-50|correlated:0-50,1",
          "correlated:5-30,0-2,0-0.8", "spectrum:5-30"]  # fmt: skip


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("fixed", [0, 3])
def test_every_draw_is_a_function_of_seed_step_and_sample(folder, noise, fixed):
    options = dataclasses.replace(OPTIONS, noise=noise, fixed=fixed)
    one, two = (open_data(folder, options, "pairs") for _ in range(2))
    two.sample(8, 1)  # drawing others before changes nothing
    sample = one.sample(5, 1)
    assert same(sample, two.sample(5, 1))
    assert not same(sample, one.sample(5, 0))
    assert not same(sample, one.sample(6, 1))
    other = open_data(folder, dataclasses.replace(options, seed=4), "pairs")
    assert not same(sample, other.sample(5, 1))
    assert sample.noisy.shape == sample.other.shape == (1, 16, 16)
    assert not torch.equal(sample.noisy, sample.other)


def test_batches_stack_the_samples(folder):
    data = open_data(folder, dataclasses.replace(OPTIONS, noise="gaussian:25"), "clean pairs")
    batch = data.batch(7, first=2)
    assert torch.equal(batch.noisy[1], data.sample(7, 3).noisy)
    assert torch.equal(batch.clean[0], data.sample(7, 2).clean)
    assert batch.other is None
    assert batch.sigma.flatten().tolist() == pytest.approx([25 / 255] * 2)


def test_standardised_units(folder):
    data = open_data(folder, dataclasses.replace(OPTIONS, noise="gaussian:25"), "pairs")
    data.standardise()
    noisy = torch.cat([data.batch(i).noisy for i in range(100)])
    assert float(noisy.mean()) == pytest.approx(0, abs=0.2)
    assert float(noisy.std()) == pytest.approx(1, abs=0.2)
    assert float(data.batch(0).sigma[0]) == pytest.approx(25 / 255 / float(data.std))


@pytest.mark.parametrize("noise", ["gaussian:20-20", "correlated:20,1", "spectrum:20"])
def test_level_is_what_was_drawn(folder, noise):
    options = Options(patch=64, batch=1, noise=noise, flips=False)
    made = open_data(folder, options, "clean pairs").sample(0, 0)
    assert made.sigma == pytest.approx(20 / 255, rel=0.25)
    assert float((made.noisy - made.clean).std()) == pytest.approx(20 / 255, rel=0.25)


def test_fixed_versions_are_finite_and_redrawn_ones_are_not(tmp_path):
    save(tmp_path / "in" / "flat.png", np.full((16, 16), 0.5, np.float32))

    def count(**changes):
        options = Options(patch=16, batch=1, noise="gaussian:10", flips=False, held_out=0, **changes)
        data = open_data(tmp_path / "in", options, "pairs")
        made = [data.sample(i, 0) for i in range(40)]
        return {m.noisy.numpy().tobytes() for m in made} | {m.other.numpy().tobytes() for m in made}

    assert len(count(fixed=3)) == 3
    assert len(count()) == 80


def test_the_target_may_be_the_mean_of_many_draws(tmp_path):
    save(tmp_path / "in" / "flat.png", np.full((64, 64), 0.4, np.float32))
    options = Options(patch=64, batch=1, seed=3, noise="gaussian:30", held_out=0)
    one = open_data(tmp_path / "in", options, "pairs")
    many = open_data(tmp_path / "in", dataclasses.replace(options, draws=9), "pairs")
    assert one.fingerprint() != many.fingerprint()
    for i in range(3):
        plain, made = one.sample(i, 0), many.sample(i, 0)
        inputs, target = made.noisy - 102 / 255, made.other - 102 / 255
        # Unbiased, a ninth of the variance, and independent of the input's noise.
        assert float(target.mean()) == pytest.approx(0, abs=4 * 30 / 255 / 3 / 64)
        assert float(target.std()) == pytest.approx(30 / 255 / 3, rel=0.05)
        assert float(inputs.std()) == pytest.approx(30 / 255, rel=0.05)
        assert abs(float((inputs * target).mean() / inputs.std() / target.std())) < 4 / 64
        assert float((plain.other - 102 / 255).std()) == pytest.approx(30 / 255, rel=0.05)


def test_several_draws_have_the_level_of_the_input_and_one_is_as_ever():
    clean = torch.full((1, 64, 64), 0.5)
    kinds = adding.parse("gaussian:1-60")
    for seed in range(5):
        first, target = adding.pair(kinds, clean, seeds.generator(seed, "t"), 4)
        assert float((first.noisy - 0.5).std()) == pytest.approx(first.sigma, rel=0.05)
        assert float((target - 0.5).std()) == pytest.approx(first.sigma / 2, rel=0.05)
    draws = seeds.generator(0, "t")
    two = [adding.add(kinds, clean, draws) for _ in range(2)]
    first, target = adding.pair(kinds, clean, seeds.generator(0, "t"), 1)
    assert torch.equal(first.noisy, two[0].noisy)
    assert torch.equal(target, two[1].noisy)


def test_draws_are_for_noise_that_is_added_anew(folder, tmp_path):
    for changes in ({"noise": ""}, {"noise": "gaussian:5", "fixed": 2}):
        with pytest.raises(ValueError, match="draws=4 is for noise that is added anew"):
            dataclasses.replace(OPTIONS, draws=4, **changes)
    options = dataclasses.replace(OPTIONS, noise="gaussian:5", draws=4)
    with pytest.raises(ValueError, match="the clean crop itself is the target"):
        open_data(folder, options, "pairs", pairs=str(folder), clean=folder)


def test_flips_have_eight_ways_and_keep_views_together(folder):
    square = torch.arange(9.0).view(1, 3, 3)
    assert len({tuple(turned(square, way).flatten().tolist()) for way in range(8)}) == 8
    data = open_data(folder, OPTIONS, "pairs", pairs=str(folder))
    for i in range(10):
        made = data.sample(i, 0)
        assert torch.equal(made.noisy, made.other)


def test_gray_and_scales(tmp_path):
    rgb = np.stack([scene(seed=s) for s in range(3)], -1)
    save(tmp_path / "in" / "a.png", rgb)
    save(tmp_path / "in" / "b.png", scene(seed=9))
    options = Options(patch=16, batch=2, noise="gaussian:5", gray=True, scales=(0.5, 1.0, 2.0))
    data = open_data(tmp_path / "in", options, "pairs")
    assert data.channels == 1
    assert data.batch(0).noisy.shape == (2, 1, 16, 16)
    with pytest.raises(ValueError, match="noise of pictures that are noisy already"):
        Options(patch=16, batch=1, scales=(2.0,))


def test_clean_images_are_mixed_in_with_noise_of_their_own(tmp_path, folder):
    save(tmp_path / "clean" / "c.png", np.full((32, 32), 0.9, np.float32))
    options = dataclasses.replace(OPTIONS, noise="gaussian:2", share=0.5)
    data = open_data(folder, options, "pairs", pairs=str(folder), clean=tmp_path / "clean")
    made = [data.sample(i, 0) for i in range(60)]
    mixed = [m for m in made if m.sigma is not None]
    assert 15 < len(mixed) < 45
    assert all(float(m.other.std()) < 1e-6 < float(m.noisy.std()) for m in mixed)
    assert all(torch.equal(m.noisy, m.other) for m in made if m.sigma is None)
    assert all(m.sigma is None for m in data.held_out(10))


# The split


@given(
    sizes=st.lists(st.tuples(st.integers(1, 40), *[st.integers(4, 90)] * 2), min_size=1, max_size=8),
    fraction=st.floats(0, 0.9), seed=st.integers(0, 5), side=st.integers(8, 24), gap=st.integers(1, 2),
)  # fmt: skip
@example(sizes=[(10, 8, 8)], fraction=0.875, seed=0, side=8, gap=1)
@settings(deadline=None, max_examples=200)
def test_split_never_leaks(sizes, fraction, seed, side, gap):
    regions = [
        Region(source=i, first=0, last=n, top=0, bottom=h, left=0, right=w)
        for i, (n, h, w) in enumerate(sizes)
    ]
    groups = [f"g{i // 2}" for i in range(len(sizes))]
    if not any(r.holds(side) for r in regions):
        with pytest.raises(ValueError, match="do not fit into any image"):
            split(regions, groups, fraction=fraction, side=side, seed=seed, gap=gap)
        return
    parts = split(regions, groups, fraction=fraction, side=side, seed=seed, gap=gap)
    assert parts.training
    assert all(r.holds(side) for r in (*parts.training, *parts.held_out))
    fitting = {groups[r.source] for r in regions if r.holds(side)}
    if len(fitting) > 1:
        learnt = {groups[r.source] for r in parts.training}
        assert learnt.isdisjoint({groups[r.source] for r in parts.held_out})
        assert bool(parts.held_out) == (fraction > 0)
        return
    for one in parts.training:
        for two in (r for r in parts.held_out if r.source == one.source):
            assert one.last + gap <= two.first or one.bottom < two.top


def test_same_split_for_the_same_names_whatever_their_order():
    regions = [Region(source=i, first=0, last=1, top=0, bottom=9, left=0, right=9) for i in range(9)]
    groups = [f"file{i}" for i in range(9)]

    def out(order):
        parts = split([regions[i] for i in order], [groups[i] for i in order], fraction=0.3, side=8, seed=1)
        return {groups[r.source] for r in parts.held_out}

    assert out(range(9)) == out([8, 3, 1, 0, 2, 4, 5, 6, 7])
    assert len(out(range(9))) == 3


def test_copies_share_a_side(tmp_path):
    for name in "abcd":
        save(tmp_path / f"{name}.png", scene(seed=0 if name in "ad" else ord(name)))
    keys = dict(zip("abcd", copies(images_in(tmp_path)), strict=True))
    assert keys["a"] == keys["d"]
    assert len(set(keys.values())) == 3


# Sources


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", ">u2"])
@pytest.mark.parametrize("kind", ["npy", "tif", "tif-zlib"])
def test_crops_equal_those_of_the_reader(tmp_path, dtype, kind):
    rng = np.random.default_rng(0)
    array = (rng.random((5, 30, 40)) * (1 if "f" in dtype else 250)).astype(dtype)
    path = tmp_path / f"s.{kind[:3]}"
    if kind == "npy":
        np.save(path, array)
    else:
        tifffile.imwrite(path, array, photometric="minisblack", compression=kind[4:] or None)
    source = open_source(path, Cache())
    assert isinstance(source, Decoded if kind == "tif-zlib" else Mapped)
    expected = read(path).pixels
    assert source.shape == expected.shape
    crop = source.crop(3, slice(2, 20), slice(5, 33))
    assert np.abs(crop - expected[3, :, 2:20, 5:33]).max() < 1e-6


@pytest.mark.parametrize("axes", ["TZCYX", "TCZYX", "CYX", "YXS"])
def test_mapped_axes(tmp_path, axes):
    shape = tuple({"T": 3, "Z": 2, "C": 2, "Y": 20, "X": 24, "S": 3}[a] for a in axes)
    array = np.random.default_rng(0).integers(0, 4000, shape).astype(np.uint16)
    path = tmp_path / "s.ome.tif"
    metadata = {"axes": axes}
    tifffile.imwrite(path, array, metadata=metadata, photometric="rgb" if "S" in axes else "minisblack")
    source = open_source(path, Cache())
    expected = read(path).pixels
    for number in range(source.shape[0]):
        assert np.abs(source.crop(number, slice(0, 20), slice(0, 24)) - expected[number]).max() < 1e-6


def test_stacks_of_one_set_share_their_unit(tmp_path):
    (tmp_path / "in").mkdir()
    for i, top in enumerate((900, 3000)):
        np.save(tmp_path / "in" / f"{i}.npy", np.full((30, 30), top, np.uint16))
    data = open_data(tmp_path / "in", Options(patch=8, batch=1, held_out=0), "noisy")
    assert data.pool.facts.white == 4095
    values = {round(float(data.sample(i, 0).noisy.mean()) * 4095) for i in range(20)}
    assert values == {900, 3000}


def test_a_file_that_cannot_be_read_is_left_out_and_said(folder):
    (folder / "bad.png").write_bytes(b"nothing")
    data = open_data(folder, OPTIONS, "noisy")
    assert data.pool.facts.pictures == 6
    assert "bad.png" in data.pool.facts.left_out[0]


def test_nan_in_a_mapped_stack_says_where(tmp_path):
    array = np.full((30, 30), 0.5, np.float32)
    array[3, 4] = np.nan
    np.save(tmp_path / "x.npy", array)
    source = Mapped(
        name="x.npy", array=array[None, None], white=1.0, color=False, axes="YX", lengths=(30, 30)
    )
    with pytest.raises(ValueError, match=r"x\.npy: pixels must be finite"):
        source.crop(0, slice(0, 8), slice(0, 8))


# Pairs


def noisy(values, seed, sigma=0.05):
    return values + np.random.default_rng(seed).normal(0, sigma, values.shape)


def test_shots_are_laid_on_each_other_and_strangers_refused(tmp_path):
    for s in range(2):
        big = torch.from_numpy(scene(160, seed=s))[None]
        for i, shift in enumerate([(0, 0), (2, -3), (1.5, 0.5)]):
            view = moved(big, *shift)[0, 16:144, 16:144].numpy()
            save(tmp_path / "in" / f"scene{s}" / f"{i}.png", noisy(view, 10 * s + i, 0.03))
    save(tmp_path / "in" / "scene1" / "stranger.png", noisy(scene(128, seed=77), 5))
    save(tmp_path / "in" / "single" / "a.png", scene(128))
    data = open_data(tmp_path / "in", Options(patch=32, batch=1, held_out=0), "pairs", pairs="shots")
    facts = data.pool.facts
    assert facts.pictures == 6
    assert any("stranger.png" in words and "one scene" in words for words in facts.left_out)
    assert any("scene single" in words for words in facts.left_out)
    for i in range(20):
        made = data.sample(i, 0)
        # Shots that lie on each other differ by their noise alone.
        assert float((made.noisy - made.other).std()) / 2**0.5 == pytest.approx(0.03, rel=0.2)


def test_exposures_are_brought_to_the_brightness_of_the_input(tmp_path):
    clean = scene(128, seed=2)
    for i, gain in enumerate((1.0, 0.5)):
        save(tmp_path / "in" / "s" / f"{i}.png", noisy(clean * gain, i, 0.01))
    options = Options(patch=64, batch=1, held_out=0, flips=False)
    with pytest.raises(ValueError, match=r"brightness differs.*--pairs exposures"):
        open_data(tmp_path / "in", options, "pairs", pairs="shots")
    data = open_data(tmp_path / "in", options, "pairs", pairs="exposures")
    seen = set()
    for i in range(12):
        made = data.sample(i, 0)
        assert float(made.noisy.mean() - made.other.mean()) == pytest.approx(0, abs=0.005)
        seen.add(round(float(made.noisy.max() - made.noisy.min()), 1))
    assert len(seen) > 1  # dark and bright ones are inputs


def test_frames_pair_neighbours_and_avoid_what_moves(tmp_path):
    rng = np.random.default_rng(0)
    clean = scene(96, seed=1)
    stack = np.stack([clean] * 30)
    for t in range(30):  # a bright square runs along the top
        stack[t, 4:24, 3 * t : 3 * t + 20] += 0.5
    np.save(tmp_path / "s.npy", (stack + rng.normal(0, 0.05, stack.shape)).astype(np.float32))
    data = open_data(tmp_path / "s.npy", Options(patch=16, batch=1, flips=False), "pairs", pairs="frames")
    differences = [data.sample(i, 0) for i in range(60)]
    stds = [float((m.noisy - m.other).std()) for m in differences]
    assert max(stds) < 0.05 * 2**0.5 * 1.3
    (train,), (out,) = data.parts.training, data.parts.held_out
    assert train.last + 2 <= out.first


def test_what_moves_by_parts_of_a_pixel_everywhere_is_laid_on_its_place(tmp_path):
    """The pairs against the noise that was drawn: nothing but that is left of the difference."""
    from scipy.ndimage import gaussian_filter, map_coordinates
    from skimage.data import camera

    y, x = np.mgrid[:128, :128].astype(float)
    still = gaussian_filter(camera() / 255.0, 0.8)
    film = np.stack([map_coordinates(still, [y + 90 + 0.7 * t, x + 170 + 1.4 * t]) for t in range(12)])
    film += np.random.default_rng(0).normal(0, 0.03, film.shape)
    np.save(tmp_path / "s.npy", film.astype(np.float32))
    options = Options(patch=32, batch=1, flips=False)
    data = open_data(tmp_path / "s.npy", options, "pairs", pairs="frames")
    made = [data.sample(i, 0) for i in range(24)]
    left = np.mean([float((m.noisy - m.other).square().mean()) for m in made])
    assert left < 1.5 * 2 * 0.03**2
    unmoved = np.square(np.diff(film, axis=0)).mean()
    assert unmoved > 4 * left
    assert not data.pool.facts.notes


def test_frames_that_show_other_things_are_told(tmp_path):
    film = np.stack([scene(96, seed=t) for t in range(6)])
    film += np.random.default_rng(0).normal(0, 0.01, film.shape)
    np.save(tmp_path / "s.npy", film.astype(np.float32))
    data = open_data(tmp_path / "s.npy", Options(patch=32, batch=1), "pairs", pairs="frames")
    assert "a model learns from that to blur" in data.pool.facts.notes[0]


def test_change_is_about_one_for_any_level_of_noise():
    draws = torch.Generator().manual_seed(0)
    for sigma in (0.01, 1.0):
        still = [sigma * torch.randn(3, 64, 64, generator=draws) for _ in range(2)]
        assert 0.5 < change(*still) < 1.6


def test_pictures_of_a_folder_are_frames_in_natural_order(tmp_path):
    for i in (10, 9, 8):
        save(tmp_path / f"f{i}.png", np.full((24, 24), i / 20, np.float32))
    pool = open_data(tmp_path, Options(patch=8, batch=1), "pairs", pairs="frames").pool
    assert [source.name for source, _ in pool.sequences[0]] == ["f8.png", "f9.png", "f10.png"]


def test_two_folders_must_agree(tmp_path, folder):
    other = tmp_path / "other"
    for i in range(6):
        save(other / f"f{i}.png", scene(seed=i, side=64 if i else 60))
    with pytest.raises(ValueError, match="one size"):
        open_data(folder, OPTIONS, "pairs", pairs=str(other))
    (other / "f0.png").unlink()
    with pytest.raises(ValueError, match=r"1 of 6 have no partner; the first is f0\.png"):
        open_data(folder, OPTIONS, "pairs", pairs=str(other))


@pytest.mark.parametrize(
    ("sees", "changes", "arguments", "words"),
    [
        ("pairs", {}, {}, "needs pairs"),
        ("clean pairs", {}, {}, "needs clean pairs"),
        ("clean pairs", {}, {"pairs": "frames"}, "needs clean targets"),
        ("noisy", {}, {"pairs": "shots"}, "does not apply"),
        ("pairs", {}, {"pairs": "shoots"}, "must be one of shots, exposures, frames"),
        ("pairs", {"noise": "gaussian:5"}, {"pairs": "shots"}, "Keep one of them"),
        ("pairs", {"noise": "gaussian:5", "fixed": 1}, {}, "at least 2"),
        ("noisy", {"patch": 128}, {}, r"do not fit into any image, the largest is 64.*patch=64"),
    ],
)
def test_choices_that_do_not_go_together(folder, sees, changes, arguments, words):
    with pytest.raises(ValueError, match=words):
        open_data(folder, dataclasses.replace(OPTIONS, **changes), sees, **arguments)


@pytest.mark.parametrize(
    ("field", "value"),
    [("patch", 4), ("held_out", 1.0), ("share", 2.0), ("fixed", -1), ("noise", "gausian:5"), ("scales", ())],
)
def test_options_name_the_field(field, value):
    with pytest.raises(ValueError, match=field):
        Options(**({"patch": 16, "batch": 1} | {field: value}))


def test_no_folder_and_no_images(tmp_path):
    with pytest.raises(FileNotFoundError, match="folder of images or a stack"):
        open_data(tmp_path / "none", OPTIONS, "noisy")
    save(tmp_path / "in" / "scene" / "a.png", scene())
    with pytest.raises(ValueError, match="one folder per scene"):
        open_data(tmp_path / "in", OPTIONS, "noisy")


@pytest.mark.parametrize("kind", ["npy", "tif"])
def test_a_mapped_stack_stays_on_the_disk(tmp_path, kind):
    """512 MB, sparse: cropping from all over it takes next to no memory of its own."""
    shape, path = (256, 1024, 1024), tmp_path / f"s.{kind}"
    if kind == "npy":
        array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint16, shape=shape)
    else:
        array = tifffile.memmap(path, shape=shape, dtype=np.uint16, photometric="minisblack")
    array[::40, :64, :64] = 900
    array.flush()
    del array
    before = anonymous()
    data = open_data(path, Options(patch=64, batch=4), "noisy")
    for step in range(50):
        data.batch(step)
    assert anonymous() - before < 64e6
    assert data.pool.facts.white == 1023


def anonymous():
    """Bytes of anonymous memory, of which a mapped file takes none (Linux only)."""
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("needs /proc")
    return next(int(line.split()[1]) * 1e3 for line in status.read_text().splitlines() if "RssAnon" in line)
