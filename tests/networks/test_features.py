"""Features: VGG against a network put together by hand, weights fetched once and checked."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pellucid.networks import download, features

DATA = Path(os.environ.get("PELLUCID_DATA", "/nowhere"))
VGG19 = DATA / "weights/vgg19/vgg19_imagenet_conv1_1_to_conv3_4_hwio_float32.npz"
WIDTHS = {
    "1_1": (3, 4),
    "1_2": (4, 4),
    "2_1": (4, 6),
    "2_2": (6, 6),
    "3_1": (6, 8),
    "3_2": (8, 8),
    "3_3": (8, 8),
}


@pytest.fixture
def torchvision(tmp_path: Path) -> tuple[Path, nn.Sequential]:
    """A thin VGG-16 saved under torchvision's names, and its first layers as a chain of modules."""
    torch.manual_seed(0)
    chain, state, place = nn.Sequential(), {}, 0
    for name, (a, b) in WIDTHS.items():
        if name.endswith("_1") and place:
            chain.append(nn.MaxPool2d(2))
            place += 1
        layer = nn.Conv2d(a, b, 3, padding=1)
        state |= {f"features.{place}.weight": layer.weight.data, f"features.{place}.bias": layer.bias.data}
        chain.append(layer).append(nn.ReLU())
        place += 2
    torch.save(state, tmp_path / "vgg16.pth")
    return tmp_path / "vgg16.pth", chain


def test_vgg16_is_torchvisions(torchvision: tuple[Path, nn.Sequential]) -> None:
    path, chain = torchvision
    picture = torch.rand(1, 3, 16, 20)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    fed = (picture - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    for layer, count in (("relu1_2", 4), ("relu2_2", 9), ("relu3_3", 16)):
        torch.testing.assert_close(features.load(path, layer=layer)(picture), chain[:count](fed))
    assert not any(p.requires_grad for p in features.load(path).parameters())


def test_gray_is_seen_as_gray_colour(torchvision: tuple[Path, nn.Sequential]) -> None:
    network, gray = features.load(torchvision[0]), torch.rand(1, 2, 8, 8)
    expected = torch.cat([network(gray[:, i : i + 1].expand(-1, 3, -1, -1)) for i in range(2)])
    torch.testing.assert_close(network(gray), expected)


def test_vgg19_of_keras(tmp_path: Path) -> None:
    """BGR in 0..255 less its mean; kernels lie as (height, width, in, out)."""
    arrays = {}
    for name, (a, b) in WIDTHS.items():
        stem = "block{}_conv{}".format(*name.split("_"))
        arrays[f"{stem}/kernel"] = np.zeros((3, 3, a, b), np.float32)
        arrays[f"{stem}/bias"] = np.zeros(b, np.float32)
    arrays["block1_conv1/kernel"][1, 1, 0, 0] = 1  # blue
    arrays["block1_conv2/kernel"][1, 1, 0, 0] = 1
    np.savez(tmp_path / "vgg19.npz", **arrays)
    picture = torch.zeros(1, 3, 4, 4)
    picture[:, 2] = 1
    found = features.load(tmp_path / "vgg19.npz", layer="relu1_2")(picture)
    assert float(found[0, 0].mean()) == pytest.approx((255 - 103.939) / (255 * 0.226), rel=1e-4)
    assert float(found[0, 1:].abs().max()) == 0


@pytest.mark.data
@pytest.mark.skipif(not VGG19.exists(), reason="PELLUCID_DATA has no VGG-19")
def test_the_published_vgg19_sees_edges_more_than_brightness() -> None:
    network = features.load(VGG19)
    picture = torch.rand(1, 3, 16, 16).mul(0.1).add(0.4)
    brighter, mixed = picture + 0.03, picture + 0.03 * torch.randn(picture.shape)
    far = [float((network(p) - network(picture)).square().mean()) for p in (brighter, mixed)]
    assert far[1] > 3 * far[0] > 0


def test_damaged_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is none"):
        features.load(tmp_path / "none.pth")
    (tmp_path / "bad.pth").write_bytes(b"nothing of the kind")
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "part.pth")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for name in ("bad.pth", "part.pth", "other.npz"):
        with pytest.raises(ValueError, match="VGG-16 as torchvision saves it"):
            features.load(tmp_path / name)


def test_fetched_once_and_checked(tmp_path: Path) -> None:
    source, folder = tmp_path / "weights.pth", tmp_path / "cache"
    source.write_bytes(b"some weights")
    url, right = source.as_uri(), hashlib.sha256(b"some weights").hexdigest()
    with pytest.raises(ValueError, match="must have the SHA-256"):
        download.fetch(url, sha256="0" * 64, folder=folder)
    assert list(folder.iterdir()) == []
    path = download.fetch(url, sha256=right, folder=folder)
    assert path.read_bytes() == b"some weights"
    source.unlink()  # from here on only what is kept can be given
    assert download.fetch(url, sha256=right, folder=folder) == path
    path.write_bytes(b"damaged")
    with pytest.raises(OSError, match="could not be fetched"):
        download.fetch(url, sha256=right, folder=folder)


def test_cache_folder_can_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path))
    assert download.cache() == tmp_path
    monkeypatch.delenv("PELLUCID_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert download.cache() == tmp_path / "pellucid"


def test_vgg16_comes_through_the_download(
    torchvision: tuple[Path, nn.Sequential], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = torchvision
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(features, "VGG16_URL", path.as_uri())
    monkeypatch.setattr(features, "VGG16_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    picture = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(features.build("vgg16", 3)(picture), features.load(path)(picture))
    assert (tmp_path / "cache" / "vgg16.pth").exists()


def test_random_features_are_the_same_every_time_and_disturb_no_draw() -> None:
    state = torch.get_rng_state()
    one, other = features.build("random", 3), features.build("random", 3)
    assert torch.equal(torch.get_rng_state(), state)
    picture = torch.rand(1, 3, 9, 7)
    assert torch.equal(one(picture), other(picture))


def test_gradients_are_numpys_differences() -> None:
    picture = torch.rand(1, 2, 5, 6)
    found = features.build("gradient", 2)(picture)
    np.testing.assert_array_equal(found[0, 2:4, :, :-1], np.diff(picture[0].numpy(), axis=2))
    np.testing.assert_array_equal(found[0, 4:, :-1], np.diff(picture[0].numpy(), axis=1))


def test_gradient_of_features_reaches_the_picture() -> None:
    picture = torch.rand(1, 3, 8, 8, requires_grad=True)
    features.build("random", 3)(picture).square().mean().backward()
    assert float(picture.grad.abs().max()) > 0
