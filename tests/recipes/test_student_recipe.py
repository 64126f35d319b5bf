"""The student for photographs: its lessons."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import torch

from pellucid import seeds
from pellucid.networks.swift import Swift

STUDENT = Path(__file__).parents[2] / "recipes" / "student"


def recipe(name):
    spec = importlib.util.spec_from_file_location(name, STUDENT / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def taught(folder, name, target, told=0.1):
    noisy = np.random.default_rng(0).integers(0, 256, (40, 32, 3), np.uint8)
    np.savez(folder / f"{name}.npz", noisy=noisy, target=target(noisy), told=np.float32(told))


def test_noisy_crop_and_target_are_cut_and_turned_alike(tmp_path):
    taught(tmp_path, "a", lambda noisy: (noisy / 255).astype(np.float32))
    lessons = recipe("fit").Lessons(tmp_path)
    noisy, target, told = lessons.batch(seeds.generator(0), 12, 24)
    assert noisy.shape == target.shape == (12, 3, 24, 24)
    torch.testing.assert_close(noisy, target)
    assert len({crop.numpy().tobytes() for crop in noisy}) == 12
    assert told.shape == (12, 1, 1, 1)
    assert torch.all(told == torch.tensor(0.1))


def test_lessons_that_come_later_are_taken_up_once(tmp_path):
    taught(tmp_path, "a", lambda noisy: noisy.astype(np.float32))
    lessons = recipe("fit").Lessons(tmp_path)
    taught(tmp_path, "b", lambda noisy: noisy.astype(np.float32))
    for _ in range(2):
        lessons.look()
    assert len(lessons.all) == 2


def test_the_error_of_a_student_that_does_nothing_is_what_the_teacher_took_off(tmp_path):
    taught(tmp_path, "a", lambda noisy: np.full(noisy.shape, 0.5, np.float16))
    fit = recipe("fit")
    idle = Swift(3, 3, widths=(4,), blocks=(1,))  # its last weights are nothing
    assert abs(fit.judged(idle, fit.Lessons(tmp_path)) - 1) < 0.01
