"""What is exported does what the model does: of any size, at any level, by every runtime."""

import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest
import torch

import pellucid
from pellucid import files, methods, models, seeds
from pellucid.exporting import graph, parity, quantise, runtime, tune
from pellucid.exporting.export import export
from pellucid.models import exported
from pellucid.request import Export

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def model(path, *, network="swift-tiny", channels=1, **card):
    """A model with random weights, none of which are zero."""
    method = methods.load("n2n")
    config = method.presets["fast"]
    config = type(config)(network=network)
    with seeds.fixed(3, "weights"):
        built = method.learning.build(config, channels)
        weights = {name: w + 0.02 * torch.randn_like(w) for name, w in built.state_dict().items()}
    stated = {"sigma": (0.02, 0.2)} | card
    return models.write(
        path, models.Card(method="n2n", config=asdict(config), channels=channels, **stated), weights
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A model that is told the level, in colour and standardised, and its ONNX file."""
    folder = tmp_path_factory.mktemp("export")
    source = model(
        folder / "m.safetensors", network="swift", channels=3, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25)
    )
    return source, export(Export(model=str(source), out=folder / "m.onnx"))


def test_any_size_any_level_and_the_order_of_the_pixels(made):
    """Against torch; pixel-unshuffle in another order of channels would give another picture."""
    source, done = made
    assert all(row.largest < 1e-4 for row in done.parity)
    assert len({row.size for row in done.parity}) == 3
    session = ort.InferenceSession(done.files[0], providers=["CPUExecutionProvider"])
    ours = models.load(source, "n2n", methods.load("n2n").learning, methods.load("n2n").config)
    mean, std = models.factors(ours.card)
    for shape in ((1, 3, 37, 64), (2, 3, 16, 201)):
        noisy = torch.rand(shape)
        for sigma in (torch.full((1, 1, 1, 1), 0.1), 0.1 * torch.rand(shape[0], 1, *shape[2:])):
            unit = std.square().mean().sqrt()
            with torch.no_grad():
                wanted = ours.network((noisy - mean) / std, sigma / unit) * std + mean
            found = session.run(None, {"noisy": noisy.numpy(), "sigma": sigma.numpy()})[0]
            assert np.abs(found - wanted.numpy()).max() < 1e-4


def test_one_file_with_its_card_and_the_card_beside(made):
    _, done = made
    proto = onnx.load(done.files[0], load_external_data=False)
    assert not any(onnx.external_data_helper.uses_external_data(t) for t in proto.graph.initializer)
    keys = {entry.key: entry.value for entry in proto.metadata_props}
    sheet = json.loads(done.files[1].read_text())
    assert json.loads(keys[exported.FORMAT]) == sheet["card"]
    assert sheet["card"]["channels"] == 3
    assert len(sheet["parity"]) == 3
    assert set(sheet["inputs"]) == {"noisy", "sigma"}
    assert done.files[1].name == "m.onnx.json"


def test_denoise_takes_it(made):
    source, done = made
    noisy = np.random.default_rng(0).random((40, 53, 3), dtype=np.float32)
    common = {"sigma": 0.1, "channel_axis": 2, "data_range": 1.0}
    wanted = pellucid.denoise(noisy, model=str(source), runtime="torch", **common)
    found = pellucid.denoise(noisy, model=str(done.files[0]), **common)
    assert np.abs(found - wanted).max() < 1e-4
    with pytest.raises(ValueError, match="runtime must be auto or onnx"):
        pellucid.denoise(noisy, model=str(done.files[0]), runtime="torch", **common)
    with pytest.raises(ValueError, match="adapt fits a model in torch"):
        pellucid.denoise(noisy, model=str(done.files[0]), adapt=1.0, **common)


@pytest.fixture
def at_once(made, monkeypatch):
    """The exporter takes half a minute: the graph that it has made is taken again."""
    _, done = made

    def write(path, out):
        shutil.copyfile(done.files[0], out)
        return done.facts

    monkeypatch.setattr(graph, "write", write)
    return write


def test_a_failing_parity_is_an_error_and_leaves_no_file(made, at_once, tmp_path, monkeypatch):
    source = shutil.copyfile(made[0], tmp_path / "m.safetensors")

    def spoilt(path, out):
        told = at_once(path, out)
        proto = onnx.load(out)
        weight = proto.graph.initializer[0]
        values = onnx.numpy_helper.to_array(weight)
        weight.CopyFrom(onnx.numpy_helper.from_array(values[::-1].copy(), weight.name))
        out.write_bytes(proto.SerializeToString())
        return told

    monkeypatch.setattr(graph, "write", spoilt)
    with pytest.raises(ValueError, match="differs from the model"):
        export(Export(model=str(source), out=tmp_path / "m.onnx"))
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


def test_what_cannot_be_exported(tmp_path):
    weights = tmp_path / "m.pth"
    weights.write_bytes(b"")
    with pytest.raises(ValueError, match="weights of another program"):
        export(Export(model=str(weights), out=tmp_path / "m.onnx"))
    with pytest.raises(ValueError, match=r"must end in \.onnx or \.xml"):
        Export(model="swift-color", out=tmp_path / "m.engine")
    (tmp_path / "there.onnx").write_text("mine")
    with pytest.raises(FileExistsError, match="exists"):
        export(Export(model="swift-color", out=tmp_path / "there.onnx"))
    assert (tmp_path / "there.onnx").read_text() == "mine"


def test_runtimes_are_kept_ready_and_the_fastest_is_taken(made, at_once, tmp_path, monkeypatch):
    pytest.importorskip("openvino")
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "cache"))
    source = made[0]
    noisy = np.random.default_rng(0).random((40, 53, 3), dtype=np.float32)
    common = {"model": str(source), "sigma": 0.1, "data_range": 1.0, "channel_axis": 2}
    wanted = pellucid.denoise(noisy, **common)
    for name in ("onnx", "openvino"):
        first, again = (pellucid.denoise(noisy, runtime=name, return_result=True, **common) for _ in range(2))
        assert np.abs(np.moveaxis(first.estimate[0], 0, -1) - wanted).max() < 1e-4
        assert any(f"exported for {name}, float32, once" in note for note in first.warnings)
        assert not any("once" in note for note in again.warnings)
    assert {path.suffix for path in (tmp_path / "cache" / "exports").iterdir()} == {
        ".onnx",
        ".xml",
        ".bin",
        ".json",
    }
    choice = runtime.Choice(runtime="openvino", precision="bfloat16")
    runtime.keep(source, choice, {})
    assert runtime.kept(source) == choice
    result = pellucid.denoise(noisy, return_result=True, **common)
    assert any("openvino, bfloat16" in note for note in result.warnings)
    assert 0 < np.abs(np.moveaxis(result.estimate[0], 0, -1) - wanted).max() < 0.05
    monkeypatch.setattr(runtime, "machine", lambda: "another one")
    assert runtime.kept(source) == runtime.Choice()


def test_tune_keeps_the_fastest_that_is_as_good(made, at_once, tmp_path, monkeypatch):
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "cache"))
    source = made[0]
    choices = (runtime.Choice(), runtime.Choice(runtime="onnx"))
    monkeypatch.setattr(tune, "CHOICES", choices)
    done = tune.tune(str(source), rounds=1, side=64)
    assert [row.choice for row in done.rows] == list(choices)
    assert abs(done.rows[0].psnr - done.rows[1].psnr) < 1e-3
    assert done.best == min(done.rows, key=lambda row: row.ms).choice == runtime.kept(source)


def test_a_runtime_needs_a_model(tmp_path):
    noisy = np.zeros((32, 32), np.float32)
    with pytest.raises(ValueError, match="runtime"):
        pellucid.denoise(noisy, "nlm", runtime="onnx", sigma=0.1)
    with pytest.raises(ValueError, match="runtime must be"):
        pellucid.denoise(noisy, runtime="tensorrt")


def test_parity_names_what_is_wrong():
    row = parity.Row(size=(64, 64), largest=0.1, decibels=30.0, torch_ms=1.0, ms=1.0)
    assert "30 dB" in parity.faults([row], "float32")
    assert "nan" in parity.faults([parity.Row(**(vars(row) | {"decibels": float("nan")}))], "int8")
    assert parity.faults([parity.Row(**(vars(row) | {"decibels": 130.0}))], "float32") == ""


def test_8_bits_round_the_residual_and_never_the_picture(made, at_once, tmp_path):
    """First and last convolution and the sum with the picture keep floats."""
    source = made[0]
    done = export(Export(model=str(source), out=tmp_path / "i.onnx", precision="int8"))
    proto = onnx.load(done.files[0])
    makers = {name: node for node in proto.graph.node for name in node.output}
    layers = [node for node in proto.graph.node if node.op_type in ("Conv", "ConvTranspose")]

    def rounded(node):
        return makers[node.input[0]].op_type == "DequantizeLinear"

    assert not rounded(layers[0])
    assert not rounded(layers[-1])
    assert all(rounded(node) for node in layers[1:-1])
    last = makers["estimate"]
    assert last.op_type in ("Sub", "Add", "Mul")
    assert done.facts.precision == "int8"
    assert all(row.decibels > 32 for row in done.parity)


def test_8_bits_are_calibrated_on_pictures_of_ones_own(tmp_path):
    folder = tmp_path / "noisy"
    folder.mkdir()
    with pytest.raises(ValueError, match="no picture of 3 channels"):
        list(quantise._measured(folder, 3))
    rng = np.random.default_rng(0)
    pixels = np.clip(rng.normal(128, 25, (64, 80, 3)), 0, 255).astype(np.uint8)
    pellucid.write(files.from_array(pixels, channel_axis=2), folder / "a.png")
    ((noisy, level),) = list(quantise._measured(folder, 3))
    assert noisy.shape == (1, 3, 64, 80)
    assert level == pytest.approx(25 / 255, rel=0.1)
    with pytest.raises(ValueError, match="data is what int8 is calibrated on"):
        Export(model="swift-color", out=tmp_path / "m.onnx", data=folder)


def test_weights_of_others_are_one_line_that_says_what_to_do(tmp_path):
    from pellucid.networks.cycleisp import CycleISP

    weights = tmp_path / "cycleisp.pth"
    torch.save(CycleISP(3, features=8, groups=1, blocks=1, reduction=4).state_dict(), weights)
    with pytest.raises(ValueError, match=r"another program.*pellucid distil \S+cycleisp.pth") as caught:
        export(Export(model=str(weights), out=tmp_path / "x.onnx"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "x.onnx").exists()
