"""The networks that are written here from the papers: counted, and against their formulas written out."""

import numpy as np
import pytest
import torch
from torch import nn

from pellucid import seeds
from pellucid.networks import dagl
from pellucid.networks.cycleisp import CycleISP, DualAttention
from pellucid.networks.dagl import DAGL, Block, Head, shares
from pellucid.networks.restormer import CentredNorm
from pellucid.networks.restormer_unet import Restormer


def drawn(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=seeds.generator(1))


def made(build):
    with seeds.fixed(0, "weights"):
        return build().eval().requires_grad_(False)


@pytest.mark.parametrize(
    ("build", "weights"),
    [
        (lambda: Restormer(3), 26_111_668),  # 26.1 M, as it is quoted
        (lambda: Restormer(3, centred=True), 26_126_644),  # where the norms are centred
        (lambda: CycleISP(3), 2_834_947),
        (lambda: DAGL(1), 5_727_441),
    ],
    ids=["restormer", "restormer-centred", "cycleisp", "dagl"],
)
def test_counts_at_published_size(build, weights):
    with torch.device("meta"):
        network = build()
    assert sum(p.numel() for p in network.parameters()) == weights


def test_count_of_cycleisp_by_hand():
    f, block = 64, 0
    block += 2 * (9 * f * f + f)  # two convolutions
    block += (f * 4 + 4) + (4 * f + f)  # weights of channels
    block += 2 * 9 + (2 * f * f + f)  # weights of places; both joined
    around = 9 * f * f + f
    expected = 4 * (8 * block + around) + around + (27 * f + f) + (9 * f * 3 + 3) + f
    assert sum(p.numel() for p in CycleISP(3).parameters()) == expected


def test_centred_norm_is_that_of_torch():
    x = drawn(2, 6, 3, 4)
    norm = CentredNorm(6)
    nn.init.uniform_(norm.weight, generator=seeds.generator(2))
    nn.init.uniform_(norm.bias, generator=seeds.generator(3))
    theirs = nn.functional.layer_norm(
        x.movedim(1, -1), (6,), norm.weight.flatten(), norm.bias.flatten(), eps=1e-5
    )
    torch.testing.assert_close(norm(x), theirs.movedim(-1, 1))


def test_restormer_without_blocks_is_convolutions_and_changes_of_scale():
    network = made(lambda: Restormer(1, width=4, blocks=(1, 1, 1, 1), refinement=1, heads=(1, 1, 1, 1)))
    for name, parameter in network.named_parameters():
        if name.endswith((".out.weight",)):  # what every block adds
            parameter.zero_()
    x = drawn(1, 1, 16, 8)

    def conv(module: nn.Conv2d, y: torch.Tensor) -> torch.Tensor:
        return nn.functional.conv2d(y, module.weight, padding=module.weight.shape[-1] // 2)

    def smaller(y: torch.Tensor) -> torch.Tensor:
        parts = [y[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
        return torch.stack(parts, 2).flatten(1, 2)

    def larger(y: torch.Tensor) -> torch.Tensor:
        n, c, h, w = y.shape
        return y.view(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // 4, 2 * h, 2 * w)

    a = conv(network.first, x)
    b = smaller(conv(network.down[0], a))
    c = smaller(conv(network.down[1], b))
    d = smaller(conv(network.down[2], c))
    c = conv(network.join[1], torch.cat([larger(conv(network.up[2], d)), c], 1))
    b = conv(network.join[0], torch.cat([larger(conv(network.up[1], c)), b], 1))
    a = torch.cat([larger(conv(network.up[0], b)), a], 1)
    torch.testing.assert_close(network(x), x + conv(network.last, a))


def test_dual_attention_is_its_formula():
    block = made(lambda: DualAttention(8, reduction=4, side=3, activation=nn.PReLU(8)))
    x = drawn(1, 8, 6, 7)
    first, last = block.body[0], block.body[2]
    u = last(torch.where((v := first(x)) > 0, v, 0.25 * v))  # PReLU begins at a quarter
    sigmoid = lambda y: 1 / (1 + np.exp(-y.numpy()))  # noqa: E731
    pooled = torch.stack([u[0].max(0).values, u[0].mean(0)])[None]
    by_place = sigmoid(nn.functional.conv2d(pooled, block.SA["spatial"]["conv"].weight, padding=1))
    du = block.CA["conv_du"]
    mean = u.numpy().mean((2, 3))[0]
    few = np.maximum(du[0].weight.numpy()[:, :, 0, 0] @ mean + du[0].bias.numpy(), 0)
    by_channel = sigmoid(torch.from_numpy(du[2].weight.numpy()[:, :, 0, 0] @ few + du[2].bias.numpy()))
    joined = np.concatenate([u.numpy() * by_place, u.numpy() * by_channel[:, None, None]], 1)[0]
    mix = block.conv1x1
    expected = (
        np.einsum("oc,chw->ohw", mix.weight.numpy()[:, :, 0, 0], joined) + mix.bias.numpy()[:, None, None]
    )
    assert np.allclose(block(x)[0].numpy(), expected + x[0].numpy(), atol=1e-5)


def test_shares_are_their_formula():
    s = np.random.default_rng(0).normal(0, 0.3, (3, 5))
    t, b = np.array([0.5, 1.0, 2.0]), np.array([0.1, -0.2, 0.0])
    expected = np.zeros_like(s)
    for i in range(3):
        m = np.maximum(s[i] - t[i] * s[i].mean() + b[i], 0)
        e = np.exp(10 * s[i] * m)
        expected[i] = e / e.sum() * (m > 0)
    got = shares(*(torch.from_numpy(v) for v in (s, t, b)))
    assert np.allclose(got.numpy(), expected)
    assert (expected == 0).any()


@pytest.mark.parametrize("size", [(8, 12), (9, 7)])
def test_a_head_patch_by_patch(size, monkeypatch):
    """Every patch that asks, by loops; and in whatever portions the scores are held."""
    height, width = size
    head = made(lambda: Head(4, 2))
    x = drawn(1, 4, *size)
    got = head(x)
    monkeypatch.setattr(dagl, "AT_ONCE", 1)
    torch.testing.assert_close(head(x), got)

    def window(y: torch.Tensor, top: int, left: int) -> torch.Tensor:
        out = torch.zeros(y.shape[0], 7, 7)
        for i in range(7):
            for j in range(7):
                if 0 <= top + i < height and 0 <= left + j < width:
                    out[:, i, j] = y[:, top + i, left + j]
        return out

    g, theta = head.g(x)[0], head.theta(x)[0]
    places = [(r, c) for r in range(height) for c in range(width)]
    asked = torch.stack([head.fc2(window(g, r - 3, c - 3).flatten()) for r, c in places])
    given = torch.stack([window(theta, r - 3, c - 3) for r, c in places])
    rows, columns = -(-height // 4), -(-width // 4)
    before = [((count - 1) * 4 + 7 - side) // 2 for count, side in ((rows, height), (columns, width))]
    total, often = torch.zeros(2, height + 14, width + 14), torch.zeros(height + 14, width + 14)
    for i in range(rows):
        for j in range(columns):
            top, left = 4 * i - before[0], 4 * j - before[1]
            seen = window(x[0], top, left)
            threshold = (head.thr_conv.weight[0] * seen).sum() + head.thr_conv.bias[0]
            bias = (head.bias_conv.weight[0] * seen).sum() + head.bias_conv.bias[0]
            scores = asked @ head.fc1(window(g, top, left).flatten())
            part = shares(scores[None], threshold[None], bias[None])[0]
            # put back around every fourth pixel, wherever the patch that asked was taken
            where = (slice(4 * i - 3 + 7, 4 * i + 4 + 7), slice(4 * j - 3 + 7, 4 * j + 4 + 7))
            total[:, *where] += torch.einsum("k,kchw->chw", part, given)
            often[where] += 1
    expected = (total / often.clamp_min(1))[:, 7 : 7 + height, 7 : 7 + width]
    torch.testing.assert_close(got[0], expected, atol=1e-5, rtol=1e-4)


def test_dagl_is_blocks_around_a_graph():
    network = made(lambda: DAGL(1, features=8, blocks=2))
    x = drawn(1, 1, 8, 8)
    features = network.head(x)
    features = network.body[0](features)
    graph = network.body[1]
    stage = lambda n, y: (  # noqa: E731
        getattr(graph, f"c{n}_c")(torch.cat([getattr(graph, f"c{n}_{h}")(y) for h in (1, 2, 3, 4)], 1)) + y
    )
    features = stage(3, graph.RBS2(stage(2, graph.RBS1(stage(1, features)))))
    expected = x + network.tail(network.body[3](network.body[2](features)))
    torch.testing.assert_close(network(x), expected)


def test_a_block_adds_to_what_it_is_given():
    block = made(lambda: Block(3))
    x = drawn(1, 3, 4, 5)
    inner = block.body[0](x)
    torch.testing.assert_close(block(x), x + block.body[2](inner.clamp_min(0) + 0.25 * inner.clamp_max(0)))
