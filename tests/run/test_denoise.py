"""`pellucid.denoise`: what goes in comes out; the mean stays; tiles, stacks, interrupts, warm starts."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from skimage.data import camera, chelsea

import pellucid
from pellucid import auto, files, seeds
from pellucid.noise import models as noise_models
from pellucid.noise.report import NoiseReport

RNG = np.random.default_rng(0)
CLEAN = camera()[100:164, 200:270].astype(np.float32) / 255
NOISY = (CLEAN + 0.1 * RNG.standard_normal(CLEAN.shape)).astype(np.float32)


def error(estimate, clean=CLEAN) -> float:
    return float(np.sqrt(np.mean((np.asarray(estimate, dtype=np.float64) - clean) ** 2)))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "float16", ">u2"])
def test_arrays_come_back_as_they_were(dtype):
    kind = np.dtype(dtype)
    white = np.iinfo(kind).max if kind.kind == "u" else 1
    noisy = np.clip(NOISY * white, 0, white).astype(kind)
    before = noisy.copy()
    estimate = pellucid.denoise(noisy, "nlm", sigma=0.1)
    assert type(estimate) is np.ndarray
    assert estimate.dtype == kind
    assert estimate.shape == noisy.shape
    assert (noisy == before).all()
    assert error(estimate / white) < 0.5 * error(noisy / white)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_channel_axis_is_scikit_image_s(axis):
    noisy = np.moveaxis(np.stack([NOISY, NOISY[::-1], NOISY[:, ::-1]]), 0, axis)
    estimate = pellucid.denoise(noisy, "nlm", sigma=0.1, channel_axis=axis)
    assert estimate.shape == noisy.shape
    same = pellucid.denoise(np.moveaxis(noisy, axis, -1), "nlm", sigma=0.1, channel_axis=-1)
    assert np.array_equal(np.moveaxis(estimate, axis, -1), same)


@pytest.mark.parametrize(
    "shape", [(64, 70), (1, 64, 70), (3, 64, 70), (2, 64, 70), (2, 3, 64, 70), (2, 1, 64, 70)]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.uint8])
def test_tensors_come_back_as_they_were(shape, dtype):
    noisy = torch.from_numpy(NOISY).expand(shape)
    noisy = (noisy.clamp(0, 1) * 255).to(dtype) if dtype == torch.uint8 else noisy.to(dtype)
    estimate = pellucid.denoise(noisy, "nlm", sigma=0.1)
    assert isinstance(estimate, torch.Tensor)
    assert (estimate.dtype, estimate.shape) == (dtype, noisy.shape)
    assert not torch.equal(estimate, noisy)


def test_image_and_result(tmp_path):
    image = files.from_array(NOISY)
    estimate = pellucid.denoise(image, "nlm", sigma=0.1)
    result = pellucid.denoise(image, "nlm", sigma=0.1, return_result=True)
    assert isinstance(estimate, pellucid.Image)
    assert isinstance(result, pellucid.Result)
    assert np.array_equal(estimate.pixels, result.estimate)
    assert result.estimate.shape == (1, 1, 64, 70)
    assert (result.method, result.iterations, result.stopped_by) == ("nlm", 1, "finished")
    assert result.noise.level == pytest.approx(0.1)
    pellucid.write(estimate, tmp_path / "x.npy")
    assert np.array_equal(np.load(tmp_path / "x.npy"), files.to_array(estimate))


@pytest.mark.parametrize(
    ("x", "flags", "kind", "expected"),
    [
        ("photo.png", {}, TypeError, "pellucid.read"),
        ([NOISY, NOISY], {}, TypeError, "shots=True"),
        (NOISY, {"shots": True}, TypeError, "x must be a list of shots"),
        (
            (NOISY * 1000).astype(np.int16),
            {"data_range": 255},
            ValueError,
            "data_range=255 must be the white",
        ),
        (torch.zeros(3), {}, ValueError, "(H, W), (C, H, W) or (N, C, H, W)"),
        (torch.zeros(3, 4, 4), {"channel_axis": 0}, ValueError, "channel_axis=0 is for NumPy arrays"),
        (files.from_array(NOISY), {"sigma": 25, "data_range": 255}, ValueError, "1.0 in array stands for 1"),
        (NOISY, {"sigma": 25}, ValueError, "sigma must be in [0, 1], got 25. It is in the units of array"),
        ((NOISY * 255).astype(np.uint8), {"sigma": 25}, ValueError, "--sigma 25 --data-range 255"),
        (NOISY, {"sigma": 300, "data_range": 255}, ValueError, "sigma must be in [0, 255], got 300"),
    ],
)
def test_wrong_input(x, flags, kind, expected):
    with pytest.raises(kind) as caught:
        pellucid.denoise(x, **flags)
    assert expected in str(caught.value)


def test_stated_level_is_in_the_units_of_the_data_range():
    a = pellucid.denoise(NOISY, "nlm", sigma=0.1)
    b = pellucid.denoise(NOISY * 50, "nlm", sigma=5, data_range=50)
    assert np.allclose(a * 50, b, atol=1e-3)


@pytest.mark.parametrize("method", ["nlm", "tv", "wavelet"])
def test_mean_of_every_channel_is_kept(method):
    noisy = np.stack([NOISY, 0.5 * NOISY, 0.2 + 0.1 * NOISY], -1)
    estimate = pellucid.denoise(noisy, method, sigma=0.1, channel_axis=-1)
    assert estimate.mean((0, 1)) == pytest.approx(noisy.mean((0, 1)), rel=1e-5)


def test_impulse_noise_has_a_say_in_the_mean():
    """White specks brighten the picture; keeping that brightness would be an error."""
    noisy = CLEAN.copy()
    noisy[RNG.random(CLEAN.shape) < 0.1] = 1
    estimate = pellucid.denoise(noisy, "median")
    assert abs(float(estimate.mean() - CLEAN.mean())) < 0.3 * abs(float(noisy.mean() - CLEAN.mean()))


def test_a_stack_shares_one_report_and_keeps_its_order():
    stack = np.stack([NOISY, 1 - NOISY, NOISY[::-1]])
    result = pellucid.denoise(stack, "nlm", return_result=True)
    assert len(result.noise.sigma) == 1
    for estimate, clean in zip(result.estimate[:, 0], (CLEAN, 1 - CLEAN, CLEAN[::-1]), strict=True):
        assert error(estimate, clean) < 0.06


def test_shots_are_averaged_before_denoising():
    shots = [NOISY, (CLEAN + 0.1 * RNG.standard_normal(CLEAN.shape)).astype(np.float32)]
    result = pellucid.denoise(shots, "nlm", shots=True, sigma=0.1, return_result=True)
    mean = pellucid.denoise(np.mean(shots, 0), "nlm", sigma=0.1 / np.sqrt(2))  # it is the level of each shot
    assert np.allclose(result.estimate[0, 0], mean, atol=1e-6)
    assert result.reason.startswith("2 shots, in register as they were: asked for")


def test_deep_shots_share_a_scale():
    """Depths are guessed per file: 10 bits for the dark shot, 12 for the bright one; stored values decide."""
    dark = np.full((32, 32), 1000, np.uint16)
    bright = dark.copy()
    bright[10, 10] = 3000
    for pair in ([dark, bright], [bright, dark]):
        mean = pellucid.denoise(pair, shots=True, sigma=0.0)
        assert mean[10, 10] == 2000
        assert (np.delete(mean.ravel(), 10 * 32 + 10) == 1000).all()


@pytest.mark.parametrize("level", ["mad", "chen"])
def test_level_follows_the_asked_estimator(level):
    image = files.from_array(NOISY)
    report = pellucid.inspect(image)
    stated = report.mad[0] if level == "mad" else report.chen
    result = pellucid.denoise(image, "nlm", level=level, return_result=True)
    assert result.noise.sigma == pytest.approx((stated,))
    assert np.mean(result.noise.spectrum) == pytest.approx(stated**2)
    assert level in result.reason


def test_tiles_give_the_same_picture():
    big = np.tile(NOISY, (3, 3))
    whole_picture = pellucid.denoise(big, "nlm", sigma=0.1)
    cut = pellucid.denoise(big, "nlm", sigma=0.1, tile=64)
    assert np.allclose(whole_picture, cut, atol=1e-5)


def test_large_pictures_are_cut_by_themselves(monkeypatch):
    from pellucid.run import fit

    sides = []
    true = fit.tiles.cut

    def spy(height, width, *, tile, **more):
        sides.append(tile)
        return true(height, width, tile=tile, **more)

    monkeypatch.setattr(fit.tiles, "cut", spy)
    monkeypatch.setattr(fit, "LARGE", 4000)
    monkeypatch.setattr(fit, "SIDE", 32)
    pellucid.denoise(NOISY, "nlm", sigma=0.1)
    assert sides == [32]


def test_progress_counts_slices_and_iterations():
    seen = []
    stack = np.stack([NOISY, NOISY])
    pellucid.denoise(stack, "dip", iterations=3, progress=seen.append)
    assert [(p.slice, p.slices, p.iteration) for p in seen] == [(s, 2, i) for s in (1, 2) for i in (1, 2, 3)]
    assert all(p.loss is not None and float(p.loss) > 0 for p in seen)
    assert all(a.seconds <= b.seconds for a, b in itertools.pairwise(seen[:3]))


def test_interrupt_keeps_the_best_and_leaves_later_slices():
    def stop_at_three(progress):
        if progress.iteration == 3:
            raise KeyboardInterrupt

    stack = np.stack([NOISY, NOISY[::-1]])
    result = pellucid.denoise(stack, "dip", progress=stop_at_three, return_result=True)
    assert result.stopped_by == "interrupted"
    assert result.iterations == 3
    assert not np.allclose(result.estimate[0, 0], stack[0])
    assert np.array_equal(result.estimate[1, 0], stack[1])
    assert "slices 2 to 2 of 2" in " ".join(result.warnings)


def test_time_is_shared_by_the_slices():
    limits = []
    stack = np.stack([NOISY] * 4)
    pellucid.denoise(stack, "dip", seconds=0.8, progress=lambda p: limits.append((p.slice, p.limit)))
    assert [s for s, _ in dict.fromkeys(limits)] == [1, 2, 3, 4]
    assert limits[0] == (1, pytest.approx(0.2))
    assert sum(dict(limits).values()) < 1.2


def test_a_fit_can_be_continued():
    first = pellucid.denoise(NOISY, "dip", iterations=20, stop="iterations:20", return_result=True)
    again = pellucid.denoise(
        NOISY, "dip", iterations=2, stop="iterations:2", initial=first.extras["state"], return_result=True
    )
    anew = pellucid.denoise(NOISY, "dip", iterations=2, stop="iterations:2", return_result=True)
    assert again.curves["loss"][0] < 0.7 * anew.curves["loss"][0]


def test_the_stabiliser_of_a_choice_is_applied_around_the_method(monkeypatch):
    class Square:
        noise = NoiseReport.white(0.05, 1)

        def forward(self, image):
            return image.clamp(min=0).sqrt()

        def inverse(self, image):
            return image.square()

    def choose(report, **known):
        from pellucid import methods

        nlm = methods.load("nlm")
        paper = nlm.presets["paper"]
        return auto.Choice(method="nlm", config=paper, noise=report, reason="test", stabilise=Square())

    monkeypatch.setattr(auto, "choose", choose)
    noisy = np.clip(NOISY, 0, None)
    expected = np.square(pellucid.denoise(np.sqrt(noisy), "nlm", preset="paper", sigma=0.05))
    got = pellucid.denoise(noisy, force=True)  # as chosen, whatever the last look says
    assert np.allclose(got - got.mean(), expected - expected.mean(), atol=5e-3)


def test_values_that_are_not_finite_are_an_error(monkeypatch):
    from pellucid import methods

    nlm = methods.load("nlm")

    def broken(task, config, *, seed, device):
        for step in nlm.steps(task, config, seed=seed, device=device):
            bad = step.output * float("nan")
            yield dataclasses.replace(step, output=bad, estimate=lambda bad=bad: bad)

    method = dataclasses.replace(nlm, steps=broken)
    monkeypatch.setattr(methods, "load", lambda name: method)
    with pytest.raises(ArithmeticError, match="nlm gave values that are not finite"):
        pellucid.denoise(NOISY, "nlm", sigma=0.1)


def test_a_fit_that_was_cut_short_is_doubted():
    """Two steps of a fit lose the picture, and the warning says so; a good filter is trusted."""
    cut = pellucid.denoise(NOISY, "dip", iterations=2, return_result=True)
    assert error(cut.estimate[0, 0]) > error(NOISY)
    assert "probably worse than the input" in " ".join(cut.warnings)
    good = pellucid.denoise(NOISY, "nlm", return_result=True)
    assert error(good.estimate[0, 0]) < error(NOISY)
    assert "probably worse" not in " ".join(good.warnings)


def test_the_noise_of_photons_does_not_change_the_mean():
    """The way back from the stabilised values is not linear, so that the mean is set at the end."""
    scene = torch.from_numpy(chelsea()[50:178, 100:228].copy()).permute(2, 0, 1).float() / 255
    noisy = noise_models.parse("poisson:20").apply(scene, seeds.generator(0, "noise"))
    given = noisy.permute(1, 2, 0).numpy()
    result = pellucid.denoise(given, data_range=1.0, channel_axis=-1, return_result=True)
    assert result.method == "photo"
    assert "variance-stabilising" in result.reason
    assert np.abs(result.estimate[0].mean((1, 2)) - noisy.mean((1, 2)).numpy()).max() < 1e-4
