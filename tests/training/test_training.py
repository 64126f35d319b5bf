"""Training: an exact resume after a kill, an interrupt, two processes, the guard, and what the files say."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

import pellucid
from pellucid import models
from pellucid.learning import DECAYS, TrainingProgress
from pellucid.training import state
from pellucid.training.plan import factor

PROGRAM = [sys.executable, str(Path(__file__).parents[1] / "toy_method.py")]


def command(folder, out, *more):
    return [
        *PROGRAM,
        "train",
        "toy",
        str(folder),
        "-o",
        str(out),
        "--noise",
        "gaussian:0-50",
        *map(str, more),
    ]


def weights(path):
    return models.read(path)[1]


def equal(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_writes_a_model_that_denoises_and_logs(toy, folder, tmp_path):
    reports = []
    done = pellucid.train(
        "toy", folder, tmp_path / "m.safetensors", noise="gaussian:25", steps=12, every=5, licence="CC0",
        set={"ema": 0.9, "standardise": True, "clip": 1.0}, progress=reports.append,
    )  # fmt: skip
    assert (done.steps, done.stopped_by) == (12, "finished")
    assert done.held_out == pytest.approx(done.card.quality["held-out loss"])
    card = models.read_card(done.model)
    assert (card.method, card.channels, card.licence, card.pictures) == ("toy", 1, "CC0", 5)
    assert card.claim == "no clean target"
    assert card.sigma == pytest.approx((25 / 255, 25 / 255))
    assert 0.3 < card.mean[0] < 0.7
    assert card.std[0] > 0.1
    with (done.folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["5", "10", "12"]
    assert {"seconds", "loss", "learning_rate", "l2", "held_out"} <= set(rows[0])
    assert sorted(p.name for p in (done.folder / "samples").iterdir()) == [
        f"{n:07d}.png" for n in (5, 10, 12)
    ]
    assert list((done.folder / "tensorboard").iterdir())
    assert reports[-1].step == 12
    clean = pellucid.denoise(pellucid.read(folder / "0.png"), model=str(done.model))
    assert clean.pixels.shape == (1, 1, 40, 44)


def test_snapshots_of_iddp_as_in_its_figures(folder, tmp_path):
    fields = {"patch": 16, "batch": 1, "warm_up": 0, "match": False}
    done = pellucid.train(
        "iddp", folder, tmp_path / "m.safetensors", noise="gaussian:25", fixed=1, steps=6, every=3, set=fields
    )
    samples = done.folder / "samples"
    names = {f"{step:07d}-{name}.png" for step in (3, 6) for name in ("prior", "removed", "added")}
    assert names < {p.name for p in samples.iterdir()}
    found = json.loads((samples / "0000006-histograms.json").read_text())
    assert set(found) == {"prior", "removed", "added"}
    for values in found.values():
        widths = np.diff(values["edges"])
        assert float(np.sum(widths * values["density"])) == pytest.approx(1)
    # n2 is n^ with random signs: as strong, whatever its mean
    power = [found[name]["mean"] ** 2 + found[name]["std"] ** 2 for name in ("removed", "added")]
    assert power[0] == pytest.approx(power[1], rel=1e-4)


def test_it_learns(toy, folder, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for i in range(3):
        Pillow.fromarray(np.full((40, 40), 90 + 30 * i, np.uint8)).save(flat / f"{i}.png")
    done = pellucid.train("toy", flat, tmp_path / "m.safetensors", noise="gaussian:25", steps=150, set={
        "learning_rate": 0.01, "batch": 8})  # fmt: skip
    noisy = 0.5 + 25 / 255 * np.random.default_rng(1).standard_normal((64, 64)).astype(np.float32)
    clean = pellucid.denoise(noisy, model=str(done.model))
    assert np.std(clean[4:-4, 4:-4]) < 0.7 * np.std(noisy)


def test_same_seed_same_file_and_other_seed_other_weights(toy, folder, tmp_path):
    def run(name, **more):
        out = tmp_path / f"{name}.safetensors"
        return weights(pellucid.train("toy", folder, out, noise="gaussian:0-50", steps=6, **more).model)

    first = run("a")
    assert equal(first, run("b", threads=3))  # threads make batches, they do not change them
    assert not equal(first, run("c", seed=1))


def test_a_mean_of_draws_resumes_exactly_and_is_on_the_card(folder, tmp_path):
    settings = {"network": "swift-tiny", "patch": 16, "batch": 2, "draws": 3, "sigma_0": 0.04, "ema": 0.9}

    def run(name, progress=None):
        return pellucid.train(
            "n2n", folder, tmp_path / f"{name}.safetensors", noise="gaussian:0-50", steps=6, every=3,
            set=settings, resume=True, progress=progress,
        )  # fmt: skip

    def stop(report):
        if report.step == 6:
            raise RuntimeError("the power went off")

    with pytest.raises(RuntimeError, match="power"):
        run("broken", stop)
    assert state.load(tmp_path / "broken.run" / "checkpoint.pt").step == 3
    whole, broken = run("whole"), run("broken")
    assert equal(weights(whole.model), weights(broken.model))
    assert whole.card.data.endswith("; target: mean of 3 noisy draws")
    assert whole.card.config["draws"] == 3


def test_global_random_state_is_untouched(toy, folder, tmp_path):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    pellucid.train("toy", folder, tmp_path / "m.safetensors", noise="gaussian:5", steps=2)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


@pytest.mark.slow
def test_killed_and_resumed_equals_unbroken(folder, tmp_path):
    settings = ["--steps", 60, "--every", 7, "--set", "ema=0.99"]
    subprocess.run(
        command(folder, tmp_path / "whole.safetensors", *settings), check=True, capture_output=True
    )
    out = tmp_path / "broken.safetensors"
    checkpoint = out.with_suffix(".run") / "checkpoint.pt"
    kills = 0
    for rank in range(2):
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        with subprocess.Popen(
            command(folder, out, *settings, "--resume"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            end = time.monotonic() + 120
            while not (checkpoint.exists() and checkpoint.stat().st_mtime_ns > before):
                assert time.monotonic() < end, process.communicate(timeout=5)
                if process.poll() is not None:
                    break
                time.sleep(0.001)
            time.sleep(0.02 * rank)
            kills += process.poll() is None
            process.kill()
            process.wait()
    assert kills
    assert not out.exists() or kills < 2
    done = subprocess.run(
        [*command(folder, out, *settings, "--resume"), "--json"], check=True, capture_output=True, text=True
    )
    assert json.loads(done.stdout)["steps"] == 60
    assert equal(weights(out), weights(tmp_path / "whole.safetensors"))
    with (out.with_suffix(".run") / "metrics.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == [str(n) for n in (*range(7, 60, 7), 60)]


@pytest.mark.slow
def test_interrupt_saves_and_resume_goes_on(folder, tmp_path):
    out = tmp_path / "m.safetensors"
    settings = ["--steps", 100000, "--every", 20]
    with subprocess.Popen(
        command(folder, out, *settings, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        end = time.monotonic() + 120
        while not (out.with_suffix(".run") / "checkpoint.pt").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 4, stderr  # far from its plan
    assert "--resume" in stderr
    record = json.loads(stdout)
    assert record["stopped_by"] == "interrupted"
    assert state.load(out.with_suffix(".run") / "checkpoint.pt").step == record["steps"]
    assert models.read_card(out).steps == record["steps"]


@pytest.mark.slow
def test_two_processes_equal_one_of_twice_the_batch(toy, folder, tmp_path):
    out = tmp_path / "m.safetensors"
    settings = ["--steps", 8, "--every", 4, "--processes", 2]
    done = subprocess.run(
        [*command(folder, out, *settings, "--set", "plain=true"), "--json"],
        check=False, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["steps"] == 8
    with (out.with_suffix(".run") / "metrics.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["4", "8"]
    fields = {"plain": True, "batch": 4}
    one = pellucid.train(
        "toy", folder, tmp_path / "1.safetensors", noise="gaussian:0-50", steps=8, set=fields
    )
    both, alone = weights(out), weights(one.model)
    assert all(torch.allclose(both[name], alone[name], atol=1e-6) for name in alone)


def test_each_process_draws_its_part_of_a_larger_batch(toy, folder):
    from pellucid.data import Options, open_data

    half = open_data(folder, Options(patch=16, batch=2, noise="gaussian:5"), "pairs")
    whole = open_data(folder, Options(patch=16, batch=4, noise="gaussian:5"), "pairs")
    parts = torch.cat([half.batch(3, first=first).noisy for first in (0, 2)])
    assert torch.equal(parts, whole.batch(3).noisy)


def test_how_often_it_is_looked_at_changes_nothing(toy, folder, tmp_path):
    def run(every):
        out = tmp_path / f"{every}.safetensors"
        done = pellucid.train("toy", folder, out, noise="gaussian:5", steps=9, every=every)
        return weights(done.model)

    assert equal(run(2), run(100))


def test_resume_must_be_asked_for_the_same(toy, folder, tmp_path):
    out = tmp_path / "m.safetensors"
    pellucid.train("toy", folder, out, noise="gaussian:5", steps=4)
    again = pellucid.train("toy", folder, out, noise="gaussian:5", steps=4, resume=True)
    assert again.steps == 4
    with pytest.raises(ValueError, match=r"was made with seed=0, got seed=1"):
        pellucid.train("toy", folder, out, noise="gaussian:5", steps=4, resume=True, seed=1)
    with pytest.raises(ValueError, match=r"was made with data="):
        pellucid.train("toy", folder, out, noise="gaussian:6", steps=4, resume=True)
    checkpoint = tmp_path / "m.run" / "checkpoint.pt"
    older = state.load(checkpoint)
    config = dict(older.settings["config"])
    del config["decay"]  # as if the field had come later
    state.save(checkpoint, dataclasses.replace(older, settings=dict(older.settings) | {"config": config}))
    assert pellucid.train("toy", folder, out, noise="gaussian:5", steps=4, resume=True).steps == 4
    checkpoint.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=r"no checkpoint.*without --resume"):
        pellucid.train("toy", folder, out, noise="gaussian:5", steps=4, resume=True)


def test_a_checkpoint_under_old_names_goes_on(folder, tmp_path):
    """Fields renamed since, values renamed since, and fields that came later, which were off before."""
    settings = {"patch": 16, "batch": 1, "give_back": 0.0, "match": False}

    def run(name, steps):
        out = tmp_path / f"{name}.safetensors"
        more = {"steps": steps, "every": 2, "set": settings, "resume": True}
        return pellucid.train("iddp", folder, out, noise="gaussian:25", **more)

    run("m", 4)
    checkpoint = tmp_path / "m.run" / "checkpoint.pt"
    today = state.load(checkpoint)
    config = dict(today.settings["config"])
    older = {k: v for k, v in config.items() if k not in ("ema", "match", "give_back")}
    older |= {"average": config["ema"], "stop_gradient": True}
    state.save(checkpoint, dataclasses.replace(today, settings={**today.settings, "config": older}))
    assert run("m", 4).steps == 4
    older["stop_gradient"] = False
    state.save(checkpoint, dataclasses.replace(today, settings={**today.settings, "config": older}))
    with pytest.raises(ValueError, match="made with stop_gradient='none', got stop_gradient='both'"):
        run("m", 4)


def test_old_names_are_told_in_the_notes(toy, folder, tmp_path):
    done = pellucid.train(
        "toy", folder, tmp_path / "m.safetensors", noise="gaussian:5", steps=2, set={"average": 0.5}
    )
    assert "average is now called ema." in done.notes


def test_a_foreign_handler_of_interrupts_is_left_alone(toy, folder, tmp_path, monkeypatch):
    """One that was set in C, which Python cannot name and so not put back."""
    monkeypatch.setattr(signal, "getsignal", lambda number: None)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        out = tmp_path / "m.safetensors"
        assert pellucid.train("toy", folder, out, noise="gaussian:5", steps=2).steps == 2
        assert out.is_file()
        assert signal.signal(signal.SIGINT, before) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_from_a_model(toy, folder, tmp_path):
    first = pellucid.train("toy", folder, tmp_path / "a.safetensors", noise="gaussian:5", steps=4)
    still = pellucid.train(
        "toy-alone",
        folder,
        tmp_path / "b.safetensors",
        steps=1,
        start=first.model,
        set={"learning_rate": 1e-12},
    )
    one, two = weights(first.model), weights(still.model)
    assert all(torch.allclose(one[k], two[k]) for k in one if "running" not in k and "num" not in k)
    with pytest.raises(ValueError, match="does not fit its network"):
        pellucid.train(
            "toy", folder, tmp_path / "c.safetensors", noise="gaussian:5", start=first.model, set={"width": 5}
        )


def test_guard_stops_with_its_words_and_writes_no_model(toy, folder, tmp_path):
    out = tmp_path / "m.safetensors"
    with pytest.raises(
        ArithmeticError, match=r"stopped at step 20: the network gives its input back\. Lower"
    ):
        pellucid.train("toy", folder, out, noise="gaussian:5", steps=50, set={"collapse": 3})
    assert not out.exists()
    with pytest.raises(ArithmeticError, match=r"no longer finite.*Lower learning_rate"):
        pellucid.train("toy", folder, out, noise="gaussian:5", steps=50, set={"learning_rate": 1e30})


def test_seconds_plan_the_schedule(toy, folder, tmp_path):
    start = time.monotonic()
    done = pellucid.train(
        "toy", folder, tmp_path / "m.safetensors", noise="gaussian:5", steps=10**6, seconds=2
    )
    assert time.monotonic() - start < 15
    assert done.stopped_by == "seconds"
    assert 1 < done.steps < 10**6
    last = (done.folder / "metrics.csv").read_text().splitlines()[-1].split(",")
    assert float(last[3]) < 2e-4  # the learning rate has come down from 3e-4


def test_epochs_count_pixels(toy, folder, tmp_path):
    done = pellucid.train("toy", folder, tmp_path / "m.safetensors", noise="gaussian:5", epochs=2, held_out=0)
    assert done.steps == -(-2 * 5 * 40 * 44 // (2 * 16 * 16))
    assert done.held_out is None
    assert any("nothing was held out" in note for note in done.notes)


def test_fixed_versions_allow_the_stronger_claim(toy, folder, tmp_path):
    done = pellucid.train("toy", folder, tmp_path / "m.safetensors", noise="gaussian:5", fixed=4, steps=2)
    assert done.card.origin == "fixed"
    assert done.card.claim == "no clean image seen"


def test_a_method_of_single_images(toy, folder, tmp_path):
    done = pellucid.train("toy-alone", folder, tmp_path / "m.safetensors", steps=2)
    assert done.card.origin == "recorded"
    assert done.card.claim == "no clean image seen"
    assert done.card.sigma is None


@pytest.mark.parametrize("decay", DECAYS)
def test_schedules_start_at_one_and_fall(decay):
    values = [factor(decay, TrainingProgress(step=s, steps=100)) for s in range(101)]
    assert values[0] == 1
    assert values == sorted(values, reverse=True)
    end = {"constant": 1.0, "halves": 1 / 16, "tenth": 0.1}.get(decay, 0.0)
    assert values[-1] == pytest.approx(end, abs=1e-9)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"method": "bm3d"}, ValueError, "method must be one of .*toy"),
        ({"out": "m.pt"}, ValueError, r"ends in \.safetensors"),
        ({"out": "none/m.safetensors"}, FileNotFoundError, "Create it first"),
        ({"steps": 0}, ValueError, "steps must be at least 1"),
        ({"steps": 3, "epochs": 2}, ValueError, "both say how long"),
        ({"steps": 3, "set": {"steps": 4}}, ValueError, "given twice"),
        ({"seconds": 0}, ValueError, "seconds must be greater than 0"),
        ({"every": 0}, ValueError, "every must be at least 1"),
        ({"precision": "float8"}, ValueError, "precision must be one of"),
        ({"device": "cuda:77"}, ValueError, "device"),
        ({"noise": None}, ValueError, "needs pairs"),
        ({"noise": "gausian:5"}, ValueError, "Did you mean 'gaussian'"),
        ({"start": "nothing"}, ValueError, "model must be"),
        ({"set": {"patch": 64}}, ValueError, "do not fit into any image"),
    ],
)
def test_bad_requests(toy, folder, tmp_path, monkeypatch, changes, error, words):
    monkeypatch.chdir(tmp_path)
    wanted = {"method": "toy", "out": "m.safetensors", "noise": "gaussian:5"} | changes
    with pytest.raises(error, match=words):
        pellucid.train(wanted.pop("method"), folder, wanted.pop("out"), **wanted)
    assert not list(tmp_path.glob("*.run"))


def test_existing_models_are_kept(toy, folder, tmp_path):
    out = tmp_path / "m.safetensors"
    out.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="exists"):
        pellucid.train("toy", folder, out, noise="gaussian:5", steps=1)
    assert out.read_bytes() == b"mine"
    assert pellucid.train("toy", folder, out, noise="gaussian:5", steps=1, overwrite=True).steps == 1


def test_core_does_not_load_lightning():
    code = (
        "import sys, numpy as np, pellucid, pellucid.models\n"
        "pellucid.denoise(np.zeros((16, 16), np.float32), 'nlm', sigma=0.1)\n"
        "print(sorted({'lightning', 'tensorboard', 'pytorch_lightning'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_state_round_trip(tmp_path):
    adam = {"state": {0: {"step": torch.tensor(3.0)}}}
    figures = {"step": 3, "steps": 9, "seconds": 1.5, "mean": [0.5]}
    before = state.Checkpoint(
        settings={"a": [1]}, network={"w": torch.ones(2)}, average=None, optimizer=adam, **figures
    )
    state.save(tmp_path / "c.pt", before)
    after = state.load(tmp_path / "c.pt")
    assert dataclasses.replace(after, network={}, optimizer={}) == dataclasses.replace(
        before, network={}, optimizer={}
    )
    assert torch.equal(after.network["w"], torch.ones(2))
