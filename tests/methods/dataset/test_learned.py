"""What every trained method must do: learn, help, keep the shape, draw only from what it is given."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from learned_scenes import METHODS, SIGMA, batch_of, built, noisy_of, scene, short, trained

from pellucid import engine, seeds
from pellucid.learning import Batch, TrainingProgress
from pellucid.metrics import psnr
from pellucid.noise.report import NoiseReport

# Steps that a moment has room for, and the gain in dB that they are good for.
SHORT: dict[str, tuple[dict[str, object], float]] = {
    "n2n": ({"steps": 60}, 4.0),
    "supervised": ({"steps": 60}, 4.0),
    "iddp": (
        {"network": "swift-tiny", "steps": 100, "warm_up": 20, "blur": 5, "batch": 2, "learning_rate": 2e-3},
        3.0,
    ),
    "n2v": ({"steps": 80, "percent": 6.25}, 3.0),
    "n2v2": ({"steps": 60, "percent": 6.25, "learning_rate": 3e-3}, 1.0),
    "n2s": ({"steps": 80}, 3.0),
    "nb2nb": ({"steps": 60}, 3.0),
    "r2r": ({"steps": 100}, 3.0),
    "nr2n": ({"steps": 150}, 1.0),
    "b2u": ({"steps": 30, "batch": 1, "learning_rate": 3e-3}, 1.0),
    "cvf-sid": (  # without its seven recombinations, which take most of the time
        {"steps": 50, "batch": 1, "patch": 24, "border": 2, "learning_rate": 2e-3, "mixed": 0.0},
        1.0,
    ),
    "ap-bsn": ({"steps": 30, "batch": 1, "patch": 40, "learning_rate": 3e-3, "rounds": 2}, 2.0),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_moment_of_training_helps(name: str) -> None:
    changes, margin = SHORT[name]
    method, config = short(name, **changes)
    values: list[float] = []
    network = trained(method, config, 1, each=lambda step, loss: values.append(float(loss.value.detach())))
    start = config.warm_up if name == "iddp" else 0
    tenth = (len(values) - start) // 4
    if name not in ("iddp", "nb2nb", "b2u"):  # their losses change with the training
        assert sum(values[-tenth:]) < sum(values[start : start + tenth])
    clean = scene(1, 61, 67)
    noisy = noisy_of(clean, 77)
    output = method.learning.predict(
        network, noisy, NoiseReport.white(SIGMA, 1), config, generator=seeds.generator(0, "predict")
    )
    gain = psnr(clean, output, data_range=1.0) - psnr(clean, noisy, data_range=1.0)
    assert gain > margin


@pytest.mark.parametrize("name", METHODS)
def test_objective_and_predict_keep_their_manners(name: str) -> None:
    """Any channels, odd crops; batch and world untouched; same draws same bits; parts detached."""
    method, config = short(name)
    world = torch.get_rng_state()
    for channels, height, width in ((1, 32, 32), (2, 25, 31), (3, 34, 22)):
        network = built(method, config, channels)
        batch = batch_of(channels, 2, height, width, 0)
        before = batch.noisy.clone()
        draws = [seeds.generator(1, "draws") for _ in range(2)]
        first, again = (
            method.learning.objective(
                network, batch, config, progress=TrainingProgress(step=50, steps=100), generator=g
            )
            for g in draws
        )
        assert torch.equal(first.value, again.value)
        packed = dataclasses.replace(  # as training hands it over
            batch, noisy=engine.packed(batch.noisy), other=engine.packed(batch.other)
        )
        last = method.learning.objective(
            network,
            packed,
            config,
            progress=TrainingProgress(step=50, steps=100),
            generator=seeds.generator(1, "draws"),
        )
        torch.testing.assert_close(last.value, first.value, rtol=1e-3, atol=1e-5)
        assert first.value.ndim == 0
        assert bool(torch.isfinite(first.value))
        assert torch.equal(batch.noisy, before)
        assert not any(part.requires_grad or part.ndim for part in first.parts.values())
        assert not any(p.requires_grad or p.ndim != 4 for p in first.pictures.values())
        first.value.backward()
        assert any(p.grad is not None and bool(p.grad.any()) for p in network.parameters())
        network.eval()
        report = NoiseReport.white(SIGMA, channels)
        output = method.learning.predict(network, before, report, config, generator=draws[0])
        assert output.shape == before.shape
        assert not output.requires_grad
        assert torch.equal(batch.noisy, before)
    assert torch.equal(torch.get_rng_state(), world)


@pytest.mark.parametrize("name", METHODS)
def test_same_seed_same_weights(name: str) -> None:
    method, config = short(name, steps=2, batch=2)
    first, again = (trained(method, config, 1).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], again[key]) for key in first)


@pytest.mark.parametrize(("name", "missing"), [("n2n", "other"), ("supervised", "clean")])
def test_what_a_batch_lacks_is_named(name: str, missing: str) -> None:
    method, config = short(name)
    network = built(method, config, 1)
    with pytest.raises(ValueError, match=f"must hold {missing}.*got none"):
        method.learning.objective(
            network,
            Batch(noisy=torch.rand(1, 1, 16, 16)),
            config,
            progress=TrainingProgress(step=0, steps=1),
            generator=seeds.generator(0),
        )


def test_a_network_that_is_told_the_level_follows_the_report() -> None:
    """The same picture, twice the stated level: more is taken off, by the law of the report."""
    method, config = short("n2n", network="swift", steps=1)
    network = built(method, config, 1)
    for parameter in network.parameters():
        parameter.data.normal_(0, 0.05, generator=seeds.generator(1))
    noisy = noisy_of(scene(1, 32, 32), 0)
    outputs = [
        method.learning.predict(network, noisy, NoiseReport.white(s, 1), config, generator=seeds.generator(0))
        for s in (SIGMA, 2 * SIGMA)
    ]
    assert not torch.equal(*outputs)
    with pytest.raises(ValueError, match="must be told the noise level"):
        method.learning.predict(network, noisy, None, config, generator=seeds.generator(0))
