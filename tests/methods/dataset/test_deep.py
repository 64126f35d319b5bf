"""Networks that see several slices of a stack at once: what they are given, and what is hidden from them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tifffile
import torch
import zarr
from torch import nn

import pellucid
from pellucid import learning, methods, models
from pellucid.data import Options, Windows, open_data
from pellucid.large import carry, layout
from pellucid.learning import Batch, TrainingProgress
from pellucid.methods.dataset import n2v
from pellucid.methods.dataset.n2v import Config
from pellucid.request import Denoise, Output
from pellucid.series import stacks

OPTIONS = Options(patch=16, batch=4)


class Tells(nn.Module):
    """Keeps what it was given."""

    def forward(self, image):
        self.given = image
        return image


def numbered(count, side=40):
    """(count, side, side) float32 whose values tell the slice, the row and the column."""
    z, y, x = np.mgrid[:count, :side, :side]
    return (z / 100 + y / 10_000 + x / 1_000_000).astype(np.float32)


def deep(path, depth=3, **more):
    return open_data(path, OPTIONS, "noisy", windows=Windows(depth=depth, **more), data_range=1.0)


@pytest.fixture
def volume(tmp_path):
    tifffile.imwrite(tmp_path / "v.ome.tif", numbered(12), metadata={"axes": "ZYX"})
    return tmp_path / "v.ome.tif"


def test_a_window_holds_the_slices_around_in_order_and_none_that_is_held_out(volume):
    images = deep(volume, 5)
    trained, held = set(), set()
    for i in range(40):
        sample = images.sample(0, i)
        assert torch.equal(sample.window[2], sample.noisy)
        found = (sample.window[:, 0].mean((-2, -1)) * 100).floor().int().tolist()
        middle = found[2]
        assert [abs(z - middle) for z in found] == [2, 1, 0, 1, 2]  # beyond an end, of the other side
        trained |= set(found)
    for sample in images.held_out(20):
        held |= set((sample.window[:, 0].mean((-2, -1)) * 100).floor().int().tolist())
    assert trained
    assert held
    assert not trained & held
    assert images.batch(0).window.shape == (4, 5, 1, 16, 16)


@pytest.mark.parametrize(("axis", "moves"), [("z", 1), ("t", 4)])
def test_of_a_film_of_volumes_the_axis_that_is_named_is_followed(tmp_path, axis, moves):
    """Slices are told by their number, in the order in which they are stored."""
    tifffile.imwrite(tmp_path / "v.ome.tif", numbered(12).reshape(3, 4, 40, 40), metadata={"axes": "TZYX"})
    images = deep(tmp_path / "v.ome.tif", axis=axis)
    for i in range(20):
        found = (images.sample(0, i).window[:, 0].mean((-2, -1)) * 100).floor().int().tolist()
        assert {abs(found[1] - found[k]) for k in (0, 2)} == {moves}
        assert len({n // 4 for n in found} if axis == "z" else {n % 4 for n in found}) == 1


def test_axes_may_be_told_and_what_does_not_fit_is_one_clear_error(tmp_path):
    np.save(tmp_path / "v.npy", numbered(12))
    assert deep(tmp_path / "v.npy", axes="ZYX", axis="z").pool.axis == "z"
    assert deep(tmp_path / "v.npy", axes="TYX").pool.axis == "t"
    with pytest.raises(ValueError, match="must name the 3 axes"):
        deep(tmp_path / "v.npy", axes="ZY")
    with pytest.raises(ValueError, match="must be an axis of several slices"):
        deep(tmp_path / "v.npy", axes="ZYX", axis="t")
    np.save(tmp_path / "one.npy", numbered(1)[0])
    with pytest.raises(ValueError, match="is a single picture, and depth=3 asks for slices around"):
        deep(tmp_path / "one.npy")
    with pytest.raises(ValueError, match="depth must be odd"):
        Config(depth=4)
    with pytest.raises(ValueError, match="hides a pixel in all slices"):
        Config(across=True)


def hidden_at(across, config_more=None):
    """What the network is given where all that was hidden changes, and where the neighbours do."""
    config = Config(depth=3, across=across, value="other", **(config_more or {}))
    window = torch.rand(2, 3, 2, 24, 24, generator=torch.Generator().manual_seed(1))
    positions = n2v.scattered(window[:, 1].shape, config.box, torch.Generator().manual_seed(5))

    def given(window):
        network = Tells()
        n2v.objective(
            network,
            Batch(noisy=window[:, 1], window=window),
            config,
            progress=TrainingProgress(step=0, steps=1),
            generator=torch.Generator().manual_seed(5),
        )
        return network.given.unflatten(1, (3, 2))

    return window, positions, given


@pytest.mark.parametrize("across", [False, True])
def test_what_is_predicted_does_not_depend_on_what_was_hidden(across):
    """The blind spot: other values there, in the slice or in all, change nothing that the network sees.

    Stand-ins are drawn from around a pixel, and one hidden pixel may stand in for another: those are told by
    their place, which the draws alone decide.
    """
    window, positions, given = hidden_at(across)
    before = given(window)
    changed = window.clone()
    places = range(3) if across else (1,)
    for place in places:
        changed[:, place] = n2v.put(changed[:, place], positions, torch.full((2, 2, positions.shape[1]), 7.0))
    after = given(changed)
    for place in places:
        seen = n2v.at(after[:, place], positions)
        old = n2v.at(before[:, place], positions)
        mine = n2v.at(window[:, place], positions)
        assert not bool((old == mine).any())  # nothing of the pixel itself
        stands_in = seen == 7.0  # another hidden one
        assert float(stands_in.float().mean()) < 0.1
        assert torch.equal(seen[~stands_in], old[~stands_in])
    # the neighbours are seen as they are, unless they share the noise
    for place in (0, 2):
        kept = torch.equal(before[:, place], window[:, place])
        assert kept != across
        elsewhere = torch.ones_like(window[:, place], dtype=torch.bool)
        elsewhere = n2v.put(elsewhere.float(), positions, torch.zeros(2, 2, positions.shape[1])).bool()
        assert torch.equal(before[:, place][elsewhere], window[:, place][elsewhere])


def test_a_network_is_given_the_slices_in_order_and_the_mean_of_its_own_is_the_middle_one():
    """With a network that gives what it is given: the moving mean; all channels and both ends."""
    film = torch.rand(2, 6, 20, 20, generator=torch.Generator().manual_seed(0))
    config = Config(depth=5)
    card = models.Card(
        method="n2v", config=dataclasses.asdict(config), channels=2, depth=5, axis="t",
        mean=(0.2, 0.4), std=(0.5, 2.0),
    )  # fmt: skip
    model = models.loading.Model(card=card, network=Tells(), config=config)
    made = models.applying.apply(model, n2v.LEARNING, film, None, config, seed=0, device=torch.device("cpu"))
    turned = torch.stack([film[:, stacks.around(t, 6, 5)].mean(1) for t in range(6)], 1)
    assert torch.allclose(made, turned, atol=1e-6)
    assert torch.allclose(made[:, 3], film[:, 1:6].mean(1), atol=1e-6)
    seen = model.network.given.unflatten(1, (5, 2))[0]
    scaled = (film - torch.tensor([0.2, 0.4]).view(2, 1, 1, 1)) / torch.tensor([0.5, 2.0]).view(2, 1, 1, 1)
    assert torch.allclose(seen, scaled[:, [3, 4, 5, 4, 3]].transpose(0, 1), atol=1e-6)
    with pytest.raises(ValueError, match="sees 5 slices of a stack at once, and was given a single picture"):
        models.applying.apply(
            model, n2v.LEARNING, film[:, 0], None, config, seed=0, device=torch.device("cpu")
        )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model of a few steps on a volume of two channels, one by one, whose slices are alike."""
    folder = tmp_path_factory.mktemp("deep")
    draws = np.random.default_rng(0)
    scene = np.kron(draws.integers(60, 190, (2, 6, 6)), np.ones((16, 16)))
    noisy = scene + draws.normal(0, 25, (12, *scene.shape))
    tifffile.imwrite(
        folder / "v.ome.tif", noisy.round().clip(0, 255).astype(np.uint8), metadata={"axes": "ZCYX"}
    )
    done = pellucid.train(
        "n2v",
        folder / "v.ome.tif",
        folder / "m.safetensors",
        gray=True,
        steps=120,
        set={"depth": 3, "batch": 4, "patch": 32, "percent": 6.25, "learning_rate": 4e-3},
    )
    return folder, done, scene


def test_a_stack_through_the_model_and_its_tiles(trained):
    folder, done, scene = trained
    assert (done.card.depth, done.card.axis, done.card.channels) == (3, "z", 1)
    assert "volumes, 3 slices at once" in models.card.page(done.card, done.model)
    noisy = tifffile.imread(folder / "v.ome.tif")
    result = pellucid.denoise(noisy, axes="ZCYX", channel_axis=1, model=str(done.model), return_result=True)
    assert result.method == "n2v"
    estimate = result.estimate * 255
    before, after = (np.square(x - scene).mean() for x in (noisy.astype(float), estimate))
    assert after < 0.5 * before
    cut = pellucid.denoise(
        noisy, axes="ZCYX", channel_axis=1, model=str(done.model), tile=64, return_result=True
    )
    assert np.abs(cut.estimate - result.estimate).max() < 0.02
    # a volume of a single channel, and one slice by hand
    again = pellucid.denoise(noisy[:, 0], axes="ZYX", model=str(done.model), return_result=True)
    assert again.estimate.shape == (12, 1, 96, 96)


def test_a_picture_or_slices_by_themselves_are_one_clear_error(trained):
    folder, done, _ = trained
    noisy = tifffile.imread(folder / "v.ome.tif")[:, 0]
    with pytest.raises(ValueError, match=r"sees 3 slices of a volume at once, and .* is a single picture"):
        pellucid.denoise(noisy[0], model=str(done.model))
    with pytest.raises(ValueError, match="takes all of a film or volume together"):
        pellucid.denoise(noisy, axis="none", axes="ZYX", model=str(done.model))
    with pytest.raises(ValueError, match="depth=1 does not apply to model"):
        pellucid.denoise(noisy, axes="ZYX", model=str(done.model), set={"depth": 1})
    with pytest.raises(ValueError, match="depth=3 is for stacks that are noisy already"):
        pellucid.train("n2v", folder, folder / "x.safetensors", noise="gaussian:5", set={"depth": 3})
    with pytest.raises(ValueError, match="axis='z' is for a network that sees several slices"):
        pellucid.train("n2v", folder, folder / "x.safetensors", axis="z")


def test_the_model_is_verified_and_its_card_is_whole(trained):
    _, done, _ = trained
    assert "whole, n2v" in models.verify(done.model, methods.load)
    card = models.read_card(done.model)
    assert models.Card.from_json(card.to_json()) == card
    assert learning.depth_of(n2v.Config(**card.config)) == 3
    with pytest.raises(ValueError, match="axis"):
        dataclasses.replace(card, axis="")


@pytest.mark.parametrize("count", [2, 3, 4, 9])
def test_no_window_shows_its_own_slice_twice(count):
    """Else what is hidden in the middle would stand beside it."""
    for place in range(count):
        for depth in (3, 5, 7):
            found = stacks.around(place, count, depth)
            assert found.index(place) == depth // 2
            assert found.count(place) == 1
            assert all(0 <= n < count for n in found)


def test_the_same_seed_gives_the_same_windows(volume):
    one, two = (deep(volume, 3).batch(3) for _ in range(2))
    assert torch.equal(one.window, two.window)


@pytest.mark.parametrize("name", ["store.zarr", "store.tif"])
def test_a_store_region_by_region_is_what_the_whole_is(trained, tmp_path, monkeypatch, name):
    """A region sees the slices around it, and what lies beyond the ends of the stack, as the whole does."""
    folder, done, _ = trained
    noisy = tifffile.imread(folder / "v.ome.tif")
    source, target = tmp_path / name, tmp_path / f"made_{name}"
    if name.endswith("zarr"):
        group = zarr.create_group(str(source), zarr_format=2)
        group.create_array("0", shape=noisy.shape, chunks=(1, 1, 48, 48), dtype=noisy.dtype)[...] = noisy
        axes = [{"name": letter} for letter in "zcyx"]
        scale = [{"type": "scale", "scale": [1.0] * 4}]
        told = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
        group.attrs["multiscales"] = [told]
    else:
        tifffile.imwrite(source, noisy, metadata={"axes": "ZCYX"}, ome=True, tile=(48, 48))
    monkeypatch.setattr(layout, "SIDES", (48,))
    monkeypatch.setattr(layout, "DEPTHS", (5,))
    monkeypatch.setattr(layout, "TASK", 1)
    more = {"model": str(done.model), "hot_pixels": "off", "lines": "off"}
    outcome = carry.denoise(source, target, Denoise(**more), Output(out=target, memory="2GB"))
    assert outcome.regions == 3 * 2 * 2
    assert outcome.decision.axis == "Z"
    whole = pellucid.denoise(noisy, axes="ZCYX", channel_axis=1, **more)
    made = zarr.open_group(str(target), mode="r")["0"][...] if name.endswith("zarr") else None
    made = tifffile.imread(target) if made is None else made
    assert made.dtype == whole.dtype
    off = made.astype(int) - whole
    assert np.abs(off).max() <= 1, (np.abs(off).max((2, 3)), off.mean((2, 3)), outcome.notes)
