"""Every entry of METHODS keeps the contract: one suite, so that a new method is tested by its entry."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random

import numpy as np
import pytest
import torch
from torch import Tensor

from contract import BUDGET, MARGIN, RESTORES, drive, expected, noisy_clean, settings, task_for
from pellucid import methods, stopping, tiles
from pellucid.fields import change, describe
from pellucid.steps import Method

NAMES = list(methods.METHODS)


@pytest.fixture(params=settings(), ids="-".join)
def method(request) -> Method:
    name, kind = request.param
    return methods.load(name).for_kind(kind)


@pytest.mark.parametrize("name", NAMES)
def test_entry_says_what_it_is(name):
    method = methods.load(name)
    assert method.name == name
    assert methods.load(method.name) is method
    assert method.denoises or method.restores
    assert method.title
    assert method.citation
    assert method.cost
    info = methods.METHODS[name]
    assert info.trained == (method.learning is not None) == (method.family == "data set")
    assert info.restores == tuple(method.restores)
    assert method.iterative or not method.stop
    assert method.presets["fast"] == method.config()
    assert {d.field for d in method.unlike_paper(method.config())} == set(method.departures)
    assert all(method.departures.values())
    if method.stop:
        stopping.parse(method.stop, sigma=0.1)
    for recipe in method.restores.values():
        assert recipe.cost
        assert {"paper", "fast"} <= set(recipe.presets)
        own = method.for_kind(next(k for k, r in method.restores.items() if r is recipe))
        assert {d.field for d in own.unlike_paper(recipe.presets["fast"])} <= set(own.departures)
        assert bool(recipe.stop) == bool(method.stop)


def test_every_field_has_help(method):
    assert [field.name for field in describe(method.config) if not field.help] == []


@pytest.mark.parametrize("name", [name for name, info in methods.METHODS.items() if info.trained])
def test_a_trained_method_states_only_the_defaults_that_are_its_own(name):
    for own in methods.load(name).config.__mro__[:-1]:
        above = own.__mro__[1]
        again = [n for n in own.__annotations__ if getattr(own, n) == getattr(above, n, dataclasses.MISSING)]
        assert again == [], f"{own.__module__} repeats what {above.__qualname__} says"


def test_config_is_frozen_and_round_trips_through_json(method):
    for preset in method.presets.values():
        assert type(preset) is method.config
        assert change(method.config(), json.loads(json.dumps(dataclasses.asdict(preset)))) == preset
        for field in dataclasses.fields(preset):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(preset, field.name, None)
    assert all(field.kw_only for field in dataclasses.fields(method.config))


def test_bad_config_names_the_field_and_the_value(method):
    for field in dataclasses.fields(method.config):
        default = getattr(method.config(), field.name)
        if isinstance(default, bool) or not isinstance(default, int | float):
            continue
        with pytest.raises(ValueError, match=field.name) as caught:
            method.config(**{field.name: -987654})
        assert "-987654" in str(caught.value)


@pytest.mark.parametrize("shape", [(1, 33, 47), (2, 40, 31), (3, 37, 52)])
def test_shapes_values_and_untouched_world(method, shape):
    noisy, _ = noisy_clean(shape)
    task = task_for(method, noisy)
    before = task.shots.clone()
    worlds = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    estimate = drive(method, task)
    assert estimate.shape == expected(method, shape)
    assert estimate.dtype == torch.float32
    assert not estimate.requires_grad
    assert bool(torch.isfinite(estimate).all())
    assert torch.equal(task.shots, before)
    assert torch.equal(torch.get_rng_state(), worlds[0])
    assert repr(np.random.get_state()) == repr(worlds[1])  # noqa: NPY002
    assert random.getstate() == worlds[2]


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 9), (1, 2, 2), (3, 7, 5), (1, 8, 8), (3, 16, 3)])
def test_tiny_images(method, shape):
    noisy, _ = noisy_clean(shape)
    estimate = drive(method, task_for(method, noisy))
    assert estimate.shape == expected(method, shape)
    assert bool(torch.isfinite(estimate).all())


def test_constant_images_stay_finite(method):
    for value in (0.0, 1.0):
        estimate = drive(method, task_for(method, torch.full((1, 20, 24), value)))
        assert bool(torch.isfinite(estimate).all())


def test_seed_decides_where_it_should(method):
    fast = method.presets["fast"]
    if getattr(fast, "start", "random") != "random":  # from learnt weights nothing of so small a fit is drawn
        random = dataclasses.replace(fast, start="random")
        method = dataclasses.replace(method, presets={**method.presets, "fast": random})
    noisy, _ = noisy_clean((1, 32, 32))
    task = task_for(method, noisy)
    first, again, other = (drive(method, task, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert torch.equal(first, other) != method.stochastic


def test_steps_are_counted_and_leave_no_context_open(method):
    noisy, _ = noisy_clean((1, 32, 32))
    task = task_for(method, noisy)
    state = torch.get_rng_state()
    seen = 0
    steps = method.steps(task, method.presets["fast"], seed=0, device=torch.device("cpu"))
    for step in itertools.islice(steps, BUDGET):
        seen += 1
        assert step.iteration == seen
        assert step.phase
        assert step.output.shape == expected(method, noisy.shape)
        assert not step.output.requires_grad
        assert step.loss is None or (step.loss.ndim == 0 and not step.loss.requires_grad)
        assert torch.is_grad_enabled()
        assert not torch.is_autocast_enabled("cpu")
        assert not torch.is_inference_mode_enabled()
        assert torch.equal(torch.get_rng_state(), state)
    assert seen == (BUDGET if method.iterative else 1)


def test_exact_tiles_are_exact(method):
    if method.tiling.kind != "exact":
        pytest.skip(f"tiling is {method.tiling.kind}")
    noisy, _ = noisy_clean((1, 130, 141))
    task = task_for(method, noisy)

    def function(piece: Tensor) -> Tensor:
        return drive(method, dataclasses.replace(task, shots=piece[None]))

    side = -(-64 // method.tiling.stride) * method.tiling.stride
    cut = tiles.process(noisy, function, tile=side, halo=method.tiling.halo, stride=method.tiling.stride)
    assert float((cut - drive(method, task)).abs().max()) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, kind in settings() if kind == "noise"])
def test_beats_the_noisy_image(name):
    from pellucid.metrics import psnr

    method = methods.load(name)
    margin, budget = MARGIN[name]
    if margin is None:
        pytest.skip("it needs a file with weights; other tests and benchmarks score it")
    noisy, clean = noisy_clean((3, 64, 64), impulses=name == "median")
    estimate = drive(method, task_for(method, noisy), iterations=budget)
    gain = psnr(clean, estimate, data_range=1.0) - psnr(clean, noisy, data_range=1.0)
    assert gain > margin


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), [row for row in settings() if row[1] != "noise"])
def test_beats_the_plainest_guess(name, kind):
    from scipy.ndimage import distance_transform_edt

    from pellucid.metrics import psnr

    method = methods.load(name).for_kind(kind)
    margin, budget = RESTORES[name, kind]
    _, clean = noisy_clean((3, 64, 64))
    task = task_for(method, clean)
    if kind == "mask":
        rows, columns = distance_transform_edt(
            task.degradation.hidden, return_distances=False, return_indices=True
        )
        plain = clean[:, torch.from_numpy(rows).long(), torch.from_numpy(columns).long()]
        task = dataclasses.replace(task, shots=task.degradation.apply(clean)[None])
    else:
        task = dataclasses.replace(task, shots=task.degradation.apply(clean)[None])
        plain = task.degradation.enlarge(task.shots[0])
    estimate = drive(method, task, iterations=budget)
    if kind == "mask":
        estimate = torch.where(task.degradation.hidden, estimate, clean)
    gain = psnr(clean, estimate, data_range=1.0) - psnr(clean, plain, data_range=1.0)
    assert gain > margin
