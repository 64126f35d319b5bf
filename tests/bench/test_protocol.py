"""The protocol: noise streams, crops, what is stored, and scores of files."""

import numpy as np
import pytest
import torch
from bench_pictures import clean_set, noisy, pair_set, save, truth
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pellucid import files
from pellucid.bench import datasets, inputs, protocol
from pellucid.bench.spec import parse_set

GREY = np.full((3, 64, 64), 0.5, np.float32)


def draw(text="Set9:gaussian:25", image="a", seed=0, clean=GREY, shot=1):
    spec = parse_set(text)
    return protocol.add_noise(clean, spec, spec.name, image, seed, shot=shot)[0]


def test_noise_is_a_function_of_set_image_and_seed_alone():
    assert np.array_equal(draw(), draw())
    others = [draw("Set12:gaussian:25"), draw(image="b"), draw(seed=1), draw(shot=2)]
    assert all(not np.array_equal(draw(), other) for other in others)
    # The level scales the same draw.
    assert np.allclose((draw("Set9:gaussian:50") - 0.5), 2 * (draw() - 0.5), atol=1e-6)
    assert draw().std() == pytest.approx(25 / 255, rel=0.02)


def test_the_noise_of_protocol_1_is_frozen():
    """Figures of the first values: whoever changes them raises protocol.VERSION."""
    assert protocol.VERSION == 1
    first = draw()[0, 0, :3] * 255
    assert first.tolist() == pytest.approx(FROZEN, abs=1e-3)


FROZEN = [97.0124, 113.9665, 151.1271]


def test_levels_of_a_range_are_drawn_for_each_image():
    spec = parse_set("Set9:gaussian:10-50")
    levels = [float(protocol.level(spec, "Set9", f"p{i}", 0)) for i in range(200)]
    assert min(levels) >= 10
    assert max(levels) <= 50
    assert np.mean(levels) == pytest.approx(30, abs=2.5)
    noisy_one, sigma = protocol.add_noise(GREY, spec, "Set9", "p0", 0)
    assert sigma == pytest.approx(levels[0] / 255)
    assert noisy_one.std() == pytest.approx(sigma, rel=0.03)


def test_clipping_is_named():
    dark = np.zeros((1, 64, 64), np.float32)
    assert draw(clean=dark).min() < -0.1
    cut = draw("Set9:gaussian:25:clip", clean=dark)
    assert cut.min() == 0
    assert np.allclose(np.rint(cut * 255), cut * 255, atol=1e-4)


def test_the_crop_is_the_centre_and_comes_after_the_noise(tmp_path):
    root = clean_set(tmp_path / "data", 1)
    spec = parse_set("Set9:gaussian:25")
    found = datasets.find("Set9", root)
    (sample,) = found.samples
    whole = inputs.prepare(tmp_path / "r", spec, "Set9", sample, crop=None, seed=3)
    part = inputs.prepare(tmp_path / "r", spec, "Set9", sample, crop=20, seed=3)
    a, b = (files.read(i.folder / i.given[0], data_range=i.white).pixels[0] for i in (whole, part))
    assert np.array_equal(a[:, 10:30, 10:30], b)
    assert part.sigma == 25 / 255
    truth_file = files.read(part.folder / part.clean).pixels[0] * 255
    assert np.array_equal(np.rint(truth_file), truth().transpose(2, 0, 1)[:, 10:30, 10:30])


def test_inputs_of_synthetic_noise_are_floats_unless_clipped(tmp_path):
    root = clean_set(tmp_path / "data", 1)
    (sample,) = datasets.find("Set9", root).samples
    free = inputs.prepare(tmp_path / "r", parse_set("Set9:gaussian:80"), "Set9", sample, crop=None, seed=0)
    image = files.read(free.folder / free.given[0], data_range=free.white)
    assert image.dtype == "float32"
    assert image.pixels.min() < -0.1
    assert (free.dtype, free.scale) == ("uint8", 255)
    assert free.noisy_psnr == pytest.approx(20 * np.log10(255 / 80), abs=0.3)
    seen = files.read(free.folder / free.noisy)
    assert seen.dtype == "uint8"
    cut = inputs.prepare(
        tmp_path / "r", parse_set("Set9:gaussian:80:clip"), "Set9", sample, crop=None, seed=0
    )
    assert cut.given[0] == cut.noisy
    assert files.read(cut.folder / cut.given[0]).dtype == "uint8"
    assert cut.noisy_psnr > free.noisy_psnr + 1
    assert np.array_equal(
        protocol.stored(image.pixels[0], "uint8", 255.0),
        np.rint(files.read(cut.folder / cut.given[0]).pixels[0] * 255).astype(np.uint8),
    )


def test_inputs_are_made_once_and_again_with_the_same_bits(tmp_path):
    root = clean_set(tmp_path / "data", 1)
    (sample,) = datasets.find("Set9", root).samples
    spec = parse_set("Set9:gaussian:25")
    one = inputs.prepare(tmp_path / "r", spec, "Set9", sample, crop=32, seed=0)
    bits = {p.name: p.read_bytes() for p in one.folder.iterdir()}
    assert inputs.prepare(tmp_path / "r", spec, "Set9", sample, crop=32, seed=0) == one
    (one.folder / inputs.NAME).unlink()
    two = inputs.prepare(tmp_path / "r", spec, "Set9", sample, crop=32, seed=0)
    assert two == one
    pixels = {n for n in bits if n != inputs.NAME}
    for name in pixels:
        assert np.array_equal(files.read(two.folder / name).pixels, _read(bits[name], tmp_path / name))


def test_a_picture_that_has_changed_is_not_mixed_with_the_old_one(tmp_path):
    root = pair_set(tmp_path / "data", 1)
    (sample,) = datasets.find("CC15", root).samples
    asked = {"crop": 32, "seed": 0}
    inputs.prepare(tmp_path / "r", parse_set("CC15"), "CC15", sample, **asked)
    save(truth(1), root / "real/CC15/scene0_mean.png")
    with pytest.raises(ValueError, match="another picture"):
        inputs.prepare(tmp_path / "r", parse_set("CC15"), "CC15", sample, **asked)
    inputs.prepare(tmp_path / "s", parse_set("CC15"), "CC15", sample, **asked)


def _read(content, path):
    path.write_bytes(content)
    return files.read(path).pixels


def test_pairs_keep_their_bits_and_their_depth(tmp_path):
    root = pair_set(tmp_path / "data", 1)
    (sample,) = datasets.find("CC15", root).samples
    made = inputs.prepare(tmp_path / "r", parse_set("CC15"), "CC15", sample, crop=None, seed=0)
    assert np.array_equal(files.to_array(files.read(made.folder / made.given[0])), noisy())
    assert made.noisy_psnr == pytest.approx(peak_signal_noise_ratio(truth(), noisy()), abs=1e-6)
    error = (noisy().astype(float) - truth()) / 255
    assert made.sigma == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-6)


def test_deep_pairs_share_one_white(tmp_path):
    deep = truth().astype(np.uint16)[..., 0] * 15  # 12 bits
    for name, pixels in (("noisy/a.png", deep + 300), ("clean/a.png", deep // 8)):
        save(pixels.astype(np.uint16), tmp_path / "own" / name)
    found = datasets.find(str(tmp_path / "own"), tmp_path)
    made = inputs.prepare(tmp_path / "r", parse_set("own"), "own", found.samples[0], crop=None, seed=0)
    assert (made.dtype, made.scale) == ("uint16", 4095)
    expected = peak_signal_noise_ratio(deep // 8, deep + 300, data_range=4095)
    assert made.noisy_psnr == pytest.approx(expected, abs=1e-5)


def test_pairs_that_do_not_fit_say_so(tmp_path):
    save(truth(), tmp_path / "own/noisy/a.png")
    save(truth()[:-1], tmp_path / "own/clean/a.png")
    found = datasets.find(str(tmp_path / "own"), tmp_path)
    with pytest.raises(ValueError, match=r"one shape"):
        inputs.prepare(tmp_path / "r", parse_set("own"), "own", found.samples[0], crop=None, seed=0)


@pytest.mark.parametrize("shape", [(1, 24, 30), (3, 24, 30), (2, 24, 30), (4, 12, 13)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_written_files_come_back(shape, dtype, tmp_path):
    rng = np.random.default_rng(0)
    scale = {"uint8": 255.0, "uint16": 4095.0, "float32": 1.0}[dtype]
    pixels = rng.uniform(-0.1, 1.1, shape).astype(np.float32)
    values = protocol.stored(pixels, dtype, scale)
    path = protocol.write(values, tmp_path / "a.b", scale)
    assert path.name.startswith("a.b.")
    back = protocol.in_units(path, scale)
    assert torch.equal(
        torch.round(back * scale, decimals=3), torch.round(torch.from_numpy(values.astype(float)), decimals=3)
    )
    if dtype != "float32":
        assert values.max() <= scale


def test_scores_are_those_of_scikit_image(tmp_path):
    clean, other = truth(), noisy()
    a, b = (
        protocol.write(p.transpose(2, 0, 1), tmp_path / n, 255.0) for p, n in ((clean, "a"), (other, "b"))
    )
    ratio, similar = protocol.score(a, b, 255.0)
    assert ratio == pytest.approx(peak_signal_noise_ratio(clean, other, data_range=255), abs=1e-6)
    expected = structural_similarity(
        clean,
        other,
        data_range=255,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert similar == pytest.approx(expected, abs=1e-6)
    assert protocol.score(a, a, 255.0) == (None, pytest.approx(1.0))
