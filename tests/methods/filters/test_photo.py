"""The filter for one photograph: its brightness against the camera's, and what it leaves alone."""

from dataclasses import replace

import pytest
import torch
from skimage.data import chelsea
from torch.nn.functional import avg_pool2d

import pellucid
from pellucid import metrics, seeds
from pellucid.methods.filters import bounding, photo
from pellucid.methods.filters.bm3d import BM3D
from pellucid.methods.filters.photo import PHOTO
from pellucid.models import ensemble
from pellucid.noise import analysis, models
from pellucid.noise.camera import Camera
from pellucid.noise.report import NoiseReport
from pellucid.steps import Task

FAST = PHOTO.presets["fast"]


def photograph(side: int = 64) -> torch.Tensor:
    piece = torch.from_numpy(chelsea()[100 : 100 + side, 100 : 100 + side].copy())
    return piece.permute(2, 0, 1).float() / 255


def psnr(clean: torch.Tensor, estimate: torch.Tensor) -> float:
    return metrics.psnr(clean, estimate, data_range=1.0)


def run(noisy: torch.Tensor, noise: NoiseReport, method=PHOTO, **changes) -> torch.Tensor:
    alone = {"nlh_share": 0.0, "precision": "float32"} if method is PHOTO else {}
    if not noise.correlated:
        white = {"share": "white_share", "tta_views": "white_views"}
        changes = {white.get(name, name): value for name, value in changes.items()}
    config = replace(method.presets["fast"], **(alone | changes))
    (step,) = method.steps(Task(shots=noisy[None], noise=noise), config, seed=0, device=torch.device("cpu"))
    return step.estimate()


def report(residual: torch.Tensor) -> NoiseReport:
    return replace(NoiseReport.white(float(residual.std()), 3), correlated=True)


def white(clean: torch.Tensor, sigma: float = 0.1) -> torch.Tensor:
    return clean + sigma * torch.randn(clean.shape, generator=seeds.generator(0, "noise"))


def test_gets_the_brightness_that_a_camera_took_away():
    camera = Camera(peak=60)
    scene = avg_pool2d(photograph()[None], 9, 1, 4, count_include_pad=False)[0]  # fur would pass for noise
    clean = camera.reference(scene)
    noisy = camera.apply(scene, seeds.generator(0, "noise")).clamp(0, 1)
    noise = report(noisy - clean)
    ours, plain = run(noisy, noise), run(noisy, noise, light="never")
    error = [float((e - clean).mean()) for e in (noisy, ours)]
    assert error[0] < -0.004
    assert abs(error[1]) < 0.6 * abs(error[0])
    assert psnr(clean, ours) > psnr(clean, plain) + 0.1


def test_white_noise_gets_bm3d_and_keeps_its_mean():
    noisy, noise = white(photograph()), NoiseReport.white(0.1, 3)
    ours, plain = run(noisy, noise, network="none", most=100.0, source=1e3), run(noisy, noise, BM3D)
    assert torch.allclose(ours.mean((1, 2)), noisy.mean((1, 2)), atol=1e-5)
    centred = [e - e.mean((1, 2), keepdim=True) for e in (ours, plain)]
    assert torch.allclose(*centred, atol=1e-5)


def test_a_shift_that_nobody_sees_is_left_alone():
    noisy = white(photograph(), 0.01)
    noise = replace(NoiseReport.white(0.01, 3), correlated=True)
    assert torch.equal(run(noisy, noise, light="always"), run(noisy, noise, light="never"))
    assert not torch.equal(run(noisy, noise, light="always", least=0.0), run(noisy, noise, light="always"))


def test_noise_that_no_camera_has_developed_leaves_the_brightness_alone():
    noisy, noise = shared_noise(photograph())
    assert torch.equal(run(noisy, noise), run(noisy, noise, light="never"))
    assert not torch.equal(run(noisy, noise, light="always"), run(noisy, noise))


def test_no_pixel_loses_more_than_its_own_noise_can_have_given():
    star = torch.full((1, 64, 64), 0.2)
    star[0, 32, 32] = 0.6
    noisy, noise = white(star, 0.04), NoiseReport.white(0.04, 1)
    kept, lost = (run(noisy, noise, most=m, source=s)[0, 32, 32] - 0.2 for m, s in ((3.0, 5.0), (100.0, 1e3)))
    assert float(kept) > 0.3
    assert float(kept) > float(lost) + 0.05


def test_noise_that_is_stronger_in_places_is_no_star():
    """Where the level is uneven, what a pixel may lose follows the noise around it."""
    ground = torch.full((1, 96, 96), 0.5)
    strength = torch.linspace(0.02, 0.2, 96).expand(1, 96, 96)
    noisy = ground + strength * torch.randn(ground.shape, generator=seeds.generator(0, "noise"))
    told = NoiseReport.white(0.12, 1)
    left = [
        (run(noisy, told, source=source) - ground).square().mean((0, 1)).sqrt()[72:].mean()
        for source in (FAST.source, 1e3)
    ]
    assert float(left[0]) < 1.02 * float(left[1])  # 1.19 where each was taken for one
    assert float(left[0]) < 0.5 * float(strength[0, 0, 72:].mean())


def test_light_is_for_developed_colour_pictures_unless_asked_for():
    gray = white(photograph()[:1])
    noise = replace(NoiseReport.white(0.1, 1), correlated=True)
    assert torch.equal(run(gray, noise), run(gray, noise, light="never"))
    assert float((run(gray, noise, light="always") - run(gray, noise)).mean()) > 0.005


def test_strength_and_spread_are_for_correlated_noise():
    noisy = white(photograph())
    alone = NoiseReport.white(0.1, 3)
    assert torch.equal(run(noisy, alone), run(noisy, alone, strength=1.5, spread=2.0))
    noisy, shared = shared_noise(photograph())
    plain = run(noisy, shared, light="never")
    assert not torch.equal(plain, run(noisy, shared, light="never", strength=1.5))
    assert not torch.equal(plain, run(noisy, shared, light="never", spread=1.0))


def shared_noise(clean: torch.Tensor) -> tuple[torch.Tensor, NoiseReport]:
    model = models.parse("correlated:20,1.2,0.3")
    noisy = model.apply(clean, seeds.generator(0, "noise"))
    pure = model.apply(torch.zeros(3, 192, 192), seeds.generator(1, "noise"))
    noise = analysis.analyse(pure[None], color=True)
    return noisy, replace(noise, low=0.0, span=1.0)


def test_the_estimate_is_the_weighted_mean_of_filter_and_network():
    noisy, noise = shared_noise(photograph())
    filtered, network, both = (
        run(noisy, noise, light="never", share=s, pd_share=0.0, tta_views=1, differing=100.0)
        for s in (0.0, 1.0, 0.25)
    )
    assert torch.allclose(both, 0.75 * filtered + 0.25 * network, atol=1e-5)
    assert torch.equal(filtered, run(noisy, noise, light="never", network="none"))
    told = apply_model(noisy, photo.equivalent(noise, color=True))
    told = told + (noisy - told).mean((1, 2), keepdim=True)
    assert torch.allclose(network, told, atol=1e-4)


def test_where_pixels_share_noise_the_network_differs_from_the_filter_by_one_deviation(monkeypatch):
    noisy, noise = shared_noise(photograph())
    monkeypatch.setattr(photo, "sharing", lambda equivalent, level: 1.0)
    plain = {"light": "never", "pd_share": 0.0, "tta_views": 1}
    filtered, both = (run(noisy, noise, share=s, **plain) for s in (0.0, 0.5))
    # half of one deviation, and what the mean of the picture was moved by
    assert float((both - filtered).abs().max()) < 0.55 * max(noise.sigma)
    free = run(noisy, noise, share=0.5, differing=100.0, **plain)
    assert float((free - filtered).abs().max()) > 0.65 * max(noise.sigma)


def test_where_pixels_hardly_share_the_noise_the_network_is_asked_alone(monkeypatch):
    noisy, noise = shared_noise(photograph(48))
    monkeypatch.setattr(photo, "sharing", lambda equivalent, level: 0.2)
    one, other = (run(noisy, noise, light="never", share=s, pd_share=0.0) for s in (0.5, 1.0))
    assert torch.equal(one, other)


def test_where_pixels_share_noise_the_network_also_sees_every_second_pixel():
    noisy, noise = shared_noise(photograph(65))
    without, apart = (run(noisy, noise, light="never", pd_share=a, tta_views=1) for a in (0.0, 1.0))
    told = torch.empty_like(noisy)
    for top, left in ((0, 0), (0, 1), (1, 0), (1, 1)):
        told[:, top::2, left::2] = apply_model(noisy[:, top::2, left::2], FAST.pd_level_factor * noise.level)
    told = told + (noisy - told).mean((1, 2), keepdim=True)
    assert torch.allclose(apart, told, atol=2e-3)  # `denoise` keeps the mean of each quarter
    usual = run(noisy, noise, light="never", tta_views=1)
    assert torch.allclose(usual, (1 - FAST.pd_share) * without + FAST.pd_share * apart, atol=1e-5)
    white_noise = replace(noise, correlated=False)
    assert torch.equal(run(noisy, white_noise), run(noisy, white_noise, pd_share=0.0))


def test_bfloat16_changes_the_estimate_by_a_hundredth_of_the_noise():
    noisy, noise = shared_noise(photograph())
    exact, fast = (run(noisy, noise, light="never", precision=p) for p in ("float32", "auto"))
    assert float((exact - fast).square().mean().sqrt()) < noise.level / 100


def apply_model(noisy: torch.Tensor, level: float) -> torch.Tensor:
    result = pellucid.denoise(noisy.numpy(), model="swift-color", sigma=level, channel_axis=0, data_range=1.0)
    return torch.from_numpy(result)


def test_the_mean_of_both_is_nearer_to_the_truth_than_the_filter():
    clean = photograph(128)
    noisy = models.parse("correlated:20,0.8,0.3").apply(clean, seeds.generator(0, "noise"))
    noise = analysis.analyse(noisy[None], color=True, scale=255)
    assert noise.correlated
    ours, filtered = (run(noisy, noise, light="never", share=s) for s in (FAST.share, 0.0))
    assert psnr(clean, ours) > psnr(clean, filtered) + 0.03


def test_the_network_is_for_colour_pictures_and_told_white_noise_as_it_is():
    noisy, alone = white(photograph()), NoiseReport.white(0.1, 3)
    assert not torch.equal(run(noisy, alone), run(noisy, alone, share=0.0))
    assert torch.equal(run(noisy, alone), run(noisy, alone, level_factor=1.0))
    shared = replace(NoiseReport.white(0.1, 1), correlated=True)
    assert torch.equal(run(noisy[:1], shared), run(noisy[:1], shared, share=0.0))


def test_the_network_is_asked_of_the_mirrored_picture_too():
    clean = photograph()
    noisy, noise = white(clean), NoiseReport.white(0.1, 3)
    once, twice = (run(noisy, noise, share=1.0, tta_views=n, most=100.0, source=1e3) for n in (1, 2))
    turned = run(noisy.flip(1, 2), noise, share=1.0, tta_views=1, most=100.0, source=1e3).flip(1, 2)
    assert torch.allclose(twice, (once + turned) / 2, atol=1e-5)
    sides = [
        run(noisy.flip(a), noise, share=1.0, tta_views=1, most=100.0, source=1e3).flip(a) for a in (1, 2)
    ]
    four = run(noisy, noise, share=1.0, tta_views=4, most=100.0, source=1e3)
    assert torch.allclose(four, (once + turned + sides[0] + sides[1]) / 4, atol=1e-5)
    assert psnr(clean, twice) > psnr(clean, once)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 1)])
def test_pictures_narrower_than_the_stride(size):
    noisy, noise = shared_noise(photograph())
    thin = noisy[:, : size[0], : size[1]]
    estimate = run(thin, noise)
    assert estimate.shape == thin.shape
    assert bool(torch.isfinite(estimate).all())


def test_a_gray_picture_with_white_noise_has_the_network_for_gray():
    clean = photograph(128).mean(0, keepdim=True)
    noisy, noise = white(clean), NoiseReport.white(0.1, 1)
    ours, filtered, network = (
        run(noisy, noise, share=s, tta_views=1, most=100.0, source=1e3) for s in (FAST.white_share, 0.0, 1.0)
    )
    assert psnr(clean, ours) > psnr(clean, filtered) + 0.05
    told = pellucid.denoise(noisy.numpy(), model="swift-gray", sigma=0.1, channel_axis=0, data_range=1.0)
    assert torch.allclose(network, torch.from_numpy(told), atol=1e-4)
    assert torch.equal(filtered, run(noisy, noise, network="none", most=100.0, source=1e3))


def test_a_network_that_is_not_there_is_named():
    noisy, noise = shared_noise(photograph())
    with pytest.raises(ValueError, match="no-such"):
        run(noisy, noise, network="no-such")
    without = run(noisy, noise, network="no-such", share=0.0, pd_share=0.0)
    assert torch.equal(without, run(noisy, noise, network="none"))


def test_the_network_is_read_once_and_before_the_filter(monkeypatch):
    noisy, noise = shared_noise(photograph())
    done: list[str] = []
    opened, filtered = photo.opened, photo.bm3d.steps
    monkeypatch.setattr(photo, "opened", lambda *a, **k: done.append("network") or opened(*a, **k))
    monkeypatch.setattr(photo.bm3d, "steps", lambda *a, **k: done.append("filter") or filtered(*a, **k))
    run(noisy, noise)
    assert done == ["network", "filter"]


def test_a_picture_without_noise_comes_back():
    clean = photograph()
    assert torch.allclose(run(clean, NoiseReport.white(0.0, 3)), clean, atol=1e-6)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("strength", -1.0),
        ("light", "often"),
        ("step", 9),
        ("least", -1.0),
        ("spread", 0.9),
        ("share", 1.1),
        ("level_factor", 0.0),
        ("pd_share", -0.1),
        ("pd_level_factor", 0.0),
        ("tta_views", 5),
        ("white_views", 0),
    ],
)
def test_bad_settings_are_named(field, value):
    with pytest.raises(ValueError, match=field):
        replace(FAST, **{field: value})


def test_nlh_takes_its_share_where_pixels_share_the_noise_and_nowhere_else():
    noisy = white(photograph(48))
    assert torch.equal(
        run(noisy, NoiseReport.white(0.1, 3), nlh_share=0.5), run(noisy, NoiseReport.white(0.1, 3))
    )
    draw = torch.randn((3, 50, 50), generator=seeds.generator(0, "noise"))
    noise = 0.2 * avg_pool2d(draw, 3, 1)
    line = torch.tensor([1.0, 2.0, 3.0, 2.0, 1.0]).double() / 3
    kernel = 0.2**2 / 9 * torch.einsum("cd,y,x->cdyx", torch.eye(3).double(), line, line).numpy()
    told = replace(NoiseReport.white(0.2 / 3, 3), kernel=kernel, correlated=True)
    plain, mixed = (run(photograph(48) + noise, told, nlh_share=s, light="never") for s in (0.0, 0.5))
    assert 0.002 < float((plain - mixed).std()) < 0.05


def test_of_noise_from_before_the_curve_of_a_camera_nlh_has_half_its_share(monkeypatch):
    noisy, noise = shared_noise(photograph(48))
    results = {}
    for light in (0.0, 1.0):  # the level that the network is told depends on it, unless the factor is 0
        monkeypatch.setattr(photo, "developing", lambda noisy, estimate, light=light: light)
        monkeypatch.setattr(photo, "sharing", lambda equivalent, level: 1.0)
        runs = [run(noisy, noise, nlh_share=s, light="never", camera_factor=0.0) for s in (0.0, 0.6)]
        results[light] = runs[1] - runs[0]
    assert torch.allclose(results[1.0], results[0.0] / 2, atol=1e-6)


def test_strips_of_rows_give_what_the_whole_picture_gives(monkeypatch):
    draw = torch.Generator().manual_seed(0)
    noisy, estimate = (torch.rand(3, 151, 40, generator=draw) for _ in range(2))
    sigma = torch.full((3, 1, 1), 0.1)
    limits = {"most": photo.Config().most, "source": photo.Config().source}
    strips = bounding.bounded(noisy, estimate, sigma, **limits)
    monkeypatch.setattr(bounding, "STRIP", 1000)
    assert torch.equal(strips, bounding.bounded(noisy, estimate, sigma, **limits))


def watched(monkeypatch):
    """The shapes of all that networks are asked about from now on, as a list that grows."""
    asked = []
    estimate = photo.Ensemble.estimate
    monkeypatch.setattr(
        photo.Ensemble,
        "estimate",
        lambda self, y, *a, **k: asked.append(y.shape) or estimate(self, y, *a, **k),
    )
    return asked


def test_a_large_picture_tells_by_its_squares_what_the_whole_tells(monkeypatch):
    camera = Camera(peak=60)
    scene = torch.from_numpy(chelsea()[:296, :448].copy()).permute(2, 0, 1).float() / 255
    clean = camera.reference(scene)
    noisy = camera.apply(scene, seeds.generator(0, "noise")).clamp(0, 1)
    noise, alone = report(noisy - clean), {"share": 1.0, "pd_share": 0.0, "tta_views": 1}
    whole = run(noisy, noise, **alone)
    untold = run(noisy, noise, **alone, camera_factor=0.0)
    asked = watched(monkeypatch)
    monkeypatch.setattr(photo, "SQUARE", 32)
    by_squares = run(noisy, noise, **alone)
    assert asked == [(3, 128, 128), (3, 296, 448)]  # the whole picture once
    assert (by_squares - whole).square().mean() < 0.01 * (untold - whole).square().mean()


def test_the_student_speaks_once_and_alone_where_pixels_share_the_noise(monkeypatch):
    noisy, noise = shared_noise(photograph(48))
    told = photo.equivalent(noise, color=True)
    asked = watched(monkeypatch)
    made = {}
    for degree in (0.0, 0.55, 1.0):
        monkeypatch.setattr(photo, "sharing", lambda told, level, degree=degree: degree)
        asked.clear()
        made[degree] = run(noisy, noise, student="swift-color", light="never")
        if degree == 1.0:
            assert len(asked) == 1
    network = photo.opened("swift-color", seed=0, device=torch.device("cpu"))
    alone = network.estimate((noisy - noise.low) / noise.span, told / noise.span) * noise.span + noise.low
    alone = alone + (noisy - alone).mean((-2, -1), keepdim=True)
    torch.testing.assert_close(made[1.0], alone, atol=1e-5, rtol=0)
    monkeypatch.setattr(photo, "sharing", lambda told, level: 0.0)
    assert torch.equal(made[0.0], run(noisy, noise, light="never"))
    assert not torch.equal(made[0.55], made[1.0])


def test_between_two_networks_one_of_weights_between_theirs_speaks(monkeypatch):
    noisy, noise = shared_noise(photograph(48))
    quick = {"student": "swift-photo", "share": 1.0, "pd_share": 0.0, "nlh_share": 0.0, "tta_views": 1}
    asked = watched(monkeypatch)
    made = {}
    for degree in (0.0, 0.32, 0.55, 0.78, 1.0):
        monkeypatch.setattr(photo, "sharing", lambda told, level, degree=degree: degree)
        asked.clear()
        made[degree] = run(noisy, noise, light="never", **quick)
        assert len(asked) == 1
    apart = (made[0.0] - made[1.0]).square().mean().sqrt()
    for near, end in ((0.32, 0.0), (0.78, 1.0)):  # no jump at either end
        assert (made[near] - made[end]).square().mean().sqrt() < 0.1 * apart
    error = {degree: float((one - photograph(48)).square().mean()) for degree, one in made.items()}
    assert error[0.55] < 1.02 * (error[0.0] + error[1.0]) / 2


def test_networks_of_other_shapes_have_none_between():
    first, other = (
        photo.opened(n, seed=0, device=torch.device("cpu")) for n in ("swift-color", "swift-grain")
    )
    assert first.towards(other, 0.5) is None


def test_the_student_is_not_asked_about_white_noise():
    noisy = white(photograph(48))
    told = NoiseReport.white(0.1, 3)
    assert torch.equal(run(noisy, told, student="no-such-model"), run(noisy, told))


@pytest.mark.parametrize("name", ["swift-color", "swift-photo"])
def test_a_network_makes_the_same_of_a_picture_tile_by_tile(name, monkeypatch):
    network = photo.opened(name, seed=0, device=torch.device("cpu"))
    for side in (264, 261):
        clean = photograph(300)[..., :side, :side]
        noisy = clean + 0.1 * torch.randn(clean.shape, generator=seeds.generator(0, "noise"))
        monkeypatch.setattr(ensemble, "TILE", 1024)
        whole = network.estimate(noisy, 0.1)
        monkeypatch.setattr(ensemble, "TILE", 128)
        tiled = network.estimate(noisy, 0.1)
        assert float((tiled - whole).abs().max()) < 1e-3
