"""DnCNN and FFDNet as methods: files, channels, levels, tiles."""

from dataclasses import replace

import pytest
import torch

from pellucid import methods, seeds, tiles
from pellucid.methods.filters.ffdnet import Config
from pellucid.networks.classics import DnCNN, FFDNet
from pellucid.noise.report import NoiseReport
from pellucid.steps import Task

CPU = torch.device("cpu")


def image(channels: int, height: int = 21, width: int = 30) -> torch.Tensor:
    return torch.rand(channels, height, width, generator=seeds.generator(0))


def run(name: str, y: torch.Tensor, model, *, noise: NoiseReport | None = None, config=None) -> torch.Tensor:
    method = methods.load(name)
    task = Task(shots=y[None], noise=noise or NoiseReport.white(0.1, len(y)), model=model)
    (step,) = method.steps(task, config or method.config(), seed=0, device=CPU)
    return step.estimate()


@pytest.fixture
def gray_dncnn(tmp_path) -> str:
    with seeds.fixed(0):
        torch.save(DnCNN(1, width=4).state_dict(), tmp_path / "gray.pth")
    return str(tmp_path / "gray.pth")


@pytest.fixture
def colour_dncnn(tmp_path) -> str:
    with seeds.fixed(0):
        torch.save(DnCNN(3, width=4).state_dict(), tmp_path / "colour.pth")
    return str(tmp_path / "colour.pth")


@pytest.fixture
def passing(monkeypatch) -> FFDNet:
    """An FFDNet of random weights, as if it came from a file."""
    with seeds.fixed(0):
        network = FFDNet(1, depth=15, width=4).eval().requires_grad_(False)
    monkeypatch.setattr("pellucid.methods.filters.weights.load", lambda path: network)
    return network


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_gray_weights_take_every_channel_by_itself(gray_dncnn, channels):
    y = image(channels)
    whole = run("dncnn", y, gray_dncnn)
    apart = torch.cat([run("dncnn", c[None], gray_dncnn) for c in y])
    torch.testing.assert_close(whole, apart)
    assert not torch.equal(whole, y)


def test_colour_weights_refuse_other_images(colour_dncnn):
    assert run("dncnn", image(3), colour_dncnn).shape == (3, 21, 30)
    with pytest.raises(ValueError, match=r"for 3 channels, the image has 1\. Use gray weights"):
        run("dncnn", image(1), colour_dncnn)


def test_missing_and_mistaken_files(gray_dncnn, tmp_path):
    with pytest.raises(ValueError, match=r"ffdnet needs a file of weights, got none\. Pass --model FILE"):
        run("ffdnet", image(1), None)
    with pytest.raises(ValueError, match="method ffdnet needs FFDNet weights, got DnCNN"):
        run("ffdnet", image(1), gray_dncnn)
    with pytest.raises(FileNotFoundError, match=r"none at .*nowhere.pth"):
        run("dncnn", image(1), str(tmp_path / "nowhere.pth"))


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (7, 5), (8, 8)])
def test_ffdnet_takes_any_size(passing, size):
    out = run("ffdnet", image(2, *size), "file")
    assert out.shape == (2, *size)
    assert bool(out.isfinite().all())


def test_ffdnet_is_told_the_level_of_every_channel(passing):
    y = image(2)
    two = replace(NoiseReport.white(0.1, 2), sigma=(0.1, 0.3))
    got = run("ffdnet", y, "file", noise=two)
    torch.testing.assert_close(got[0], passing(y[None, :1], torch.tensor(0.1))[0, 0])
    torch.testing.assert_close(got[1], passing(y[None, 1:], torch.tensor(0.3))[0, 0])
    doubled = run("ffdnet", y[:1], "file", config=Config(strength=2.0))
    torch.testing.assert_close(doubled[0], passing(y[None, :1], torch.tensor(0.2))[0, 0])


@pytest.mark.parametrize("name", ["dncnn", "ffdnet"])
def test_tiles_give_the_whole(name, gray_dncnn, passing, monkeypatch):
    if name == "dncnn":
        monkeypatch.undo()
    y = image(1, 131, 140)
    tiling = methods.load(name).tiling
    assert tiling.kind == "exact"
    whole = run(name, y, gray_dncnn)
    got = tiles.process(
        y, lambda part: run(name, part, gray_dncnn), tile=64, halo=tiling.halo, stride=tiling.stride
    )
    torch.testing.assert_close(got, whole, atol=1e-6, rtol=0)
