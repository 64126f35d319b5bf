"""Model files: a round trip, tiles and units as the card says, and clear words about every bad file."""

import dataclasses
import json
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import pellucid
from pellucid import models, seeds
from pellucid.models.applying import report_in
from pellucid.models.file import FORMAT
from pellucid.noise.report import NoiseReport


@pytest.fixture
def weights(toy):
    with seeds.fixed(1, "weights"):
        return toy.learning.build(toy.config(), 1).state_dict()


@pytest.fixture
def card(toy):
    return models.Card(method="toy", config=dataclasses.asdict(toy.config()), channels=1, halo=2, stride=1)


@pytest.fixture
def model(tmp_path, card, weights):
    return models.write(tmp_path / "m.safetensors", card, weights)


def rewritten(path, change):
    """The same file with its header changed."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])
    return path


def with_card(path, **values):
    def change(header):
        card = json.loads(header["__metadata__"][FORMAT]) | values
        header["__metadata__"][FORMAT] = json.dumps({k: v for k, v in card.items() if v != "gone"})

    return rewritten(path, change)


def test_round_trip(model, card, weights):
    assert models.read_card(model) == card
    again, tensors = models.read(model)
    assert again == card
    assert all(torch.equal(tensors[name], weights[name]) for name in weights)


def test_same_content_same_bytes(model, card, weights, tmp_path):
    other = models.write(tmp_path / "n.safetensors", card, weights)
    assert other.read_bytes() == model.read_bytes()


def test_half_is_half_as_large_and_close(tmp_path, card, weights):
    large = {"body.0.weight": torch.randn(100, 100)}
    full = models.write(tmp_path / "a.safetensors", card, large)
    half = models.write(tmp_path / "b.safetensors", card, large, half=True)
    assert half.stat().st_size < 0.6 * full.stat().st_size
    tensor = models.read(half)[1]["body.0.weight"]
    assert tensor.dtype == torch.float32
    assert torch.allclose(tensor, large["body.0.weight"], rtol=1e-3, atol=1e-7)


def test_denoise_infers_the_method_and_equals_the_network(model, toy):
    noisy = np.random.default_rng(0).random((20, 24), dtype=np.float32)
    result = pellucid.denoise(noisy, model=str(model), return_result=True)
    assert result.method == "toy"
    network = models.load(model, "toy", toy.learning, toy.config).network
    with torch.no_grad():
        expected = network(torch.from_numpy(noisy)[None, None])[0].numpy()
    expected += noisy.mean() - expected.mean()  # the mean is kept
    assert np.abs(result.estimate[0] - expected).max() < 1e-5


def test_a_gray_model_takes_every_channel_and_a_colour_model_does_not(model, tmp_path, card, toy):
    noisy = np.random.default_rng(0).random((20, 24, 3), dtype=np.float32)
    clean = pellucid.denoise(noisy, model=str(model), channel_axis=-1)
    assert clean.shape == noisy.shape
    network = toy.learning.build(toy.config(), 3).state_dict()
    colour = models.write(tmp_path / "c.safetensors", dataclasses.replace(card, channels=3), network)
    with pytest.raises(ValueError, match="for 3 channels, the image has 1"):
        pellucid.denoise(noisy[..., 0], model=str(colour))


def test_standardised_values_and_stored_units(tmp_path, card, weights):
    """A network that does nothing gives the picture back whatever the card scales by."""
    nothing = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    odd = dataclasses.replace(card, mean=(0.3,), std=(0.2,), white=4095.0)
    path = models.write(tmp_path / "o.safetensors", odd, nothing)
    counts = np.random.default_rng(0).integers(0, 1000, (16, 18)).astype(np.uint16)
    assert np.array_equal(pellucid.denoise(counts, model=str(path)), counts)


def test_tiles_of_the_card_are_exact(model):
    noisy = np.random.default_rng(0).random((70, 75), dtype=np.float32)
    whole = pellucid.denoise(noisy, model=str(model))
    tiled = pellucid.denoise(noisy, model=str(model), tile=32)
    assert np.abs(whole - tiled).max() < 1e-5


def test_report_in_other_units_keeps_the_law_of_the_variance():
    report = dataclasses.replace(NoiseReport.white(0.1, 1), gain=(0.02,), offset=(0.003,))
    scaled = report_in(report, 0.4, 0.25, 2.0)
    x = 0.37
    z = (2 * x - 0.4) / 0.25
    assert scaled.gain[0] * z + scaled.offset[0] == pytest.approx((0.02 * x + 0.003) * 4 / 0.25**2)
    assert scaled.sigma[0] == pytest.approx(0.1 * 2 / 0.25)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "gone"}, "must name the method"),
        ({"config": "gone"}, "must name the config"),
        ({"channels": "three"}, "channels in the card must be int"),
        ({"channels": 0}, "channels must be in"),
        ({"mean": [0.1, 0.2]}, "mean must be 1 finite numbers"),
        ({"std": [0.0]}, "std must be greater than 0"),
        ({"halo": -1}, "halo must be in"),
        ({"origin": "heaven"}, "origin must be one of"),
        ({"config": {"steps": "__import__('os').abort()"}}, "configuration that toy does not take"),
        ({"config": {"steps": -1}}, "steps must be at least 1"),
        ({"config": {"colour": 1}}, "field must be one of"),
        ({"config": {"width": 9}}, "does not fit its network"),
        ({"config": {"width": -3}}, "cannot be built"),
        ({"config": {"width": 2**20}}, "many more weights than are in the file"),
        ({"method": "nothing"}, "must be one of"),
        ({"method": "bm3d"}, "is not trained"),
        ({"method": "toy-alone"}, "trained by toy-alone, not by toy"),
    ],
)
def test_bad_cards(model, change, words):
    method = "toy" if change.get("method") == "toy-alone" else "auto"
    with pytest.raises(ValueError, match=words) as caught:
        pellucid.denoise(np.zeros((16, 16), np.float32), method, model=str(with_card(model, **change)))
    assert "m.safetensors" in str(caught.value)


def test_damaged_and_foreign_files(model, tmp_path, weights):
    data = model.read_bytes()
    bad = {
        "empty": b"",
        "short": data[:5],
        "header cut": data[:200],
        "tensors cut": data[:-7],
        "text": b"weights, honestly" * 20,
    }
    for content in bad.values():
        path = tmp_path / "bad.safetensors"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"damaged, incomplete or no safetensors file.*pellucid train"):
            models.read_card(path)
    torch.save(weights, tmp_path / "pickle.safetensors")
    with pytest.raises(ValueError, match="damaged, incomplete or no safetensors"):
        models.read(tmp_path / "pickle.safetensors")
    save_file(weights, tmp_path / "foreign.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="another program"):
        models.read(tmp_path / "foreign.safetensors")
    torch.save(weights, tmp_path / "net.pth")
    with pytest.raises(ValueError, match=r"'net.pth' holds weights of another program.*docs/zoo.md"):
        models.read_card(tmp_path / "net.pth")
    with pytest.raises(ValueError, match="card must be JSON"):
        models.read(rewritten(model, lambda h: h["__metadata__"].update({FORMAT: "{"})))
    with pytest.raises(ValueError, match="Update pellucid"):
        models.read(rewritten(model, lambda h: h.update(__metadata__={"pellucid model 99": "{}"})))
    with pytest.raises(FileNotFoundError, match="Check the path"):
        models.read(tmp_path / "none.safetensors")


def test_a_long_header_is_not_read(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", 5_000_000) + b" " * 5_000_000)
    with pytest.raises(ValueError, match="header has 5,000,000 bytes"):
        models.read_card(path)


def test_weights_that_are_not_finite_are_refused_both_ways(tmp_path, card, weights):
    broken = weights | {"body.0.bias": torch.full((8,), float("nan"))}
    with pytest.raises(ValueError, match="finite"):
        models.write(tmp_path / "n.safetensors", card, broken)
    assert not list(tmp_path.iterdir())
    save_file(broken, tmp_path / "n.safetensors", {FORMAT: card.to_json()})
    with pytest.raises(ValueError, match=r"not finite, in body\.0\.bias"):
        models.read(tmp_path / "n.safetensors")


def test_settings_that_do_not_apply(model):
    noisy = np.zeros((16, 16), np.float32)
    with pytest.raises(ValueError, match="preset='fast' does not apply to a trained model"):
        pellucid.denoise(noisy, model=str(model), preset="fast")
    with pytest.raises(ValueError, match="model does not apply to method nlm"):
        pellucid.denoise(noisy, "nlm", model=str(model))
    with pytest.raises(ValueError, match="pellucid train toy"):
        pellucid.denoise(noisy, "toy")
    other = model.with_suffix(".pth")
    other.write_bytes(b"x")
    with pytest.raises(ValueError, match="is no weight file of a network that is known here"):
        pellucid.denoise(noisy, model=str(other))
    with pytest.raises(ValueError, match=r"must end in \.safetensors"):
        models.write("m.pt", models.read_card(model), {})


class Unkept(torch.nn.Module):
    """A network that holds more than its weights, or nothing but them."""

    def __init__(self, inner: torch.nn.Module, where: str) -> None:
        super().__init__()
        self.body = inner.body
        if where == "buffer":
            self.register_buffer("factor", torch.tensor(0.5), persistent=False)
        elif where == "attribute":
            self.factor = torch.tensor(0.5)
        elif where == "list":
            self.factors = [torch.tensor(0.5)]

    def forward(self, noisy):
        factor = self.factors[0] if hasattr(self, "factors") else getattr(self, "factor", 0.5)
        return noisy - factor * self.body(noisy)


@pytest.mark.parametrize(("where", "built"), [("", 1), ("buffer", 2), ("attribute", 2), ("list", 2)])
def test_a_network_is_built_once_and_again_only_for_what_no_file_holds(model, toy, weights, where, built):
    calls = []

    def build(config, channels):
        calls.append(channels)
        return Unkept(toy.learning.build(config, channels), where)

    learning = dataclasses.replace(toy.learning, build=build)
    network = models.load(model, "toy", learning, toy.config).network
    assert len(calls) == built
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    assert not any(p.requires_grad for p in network.parameters())
    noisy = torch.rand(1, 1, 9, 9, generator=seeds.generator(2))
    assert torch.equal(noisy - 0.5 * network.body(noisy), network(noisy))
