"""`seeds.fixed` gives the numbers that torch's global generator would, and two threads do not disturb it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid import devices, seeds


def drawn() -> list[Tensor]:
    """Numbers from everything in torch that draws."""
    x, q = torch.zeros(50), torch.ones(1, 1, 2, 4)
    return [
        torch.rand(5), torch.randn(17), torch.randint(3, (2,)), torch.randint(1, 30, (20,)),
        torch.rand(3, dtype=torch.float64), torch.rand_like(x), torch.randn_like(x), torch.randperm(30),
        torch.randint_like(x, 40), torch.randint_like(x, 5, 40), torch.bernoulli(x + 0.3),
        torch.multinomial(torch.ones(30), 12),
        torch.normal(x, 1.0), torch.poisson(x + 3), x.clone().uniform_(), x.clone().normal_(),
        x.clone().bernoulli_(0.5), x.clone().random_(), x.clone().exponential_(), x.clone().cauchy_(),
        x.clone().geometric_(0.2), x.clone().log_normal_(), F.dropout(x + 1), F.gumbel_softmax(x),
        nn.Dropout2d()((x + 1)[None, :, None, None]), F.alpha_dropout(x + 1, 0.4, True),
        torch.native_dropout(x + 1, 0.5, True)[0], F.rrelu(x - 1, training=True),
        F.scaled_dot_product_attention(q, q, q, dropout_p=0.5),
        F.fractional_max_pool2d(torch.arange(64.0).view(1, 1, 8, 8), 2, output_ratio=(0.5, 0.5)),
        nn.init.trunc_normal_(x.clone()), nn.init.orthogonal_(torch.empty(3, 3)),
        nn.init.sparse_(torch.empty(5, 5), 0.2), *nn.Linear(4, 4).parameters(),
        *nn.LSTM(3, 4, 2).parameters(),
        *nn.MultiheadAttention(8, 2).parameters(), *nn.Conv2d(3, 4, 3).parameters(),
    ]  # fmt: skip


def equal(one: list[Tensor], two: list[Tensor]) -> list[int]:
    return [i for i, (a, b) in enumerate(zip(one, two, strict=True)) if not torch.equal(a, b)]


def test_the_numbers_are_those_of_the_global_generator() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        expected = drawn()
    before = torch.get_rng_state()
    with seeds.fixed(5):
        got = drawn()
    assert equal(expected, got) == []
    assert torch.equal(before, torch.get_rng_state())


def test_threads_do_not_disturb_each_other() -> None:
    def weights(seed: int) -> list[Tensor]:
        with seeds.fixed(seed, "weights"):
            return [*nn.Sequential(*[nn.Linear(16, 16) for _ in range(20)]).parameters()]

    wanted = [weights(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for turn in range(10):
            found = list(pool.map(weights, range(4)))
            assert all(equal(a, b) == [] for a, b in zip(wanted, found, strict=True)), turn


def test_an_own_generator_is_left_to_draw() -> None:
    with seeds.fixed(0):
        got = torch.rand(3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(got, torch.rand(3, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("threads", [1, 3])
def test_workers_keep_to_one_core_and_leave_the_others_alone(threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with devices.workers(2) as pool, ThreadPoolExecutor(1) as host:
            assert list(pool.map(lambda _: torch.get_num_threads(), range(4))) == [1] * 4
            assert host.submit(torch.get_num_threads).result() == threads
        assert torch.get_num_threads() == threads
        with ThreadPoolExecutor(1) as host:
            assert host.submit(torch.get_num_threads).result() == threads
    finally:
        torch.set_num_threads(before)


def test_reduced_arithmetic_does_not_depend_on_other_threads() -> None:
    layer, x = nn.Conv2d(8, 8, 3, padding=1), torch.rand(2, 8, 16, 16)

    def gradient(_: int) -> Tensor:
        own = nn.Conv2d(8, 8, 3, padding=1)
        own.load_state_dict(layer.state_dict())
        with devices.arithmetic("bfloat16", torch.device("cpu")):
            loss = (own(own(x)).square().mean() + own(x).mean()).float()
        loss.backward()
        assert not torch.is_autocast_enabled("cpu")
        assert own.weight.grad is not None
        return own.weight.grad

    wanted = gradient(0)
    with ThreadPoolExecutor(4) as pool:
        assert all(torch.equal(wanted, found) for found in pool.map(gradient, range(200)))
