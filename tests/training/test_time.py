"""Training by the clock, with a clock of our own: the plan of the steps, slow starts, exact resume."""

import csv
import types

import pytest
import torch

import pellucid
from pellucid import models
from pellucid.request import Train
from pellucid.training import loop, settle
from pellucid.training.plan import Plan


@pytest.fixture
def clock(monkeypatch):
    """Time passes only in training steps: as many seconds as `clock.cost(step)` says."""
    clock = types.SimpleNamespace(now=1000.0, cost=lambda step: 0.25)
    real = loop.Fit.training_step

    def step(self, batch):
        clock.now += clock.cost(self.done)
        return real(self, batch)

    monkeypatch.setattr(loop.Fit, "training_step", step)
    monkeypatch.setattr(loop, "time", types.SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def drive(plan, cost, step=0, spent=0.0):
    """Steps and seconds at the end, and every plan that was made."""
    plans = []
    while step < plan.steps and not plan.late(spent):
        spent += cost(step)
        step += 1
        if plan.due(step):
            plan.renew(step, plan.propose(step, spent))
            plans.append(plan.steps)
    return step, spent, plans


def run(folder, out, **more):
    return pellucid.train("toy", folder, out, noise="gaussian:0-50", **more)


def rates(done):
    with (done.folder / "metrics.csv").open() as file:
        return [float(row["learning_rate"]) for row in csv.DictReader(file)]


def test_a_steady_speed_is_planned_at_once():
    step, spent, plans = drive(Plan(7, seconds=100.0), lambda step: 0.25)
    assert (step, spent) == (400, 100.0)
    assert plans[0] == 1000  # the first look takes the time only
    assert set(plans[1:]) == {400}


def test_slow_first_steps_are_forgotten():
    def slow(step):
        return 4.0 if step < 10 else 0.125

    step, spent, plans = drive(Plan(5000, seconds=100.0), slow)
    assert step == pytest.approx(10 + 60 / 0.125, rel=0.02)
    assert spent == pytest.approx(100, abs=0.5)
    # with the speed since the start the second plan would still be 40 + 40 / 43.75 * 56
    assert plans[2] == pytest.approx(490, rel=0.02)


def test_a_speed_that_falls_is_noticed():
    step, spent, plans = drive(Plan(5000, seconds=100.0), lambda step: 0.125 if step < 200 else 0.5)
    assert step == pytest.approx(200 + 75 / 0.5, rel=0.05)
    assert spent == pytest.approx(100, abs=1.0)
    assert plans[-1] == pytest.approx(350, rel=0.05)


def test_steps_and_seconds_together_end_with_what_comes_first():
    few = Plan(60, most=60, seconds=100.0)
    assert drive(few, lambda step: 0.25)[0] == 60
    assert not few.cut
    many = Plan(6000, most=6000, seconds=100.0)
    assert drive(many, lambda step: 0.25)[0] == 400
    assert many.cut


@pytest.mark.parametrize("at", [3, 5, 12, 20, 33, 200, 340])
def test_a_plan_that_is_taken_up_again_is_the_same(at):
    def uneven(step):
        return 0.5 if step % 7 else 2.0

    whole = Plan(50, seconds=256.0)
    end = drive(whole, uneven)
    broken = Plan(50, seconds=256.0)
    spent = 0.0
    for step in range(1, at + 1):
        spent += uneven(step - 1)
        if broken.due(step):
            broken.renew(step, broken.propose(step, spent))
    again = Plan(broken.steps, seconds=256.0, step=at, spent=spent, marks=broken.marks)
    assert at < end[0]
    assert drive(again, uneven, at, spent)[:2] == end[:2]
    assert again.marks == whole.marks


def test_seconds_alone_are_not_capped_by_the_preset(toy, folder, tmp_path, clock):
    done = run(folder, tmp_path / "m.safetensors", seconds=50, every=10)  # the toy's own steps are 20
    assert done.steps == 200
    assert done.stopped_by == "seconds"
    found = rates(done)
    assert found[-1] < 0.02 * found[0]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    ("more", "steps"),
    [({"steps": 30}, 30), ({"set": {"steps": 35}}, 35), ({"epochs": 1, "held_out": 0}, 18), ({}, 200)],
)
def test_what_was_asked_for_still_limits(toy, folder, tmp_path, clock, more, steps):
    done = run(folder, tmp_path / "m.safetensors", seconds=50, **more)
    assert done.steps == steps
    assert done.stopped_by == ("finished" if more else "seconds")


def test_time_alone_when_nothing_counts_steps(toy, folder, tmp_path):
    def only_time(**more):
        return settle(Train(method="toy", data=folder, out=tmp_path / "m.safetensors", **more)).only_time

    assert only_time(seconds=5.0)
    assert only_time(seconds=5.0, set={"width": 4}, preset="fast")
    assert not only_time()
    assert not only_time(seconds=5.0, steps=3)
    assert not only_time(seconds=5.0, epochs=3)
    assert not only_time(seconds=5.0, set={"steps": 3})


def test_by_the_clock_a_broken_training_equals_an_unbroken_one(toy, folder, tmp_path, clock):
    clock.cost = lambda step: 2.0 if step < 5 else 0.25
    whole = run(folder, tmp_path / "whole.safetensors", seconds=40, every=7)
    assert whole.steps == 5 + 30 / 0.25
    out = tmp_path / "broken.safetensors"
    for stop in (17, 32, 90):  # before the first plan, between plans, late

        def die(report, stop=stop):
            if report.step >= stop:
                raise RuntimeError("killed")

        with pytest.raises(RuntimeError, match="killed"):
            run(folder, out, seconds=40, every=7, resume=True, progress=die)
        assert not out.exists()
    done = run(folder, out, seconds=40, every=7, resume=True)
    assert done.steps == whole.steps
    one, two = models.read(whole.model)[1], models.read(out)[1]
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert rates(done) == rates(whole)


def test_a_training_that_is_over_goes_on_only_with_more_time(toy, folder, tmp_path, clock):
    out = tmp_path / "m.safetensors"
    first = run(folder, out, seconds=25)
    again = run(folder, out, seconds=25, resume=True)
    assert (first.steps, again.steps, again.stopped_by) == (100, 100, "seconds")
    more = run(folder, out, seconds=50, resume=True)
    assert more.steps == 200
    assert more.seconds == pytest.approx(50, abs=0.5)


def test_a_checkpoint_of_before_the_plan_was_kept_can_be_taken_up():
    plan = Plan(400, seconds=100.0, step=100, spent=25.0, marks={})
    assert drive(plan, lambda step: 0.25, 100, 25.0)[:2] == (400, 100.0)


@pytest.mark.parametrize(("seconds", "steps"), [(200.0, 800), (None, 1000), (50.0, 200), (20.0, 100)])
def test_another_limit_is_another_plan(seconds, steps):
    first = Plan(1000, most=1000, seconds=100.0)
    for step in range(1, 101):
        if first.due(step):
            first.renew(step, first.propose(step, 0.25 * step))
    again = Plan(first.steps, most=1000, seconds=seconds, step=100, spent=25.0, marks=first.marks)
    assert drive(again, lambda step: 0.25, 100, 25.0)[0] == steps
