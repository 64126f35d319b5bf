"""The line of stages: what each adds, what the shots of a scene become, notes on their way to the Result."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.data import camera

import pellucid
from pellucid import files, methods, request
from pellucid.request import Denoise, Inpaint
from pellucid.run import Job, State, decide, run, settle
from pellucid.run.pipeline import DECIDE, DO
from pellucid.steps import Step
from shipping import ship

CLEAN = camera()[100:196, 180:290].astype(np.float32) / 255
NOISY = CLEAN + np.float32(0.05) * np.random.default_rng(0).standard_normal(CLEAN.shape).astype(np.float32)


def watched(monkeypatch, name, **changes):
    """The tasks that a method is given from now on; it gives the mean of its shots back."""
    method, seen = methods.load(name), []

    def steps(task, config, *, seed, device):
        seen.append(task)
        mean = task.shots.mean(0)
        yield Step(iteration=1, phase="fit", loss=mean.mean(), output=mean, estimate=lambda: mean, **changes)

    spied = dataclasses.replace(method, steps=steps)
    true = methods.load
    monkeypatch.setattr(methods, "load", lambda asked: spied if asked == name else true(asked))
    return seen


def moved_shots() -> list[np.ndarray]:
    """Three shots of a scene, the second and third moved by a few pixels."""
    scene = camera()[80:240, 160:330].astype(np.float32) / 255
    rng = np.random.default_rng(1)
    shots = [scene[10:130, 10:140], scene[12:132, 13:143], scene[5:125, 6:136]]
    return [(s + 0.03 * rng.standard_normal(s.shape)).astype(np.float32) for s in shots]


def test_a_trained_method_gets_the_aligned_average(shelf, tmp_path, monkeypatch):
    """Where a shot shows nothing of the scene the average leaves it out; a plain mean would take it."""
    model = str(ship(tmp_path / "own", channels=1))
    shots = moved_shots()
    seen = watched(monkeypatch, "n2n")
    result = pellucid.denoise(shots, "n2n", model=model, shots=True, sigma=0.03, return_result=True)
    state = run(State(settings=settle(Denoise(method="nlm", sigma=0.03)), given=tuple(shots)), DECIDE)
    assert result.extras["shots"][1].shift != (0.0, 0.0)
    assert seen[0].shots.shape[0] == 1
    assert torch.equal(seen[0].shots[0], state.noisy[0])
    plain = state.shots.mean(0)[0]
    assert float((seen[0].shots[0] != plain).float().mean()) > 0.02


def test_only_a_method_that_takes_shots_gets_them(monkeypatch):
    shots = [NOISY, NOISY[::-1][::-1] + np.float32(0.01)]
    for name, count in (("rs-dip", 2), ("nlm", 1)):
        seen = watched(monkeypatch, name)
        pellucid.denoise(shots, name, shots=True, **({"near_clean": "tv"} if name == "rs-dip" else {}))
        assert len(seen[0].shots) == count
        monkeypatch.undo()


def test_notes_of_the_last_step_reach_the_result_once_for_all_slices(monkeypatch):
    watched(monkeypatch, "nlm", notes=("one scale fits",))
    result = pellucid.denoise(np.stack([NOISY, NOISY]), "nlm", sigma=0.05, return_result=True)
    assert result.warnings.count("one scale fits") == 1


def test_notes_of_near_clean_runs_name_the_shots_and_the_average(monkeypatch):
    """A preparer is run on each shot, then on their average, and what it says of either is passed on."""
    seen, true = [], methods.load
    preparer = true("tv")

    def steps(task, config, *, seed, device):
        seen.append(task)
        note = f"run {len(seen)} saw {task.shots.shape[0]} picture"
        for step in preparer.steps(task, config, seed=seed, device=device):
            yield dataclasses.replace(step, notes=(note,))

    spied = dataclasses.replace(preparer, steps=steps)
    monkeypatch.setattr(methods, "load", lambda name: spied if name == "tv" else true(name))
    other = CLEAN + np.float32(0.05) * np.random.default_rng(1).standard_normal(CLEAN.shape)
    shots = [NOISY, other.astype(np.float32)]
    result = pellucid.denoise(
        shots, "rs-dip", shots=True, near_clean="tv", sigma=0.05, iterations=100, return_result=True
    )
    told = [words for words in result.warnings if "saw" in words]
    assert told == [
        "near-clean tv: run 1 saw 1 picture",
        "near-clean tv: run 2 saw 1 picture",
        "near-clean tv of the average: run 3 saw 1 picture",
    ]
    state = run(State(settings=settle(Denoise(method="nlm", sigma=0.05)), given=tuple(shots)), DECIDE)
    pictures = [*state.shots[:, 0], state.noisy[0]]
    assert all(torch.equal(task.shots[0], picture) for task, picture in zip(seen, pictures, strict=True))
    levels = [0.05, 0.05, 0.05 / 2**0.5]  # less noise is left in an average of two
    assert [task.noise.level for task in seen] == pytest.approx(levels)


def test_what_the_report_of_the_shots_says_is_not_said_again_for_each_near_clean_image(monkeypatch):
    true = decide.analysis.analyse

    def odd(*args, **kwargs):
        return dataclasses.replace(true(*args, **kwargs), warnings=("the noise is odd",))

    monkeypatch.setattr(decide.analysis, "analyse", odd)
    result = pellucid.denoise(
        [NOISY, NOISY], "rs-dip", shots=True, near_clean="nlm", iterations=100, return_result=True
    )
    assert [words for words in result.warnings if "odd" in words] == ["the noise is odd"]


def test_stages_leave_the_state_that_they_are_given_as_it_is():
    state = State(settings=settle(Denoise(method="nlm", sigma=0.05)), given=(NOISY,))
    for stage in (*DECIDE, *DO):
        before = {f.name: getattr(state, f.name) for f in dataclasses.fields(state)}
        copies = {k: v.clone() for k, v in before.items() if isinstance(v, torch.Tensor)}
        after = stage(state)
        assert all(getattr(state, name) is value for name, value in before.items())
        assert all(torch.equal(getattr(state, name), value) for name, value in copies.items())
        state = after
    assert state.result.method == "nlm"


def test_inspect_stops_before_the_work():
    state = run(State(settings=settle(Denoise()), given=(NOISY,)), DECIDE)
    assert state.choice.method in ("bm3d", "photo")
    assert state.parts == ()
    assert state.result is None


@pytest.mark.parametrize("suffix", [".png", ".npy"])
def test_files_and_python_go_down_the_same_line(tmp_path, suffix):
    picture = files.from_array((NOISY.clip(0, 1) * 255).astype(np.uint8), name="in")
    source, target = Path(tmp_path / f"in{suffix}"), tmp_path / f"out{suffix}"
    files.write(picture, source)
    run(State(settings=settle(Denoise(method="nlm")), job=Job(inputs=(source,), output=target)))
    same = pellucid.denoise(files.read(source), "nlm")
    assert np.allclose(files.read(target).pixels, same.pixels, atol=0.501 / 255)  # the file holds 8 bits


def test_a_request_from_json_names_its_pictures_by_path(tmp_path):
    hole = np.zeros(NOISY.shape, bool)
    hole[40:44, 30:60] = True
    files.write(files.from_array(hole.astype(np.uint8) * 255), tmp_path / "hole.png")
    text = request.to_json(Inpaint(method="biharmonic", mask=tmp_path / "hole.png"))
    settings = settle(request.from_json(Inpaint, text))
    state = run(State(settings=settings, given=(NOISY,)))
    assert np.array_equal(state.result.estimate[0, 0], pellucid.inpaint(NOISY, hole, "biharmonic"))
