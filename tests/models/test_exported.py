"""Exported models: a stranger's file is refused in one line, and nothing of it runs."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pellucid import models
from pellucid.models.exported import Facts, facts, network
from pellucid.models.exported.onnx_file import MOST

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT


def blur(path, *, change=lambda graph: None, told=False, card=True):
    """A mean of 3 x 3 pixels as an ONNX file; `change` spoils it before it is written."""
    shape = ["batch", 1, "height", "width"]
    inputs = [helper.make_tensor_value_info("noisy", FLOAT, shape)]
    inputs += [helper.make_tensor_value_info("sigma", FLOAT, [1, 1, 1, 1])] if told else []
    weight = helper.make_tensor("w", FLOAT, (1, 1, 3, 3), [1 / 9] * 9)
    nodes = [helper.make_node("Conv", ["noisy", "w"], ["estimate"], pads=[1, 1, 1, 1], name="conv")]
    outputs = [helper.make_tensor_value_info("estimate", FLOAT, shape)]
    graph = helper.make_graph(nodes, "blur", inputs, outputs, [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    stated = models.Card(method="n2n", config={}, channels=1)
    if card:
        for key, text in Facts(card=stated, conditioned=told, least=8).texts().items():
            model.metadata_props.add(key=key, value=text)
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def test_a_graph_is_called_as_a_network(tmp_path):
    made = network(blur(tmp_path / "m.onnx"))
    noisy = torch.rand(2, 1, 20, 17)
    wanted = torch.nn.functional.conv2d(noisy, torch.full((1, 1, 3, 3), 1 / 9), padding=1)
    assert torch.allclose(made(noisy), wanted, atol=1e-6)


def test_a_picture_below_the_least_side_is_mirrored_and_cut_back(tmp_path):
    made = network(blur(tmp_path / "m.onnx"))
    flat = torch.full((1, 1, 3, 4), 0.5)
    assert made(flat).shape == flat.shape
    assert torch.allclose(made(flat), flat, atol=1e-6)  # the border of zeros lies outside


def test_the_card_is_inside(tmp_path):
    card = models.read_card(blur(tmp_path / "m.onnx"))
    assert (card.method, card.channels) == ("n2n", 1)
    assert not models.of_others(tmp_path / "m.onnx")


def external(model):
    tensor = model.graph.initializer[0]
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def loop(model):
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["", ""], ["x"], body=body))


def custom(model):
    model.graph.node.append(helper.make_node("Evil", ["noisy"], ["x"], domain="my.code"))


def made_from_a_size(model):
    model.graph.initializer.append(helper.make_tensor("s", onnx.TensorProto.INT64, (2,), [60000, 60000]))
    model.graph.node.append(helper.make_node("Expand", ["noisy", "s"], ["x"]))


def hollow(model):
    model.graph.initializer[0].dims[:] = [1, 1, 100000, 100000]


def no_numbers(model):
    model.graph.initializer[0].float_data[0] = float("nan")


def other_inputs(model):
    model.graph.input.append(helper.make_tensor_value_info("more", FLOAT, [1]))


SPOILT = {
    "another file": (external, "another file, which is not opened"),
    "a loop": (loop, "'Loop', which exports do not have"),
    "code of its own": (custom, "'Evil' of 'my.code', which exports do not have"),
    "a huge size": (made_from_a_size, "a size that no network has"),
    "a hollow tensor": (hollow, "10000000000 values, and there are 9"),
    "no numbers": (no_numbers, "not finite"),
    "other inputs": (other_inputs, "other inputs than its card says"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_exports_do_not_hold_is_refused(name, tmp_path):
    change, words = SPOILT[name]
    with pytest.raises(ValueError, match=words) as caught:
        network(blur(tmp_path / "m.onnx", change=change))
    assert "\n" not in str(caught.value)


def test_no_card_no_model(tmp_path):
    with pytest.raises(ValueError, match="has no card"):
        facts(blur(tmp_path / "m.onnx", card=False))


@pytest.mark.parametrize("data", [b"", b"\xff" * 4000, b"not a graph at all"])
def test_damage_is_named(data, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"m\.onnx") as caught:
        facts(path)
    assert "\n" not in str(caught.value)


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "m.onnx"
    with path.open("wb") as file:
        file.truncate(MOST + 1)
    with pytest.raises(ValueError, match="more than 128 MB"):
        facts(path)


def test_openvino_files_of_strangers(tmp_path):
    pytest.importorskip("openvino")
    path = tmp_path / "m.xml"
    path.write_text('<!DOCTYPE x [<!ENTITY a "b">]><net><layers/></net>')
    with pytest.raises(FileNotFoundError, match=r"m\.bin"):
        facts(path)
    path.with_suffix(".bin").write_bytes(b"")
    with pytest.raises(ValueError, match="declares more than data"):
        facts(path)
    path.write_text('<net><layers><layer id="0" type="TensorIterator" version="opset1"/></layers></net>')
    with pytest.raises(ValueError, match="'TensorIterator', which exports do not have"):
        facts(path)
    path.write_text('<net version="11"><layers><layer id="0" type="Const" version="opset1"/></layers></net>')
    with pytest.raises(ValueError, match=r"m\.xml") as caught:
        facts(path)
    assert "\n" not in str(caught.value)


def test_sums_of_8_bit_weights_are_no_sizes(tmp_path):
    """The bias of a quantised convolution is a large whole number of 32 bits."""

    def biased(model):
        graph = model.graph
        graph.initializer.append(helper.make_tensor("b8", onnx.TensorProto.INT32, (1,), [5_000_000]))
        graph.initializer.append(helper.make_tensor("scale", FLOAT, (), [1e-7]))
        graph.node.insert(0, helper.make_node("DequantizeLinear", ["b8", "scale"], ["b"]))
        graph.node[1].input.append("b")

    made = network(blur(tmp_path / "m.onnx", change=biased))
    assert torch.allclose(made(torch.zeros(1, 1, 9, 9)), torch.tensor(0.5), atol=1e-6)


def field(number, content):
    """A field of bytes, as protobuf writes it."""
    size, head = len(content), bytearray([number << 3 | 2])
    while size >= 128:
        head.append(size & 127 | 128)
        size >>= 7
    return bytes(head) + bytes([size]) + content


def many_messages():
    """A graph of ten million empty nodes."""
    return field(7, field(1, b"") * 10_000_000)


def many_numbers():
    """A tensor of sixty million whole numbers of one byte each."""
    return field(7, field(5, b"\x10\x07" + field(7, b"\1" * 60_000_000)))


def deep():
    """A graph in a graph in a graph, by the attributes of nodes."""
    inner = b""
    for _ in range(3000):
        inner = field(1, field(5, field(6, inner)))
    return field(7, inner)


def full(dtype, last):
    """As many honest values as a file may have, and one at the end that is refused."""
    values = torch.zeros(2**25 - 2**10, dtype=dtype)
    values[-1] = last
    kind = {torch.float32: FLOAT, torch.int32: onnx.TensorProto.INT32}[dtype]
    tensor = onnx.TensorProto(data_type=kind, dims=[len(values)], raw_data=values.numpy().tobytes(), name="x")
    graph = helper.make_graph([], "full", [], [], [tensor])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]).SerializeToString()


HEAVY = {
    "messages": many_messages,
    "numbers": many_numbers,
    "deep": deep,
    "nan": lambda: full(torch.float32, float("nan")),
    "sizes": lambda: full(torch.int32, 1),
}
MEASURED = r"""
import re, sys
from pellucid.models.exported import network
for path in sys.argv[1:]:
    try:
        network(path)
        print("accepted", path)
    except ValueError as error:
        assert "\n" not in str(error) and len(str(error)) < 300, error
        print(error)
print(int(re.search(r"VmHWM:\s*(\d+)", open("/proc/self/status").read())[1]) // 1024)
"""
WHOLE = 1000
"""MB of the process that refuses them all, torch included"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured as Linux tells it")
def test_large_and_unfolding_graphs_stay_below_a_gigabyte(tmp_path):
    paths = [tmp_path / f"{name}.onnx" for name in HEAVY]
    for path, make in zip(paths, HEAVY.values(), strict=True):
        path.write_bytes(make())
        assert path.stat().st_size <= MOST
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, paths)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    *lines, peak = done.stdout.splitlines()
    assert len(lines) == len(HEAVY)
    for line, words in zip(
        lines,
        ("65,536 parts", "not written as weights", "too deep", "not finite", "more whole numbers"),
        strict=True,
    ):
        assert words in line
    assert int(peak) < WHOLE
