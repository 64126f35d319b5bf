"""Every published layout of DnCNN and FFDNet, written here by hand, must give the same network back."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from torch import nn

from pellucid import metrics, seeds
from pellucid.networks.classics import DnCNN, FFDNet
from pellucid.networks.published import load

DATA = Path(os.environ.get("PELLUCID_DATA", Path(__file__).parents[3] / "shared" / "data"))
needs_data = pytest.mark.skipif(not (DATA / "weights").is_dir(), reason="PELLUCID_DATA holds no weights")


def dncnn(channels: int = 1, depth: int = 17, batch_norm: bool = False) -> DnCNN:
    with seeds.fixed(0, "weights"):
        network = DnCNN(channels, depth=depth, width=6, batch_norm=batch_norm)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
                nn.init.uniform_(module.weight, 0.5, 2)
                nn.init.normal_(module.bias)
    return network.eval()


def ffdnet(channels: int = 1, maps: int = 1, residual: bool = False) -> FFDNet:
    """Hands the phases through, then replaces each by a mean of 3 x 3 of it and of the one below or above."""
    network = FFDNet(channels, depth=8, width=6 * channels, map_channels=maps, residual=residual)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        for conv in convolutions:
            conv.weight.zero_()
            conv.bias.zero_()
            conv.weight[list(range(4 * channels)), list(range(4 * channels)), 1, 1] = 1
        last = convolutions[-1].weight
        smooth = torch.zeros_like(last)
        for c in range(4 * channels):
            partner = 4 * (c // 4) + {0: 2, 1: 3, 2: 0, 3: 1}[c % 4]  # phases by rows: 0 1 over 2 3
            smooth[c, [c, partner]] = 1 / 18
        last.copy_(last - smooth if residual else smooth)
    return network.eval()


def convolutions_of(network: nn.Module) -> list[nn.Conv2d]:
    return [m for m in network.modules() if isinstance(m, nn.Conv2d)]


def save_npz(network: nn.Module, path: Path) -> None:
    arrays = {}
    for i, conv in enumerate(convolutions_of(network)):
        arrays[f"conv{i:02d}.weight"] = conv.weight.detach().numpy()
        arrays[f"conv{i:02d}.bias"] = conv.bias.detach().numpy()
    np.savez(path, **arrays)


def save_mat(network: nn.Module, path: Path, *, weights: list[np.ndarray] | None = None) -> None:
    """As MatConvNet does: kernels (height, width, in, out), of which MATLAB drops a last 1."""
    layers = []
    for i, conv in enumerate(convolutions_of(network)):
        kernel = conv.weight.detach().numpy() if weights is None else weights[i]
        kernel = kernel.transpose(2, 3, 1, 0)
        kernel = kernel[..., 0] if kernel.shape[-1] == 1 else kernel
        parts = np.empty((1, 2), dtype=object)
        parts[0, 0], parts[0, 1] = kernel, conv.bias.detach().numpy()[:, None]
        layers += [{"type": "conv", "weights": parts, "stride": 1.0}, {"type": "relu", "leak": 0.0}]
    cell = np.empty((1, len(layers)), dtype=object)
    for i, layer in enumerate(layers):
        cell[0, i] = layer
    savemat(path, {"net": {"layers": cell}})


def noisy(channels: int) -> torch.Tensor:
    return torch.rand(2, channels, 13, 18, generator=seeds.generator(0))


@pytest.mark.parametrize("prefix", ["module.dncnn.", "model.", "", "net.body."])
@pytest.mark.parametrize(("channels", "depth"), [(1, 17), (3, 20)])
def test_dncnn_pth_with_and_without_batch_norm(tmp_path, prefix, channels, depth):
    for batch_norm in (True, False):
        network = dncnn(channels, depth, batch_norm)
        state = {prefix + key.removeprefix("layers."): v for key, v in network.state_dict().items()}
        torch.save({"state_dict": state} if prefix == "net.body." else state, tmp_path / "net.pth")
        loaded = load(tmp_path / "net.pth")
        assert isinstance(loaded, DnCNN)
        torch.testing.assert_close(loaded(noisy(channels)), network(noisy(channels)), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_dncnn_npz_and_mat(tmp_path, channels):
    network = dncnn(channels)
    save_npz(network, tmp_path / "a.npz")
    save_mat(network, tmp_path / "a.mat")
    (tmp_path / "a.mat").rename(tmp_path / "without-a-known-ending")
    for name in ("a.npz", "without-a-known-ending"):
        torch.testing.assert_close(load(tmp_path / name)(noisy(channels)), network(noisy(channels)))


def test_dncnn_mat_with_batch_norm(tmp_path):
    network = dncnn()
    save_mat(network, tmp_path / "plain.mat")
    cell = []
    for conv in convolutions_of(network):
        kernel = conv.weight.detach().numpy().transpose(2, 3, 1, 0)
        parts = np.empty((1, 2), dtype=object)
        parts[0, 0], parts[0, 1] = kernel, np.zeros((kernel.shape[-1], 1))
        cell.append({"type": "conv", "weights": parts})
        norm = np.empty((1, 3), dtype=object)  # 2 (x - 0) / 2 + bias: the bias moves into the normalisation
        bias = conv.bias.detach().numpy()[:, None]
        norm[0, 0], norm[0, 1] = np.full_like(bias, 2), bias
        norm[0, 2] = np.concatenate([np.zeros_like(bias), np.full_like(bias, 2)], 1)
        cell.append({"type": "bnorm", "weights": norm})
    layers = np.empty((1, len(cell)), dtype=object)
    for i, layer in enumerate(cell):
        layers[0, i] = layer
    savemat(tmp_path / "norm.mat", {"net": {"layers": layers}})
    torch.testing.assert_close(load(tmp_path / "norm.mat")(noisy(1)), network(noisy(1)))


@pytest.mark.parametrize(("channels", "maps"), [(1, 1), (3, 1), (3, 3)])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("map_first", [False, True])
def test_ffdnet_conventions_are_found_by_trial(tmp_path, channels, maps, residual, map_first):
    network = ffdnet(channels, maps, residual)
    state = network.state_dict()
    key = "layers.0.weight"
    if map_first:
        state[key] = torch.cat([state[key][:, -maps:], state[key][:, :-maps]], 1)
    torch.save(state, tmp_path / "net.pth")
    loaded = load(tmp_path / "net.pth")
    assert isinstance(loaded, FFDNet)
    assert loaded.residual == residual
    sigma = torch.tensor(0.1)
    torch.testing.assert_close(loaded(noisy(channels), sigma), network(noisy(channels), sigma))


@pytest.mark.parametrize("channels", [1, 3])
def test_ffdnet_mat_has_its_phases_by_columns(tmp_path, channels):
    network = ffdnet(channels)
    # MatConvNet's phase i (from 0) is at row i mod 2 and column i div 2; PyTorch's is at 2 row + column
    by_columns = [4 * c + 2 * (i % 2) + i // 2 for c in range(channels) for i in range(4)]
    weights = [conv.weight.detach().numpy() for conv in convolutions_of(network)]
    weights[0] = weights[0][:, [*by_columns, 4 * channels]]
    weights[-1] = weights[-1][by_columns]
    save_mat(network, tmp_path / "ffdnet.mat", weights=weights)
    sigma = torch.tensor(0.1)
    got = load(tmp_path / "ffdnet.mat")(noisy(channels), sigma)
    torch.testing.assert_close(got, network(noisy(channels), sigma))


def test_bad_files_are_one_clear_error(tmp_path):
    good, path = dncnn(), tmp_path / "net"

    def fails(message: str) -> None:
        with pytest.raises(ValueError, match=message) as caught:
            load(path)
        assert "\n" not in str(caught.value)

    for content in (b"", b"hello", b"PK\x03\x04 not a zip", b"MATLAB 5.0 MAT-file, cut off", b"\x80\x02."):
        path.write_bytes(content)
        fails("not a readable DnCNN or FFDNet weight file .* Expected the authors' .mat")
    torch.save(good.state_dict(), path)
    path.write_bytes(path.read_bytes()[:3000])
    fails("not a readable")
    torch.save(Path("an object, which might run code"), path)
    fails("not a readable")
    state = good.state_dict()
    state["layers.4.weight"][0, 0, 0, 0] = torch.nan
    torch.save(state, path)
    fails("not finite")
    torch.save(DnCNN(1, depth=5).state_dict(), path)
    fails("must hold DnCNN .* got 1 in, 1 out, 5 layers")
    with seeds.fixed(0):
        torch.save(FFDNet(1, depth=8, width=4).state_dict(), path)
    fails("removes no noise from a test pattern")
    torch.save(nn.Linear(3, 3).state_dict(), path)
    fails("neither a convolution nor a normalisation")
    savemat(tmp_path / "x.mat", {"something": np.zeros(3)})
    path = tmp_path / "x.mat"
    fails("not a readable")
    with pytest.raises(FileNotFoundError, match="there is none at"):
        load(tmp_path / "absent.pth")


@needs_data
@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "sigma", "least"),
    [
        ("cszn/dncnn_specifics_sigma25.npz", 25, 28.0),
        ("cszn/dncnn_top_GD_Gray_Blind.npz", 25, 28.0),
        ("dncnn_gray/dncnn_25.pth", 25, 28.0),
        ("dncnn_gray/DnCNN-S-25/net.pth", 25, 28.0),
        ("dncnn_gray/DnCNN-B/net.pth", 25, 28.0),
        ("ffdnet/net_gray.pth", 25, 28.0),
        ("cszn/dncnn_specifics_color_color_sigma25.npz", 25, 28.0),
        ("cszn/dncnn_top_GD_Color_Blind.npz", 25, 28.0),
        ("ffdnet/net_rgb.pth", 25, 28.0),
    ],
)
def test_public_files_denoise(file, sigma, least):
    network = load(DATA / "weights" / file)
    name = "Set12/01.png" if network.channels == 1 else "CBSD68/101085.png"
    with Image.open(DATA / "clean" / name) as image:
        clean = torch.from_numpy(np.atleast_3d(np.asarray(image)).astype(np.float32) / 255)
    clean = clean.permute(2, 0, 1)[None, :, 60:160, 60:160]
    y = clean + sigma / 255 * torch.randn(clean.shape, generator=seeds.generator(0))
    with torch.inference_mode():
        out = network(y, torch.tensor(sigma / 255)) if isinstance(network, FFDNet) else network(y)
    assert metrics.psnr(clean, out, data_range=1) > least
