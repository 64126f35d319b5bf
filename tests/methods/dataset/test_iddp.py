"""IDDP: the equations by hand, its switches, and the states that the guard must name."""

from __future__ import annotations

import dataclasses
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from learned_scenes import batch_of, short, trained
from torch import nn

from pellucid import fields, methods, models, seeds, values
from pellucid.data import adding
from pellucid.learning import Batch, TrainingProgress
from pellucid.methods.dataset.iddp import equations
from pellucid.methods.dataset.iddp import method as iddp

LATE = TrainingProgress(step=9999, steps=10_000)


def network() -> nn.Module:
    with seeds.fixed(0, "weights"):
        return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 1, 3, padding=1))


def loss_of(module, noisy, *, progress=LATE, **changes):
    config = dataclasses.replace(methods.load("iddp").presets["paper"], **changes)
    batch = Batch(noisy=noisy)
    return iddp.objective(module, batch, config, progress=progress, generator=seeds.generator(7))


@pytest.fixture
def noisy():
    return batch_of(1, 2, 16, 18, 0).noisy


@pytest.mark.parametrize("stop", ["both", "target", "none"])
def test_equations_10_11_and_17_by_hand(noisy, stop) -> None:
    module = network()
    got = loss_of(module, noisy, stop_gradient=stop, alpha=0.01, blur=3)
    first = module(noisy)
    target = first if stop == "none" else first.detach()
    inside = first.detach() if stop == "both" else first
    m = equations.signs(noisy, 0.5, seeds.generator(7))
    second = module(inside + m * (noisy - inside))
    wanted = 0.01 * (first - equations.averaged(noisy, 3)).square().mean() + (second - target).square().mean()
    torch.testing.assert_close(got.value, wanted)
    weights = list(module.parameters())
    gradients = [torch.autograd.grad(value, weights) for value in (got.value, wanted)]
    torch.testing.assert_close(*gradients)
    for other in {"both", "target", "none"} - {stop}:  # the value is the same, the way down is not
        loss = loss_of(module, noisy, stop_gradient=other, alpha=0.01, blur=3).value
        torch.testing.assert_close(loss, got.value)
        assert not torch.allclose(gradients[0][0], torch.autograd.grad(loss, weights)[0])


def test_older_cards_and_suites_are_understood() -> None:
    for old, new in ((True, "both"), (False, "none"), ("true", "both"), ("False", "none")):
        changes, remarks = fields.current(iddp.Config, {"stop_gradient": old})
        assert changes == {"stop_gradient": new}
        assert remarks == (f"stop_gradient={str(old).lower()} is now stop_gradient={new}.",)


def test_a_card_from_before_match_and_give_back_has_neither() -> None:
    """The defaults have both, which such a model was not trained with."""
    older = fields.kept(iddp.Config, {"alpha": 0.01, "stop_gradient": True})
    config = fields.change(iddp.Config(), older)
    assert (config.match, config.give_back, config.stop_gradient) == (False, 0.0, "both")
    card = models.Card(method="iddp", config={"alpha": 0.01}, channels=1)
    assert not models.config_of(card, iddp.Config, "older").match


def test_what_was_removed_goes_back_bit_by_bit(noisy) -> None:
    module = network()
    first = module(noisy).detach()
    m = equations.signs(noisy, 0.5, seeds.generator(7))
    second = module(first + m * (noisy - first))
    for step, share in ((20, 0.0), (60, 0.2), (100, 0.4)):
        progress = TrainingProgress(step=step, steps=100)
        got = loss_of(module, noisy, give_back=0.4, alpha=0.0, warm_up=20, progress=progress)
        torch.testing.assert_close(got.value, (second - first - share * (noisy - first)).square().mean())


def test_added_noise_is_as_strong_as_that_of_the_picture() -> None:
    """Also where the network has left half of it in, which else fades."""
    draws = seeds.generator(3)
    ramp = torch.linspace(0, 1, 128).expand(2, 3, 128, 128)
    noise = torch.randn(ramp.shape, generator=draws) * torch.tensor([0.02, 0.1]).view(2, 1, 1, 1)
    prior = ramp + 0.5 * noise
    found = equations.fineness(ramp + noise).flatten()
    torch.testing.assert_close(found, torch.tensor([0.02, 0.1]), rtol=0.05, atol=0)
    for match, wanted in ((False, 0.5), (True, 1.0)):
        again = iddp.renoised(prior, 0.5 * noise, iddp.Config(match=match), seeds.generator(0))
        assert float((again - prior).std() / noise.std()) == pytest.approx(wanted, rel=0.05)


def test_blur_against_scipy() -> None:
    from scipy.ndimage import uniform_filter

    image = torch.rand(1, 1, 9, 11, generator=seeds.generator(1))
    wanted = torch.from_numpy(uniform_filter(image[0, 0].numpy(), 5, mode="mirror"))
    torch.testing.assert_close(equations.averaged(image, 5)[0, 0], wanted)


def test_mask_makes_the_removed_noise_white_and_of_mean_zero() -> None:
    """What follows equation 8: structure is broken, the mean is 0, the size of each value stays."""
    ramp = torch.linspace(0.2, 1, 250_000).view(1, 1, 500, 500)
    added = equations.signs(ramp, 0.5, seeds.generator(0)) * ramp
    assert abs(float(added.mean())) < 0.005
    assert torch.equal(added.abs(), ramp)
    neighbours = (added[..., 1:] * added[..., :-1]).mean() / added.square().mean()
    assert abs(float(neighbours)) < 0.01
    assert float((equations.signs(ramp, 0.9, seeds.generator(0)) > 0).float().mean()) == pytest.approx(
        0.9, abs=0.01
    )


def test_switches(noisy) -> None:
    module = network()
    prior = module(noisy).detach()
    plain = loss_of(module, noisy)
    torch.testing.assert_close(plain.pictures["removed"], noisy - prior)
    torch.testing.assert_close(plain.pictures["added"].abs(), (noisy - prior).abs())
    # Without the mask the noisy picture itself comes back.
    torch.testing.assert_close(loss_of(module, noisy, mask=False).pictures["added"], noisy - prior)
    large = torch.zeros(1, 1, 200, 200)
    drawn = loss_of(module, large, known_noise="gaussian:25").pictures["added"]
    assert float(drawn.std()) == pytest.approx(25 / 255, rel=0.02)
    to_noisy = loss_of(module, noisy, fidelity="noisy", beta=0.0, alpha=1.0)
    torch.testing.assert_close(to_noisy.value.detach(), (prior - noisy).square().mean())
    warm = loss_of(module, noisy, warm_up=5, progress=TrainingProgress(step=4, steps=100))
    torch.testing.assert_close(
        warm.value.detach(), (prior - equations.averaged(noisy, iddp.Config().blur)).square().mean()
    )
    assert float(warm.parts["warm_up"]) == 1
    short_one = loss_of(module, noisy, warm_up=5, progress=TrainingProgress(step=4, steps=12))
    assert float(short_one.parts["warm_up"]) == 0


def test_identity_solves_equation_9_and_not_equation_10(noisy) -> None:
    """The reason the paper gives for the blurred target."""
    same = nn.Identity()
    assert float(loss_of(same, noisy, fidelity="noisy").value) == 0
    assert float(loss_of(same, noisy).value) > 0


class _Constant(nn.Module):
    def forward(self, image):
        return torch.full_like(image, 0.5)


class _Negative(nn.Module):
    def forward(self, image):
        return 1 - image


def recent(module, noisy, count=iddp.ENOUGH, **changes):
    loss = loss_of(module, noisy, **changes)
    return [{name: float(value) for name, value in loss.parts.items()}] * count


def test_guard_names_each_failure_and_lets_a_denoiser_pass(noisy) -> None:
    config = iddp.Config()
    assert "collapsed to the identity" in iddp.guard(recent(nn.Identity(), noisy), config)
    assert "collapsed to a constant" in iddp.guard(recent(_Constant(), noisy), config)
    assert "run away" in iddp.guard(recent(_Negative(), noisy), config)
    blur = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    assert iddp.guard(recent(blur, noisy), config) is None
    assert iddp.guard(recent(nn.Identity(), noisy, count=iddp.ENOUGH - 1), config) is None
    warm = recent(nn.Identity(), noisy, warm_up=10, progress=TrainingProgress(step=3, steps=100))
    assert iddp.guard(warm, config) is None


def test_guard_catches_the_literal_reading_in_a_training() -> None:
    """Output drawn at random, no warm-up, no blurred target: the equations let it become a constant."""
    paper = {"network": "iddp-unet", "match": False, "give_back": 0.0}
    method, config = short("iddp", **paper, residual=False, warm_up=0, steps=50, batch=1, patch=16, alpha=0.0)
    seen: list[dict[str, float]] = []
    trained(method, config, 1, each=lambda _, loss: seen.append({k: float(v) for k, v in loss.parts.items()}))
    assert "constant" in (iddp.guard(seen, config) or "")


def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="blur must be odd, got 4"):
        iddp.Config(blur=4)
    with pytest.raises(ValueError, match="known_noise"):
        iddp.Config(known_noise="gaussian:25", standardise=True)
    for change in ({"mask": False}, {"p": 0.7}, {"stop_gradient": "none"}, {"stop_gradient": "target"}):
        iddp.Config(give_back=0.0, **change)
        with pytest.raises(ValueError, match=r"give_back=0\.1 needs random signs"):
            iddp.Config(give_back=0.1, **change)
    with pytest.raises(ValueError, match="noise must be one of"):
        iddp.Config(known_noise="gauss:25")


def test_every_command_of_its_page_is_understood() -> None:
    page = (Path(__file__).parents[3] / "docs" / "methods" / "iddp.md").read_text(encoding="utf-8")
    commands = [
        shlex.split(line, comments=True) for line in re.findall(r"^    (pellucid train .*)$", page, re.M)
    ]
    assert len(commands) > 8
    for words in commands:
        given = dict(pairwise(words))
        changes = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
        preset = methods.load("iddp").presets[given.get("--preset", "fast")]
        changed = fields.change(preset, values.assignments(changes))
        assert (changed != preset) == bool(changes)
        if "--noise" in given:
            adding.parse(given["--noise"])
