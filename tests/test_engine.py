"""The engine: its Adam is torch's plain one bit for bit, and the layout changes no result beyond rounding."""

import pytest
import torch

from pellucid import devices, engine, networks

CPU = torch.device("cpu")


def fit(optimizer_of, *, steps=5):
    torch.manual_seed(0)
    network = networks.builder("compact")(3, 3, widths=(8, 8))
    image, target = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)
    optimizer = optimizer_of(network.parameters())
    for _ in range(steps):
        engine.descend(optimizer, (network(image) - target).square().mean())
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_adam_is_torch_s_plain_loop_bit_for_bit():
    plain = fit(lambda p: torch.optim.Adam(p, lr=0.01, foreach=False))
    assert torch.equal(fit(lambda p: engine.adam(p, 0.01)), plain)


def test_layout_changes_rounding_only():
    network, image = networks.builder("shallow")(3, 3), torch.rand(1, 3, 20, 24)
    before = network(image)
    after = engine.placed(network, CPU)(engine.packed(image))
    torch.testing.assert_close(after, before, atol=1e-6, rtol=1e-5)


def test_a_rate_of_its_own_is_used():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = engine.adam([weight], 0.01)
    engine.descend(optimizer, 3 * weight.sum(), learning_rate=0.5)
    assert float(weight.detach()) == pytest.approx(-0.5)  # Adam's first step is the rate


def test_precision_is_checked_and_leaves_no_context():
    with pytest.raises(ValueError, match="precision must be one of float32, auto, bfloat16"):
        devices.arithmetic("float16", CPU)
    with devices.arithmetic("float32", CPU):
        assert not torch.is_autocast_enabled("cpu")
    with devices.arithmetic("auto", CPU):
        assert torch.is_autocast_enabled("cpu") == devices.multiplies_bfloat16(CPU)
    assert not torch.is_autocast_enabled("cpu")
