"""Fits to large pictures: one tile decides for all, borders fade, time is shared, an interrupt ends it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import pellucid
from pellucid import methods, seeds, tiles
from pellucid.noise.report import NoiseReport
from pellucid.run import fit
from pellucid.run.fit import Piece
from pellucid.steps import Step, Task, Tiling

RNG = np.random.default_rng(0)
NOISY = (0.5 + 0.1 * RNG.standard_normal((80, 96))).astype(np.float32)


def piece(image: torch.Tensor, steps) -> Piece:
    """Work on a picture by a method of its own, on tiles with a margin of 4."""
    method = replace(methods.load("zs-n2n"), steps=steps, tiling=Tiling(kind="approximate", halo=4))
    return Piece(
        task=Task(shots=image[None], noise=NoiseReport.white(0.1, 1)),
        method=method,
        config=None,
        rule="iterations:7",
        seed=0,
        device=torch.device("cpu"),
        watch=lambda step, statistic, place: None,
    )


def test_all_tiles_stop_where_the_median_one_did():
    image = 0.01 * torch.rand(1, 32, 96, generator=seeds.generator(0))
    image[:, :, 64:] *= 100
    image[:, :, 32:64] *= 10
    taken = []

    def steps(task, config, *, seed, device):
        for iteration in range(1, 20):
            taken.append((float(task.shots.mean()), iteration))
            picture = task.shots[0]
            yield Step(
                iteration=iteration, phase="fit", loss=None, output=picture, estimate=lambda p=picture: p
            )

    done = fit.fit_tiles(piece(image, steps), 32)
    # The middle one decides, then the others follow in their order.
    order = list(dict.fromkeys(mean for mean, _ in taken))
    assert order == [
        order[0],
        min(order),
        max(order),
    ]
    assert [iteration for _, iteration in taken] == [*range(1, 8)] * 3
    assert done.best_iteration == 7
    torch.testing.assert_close(done.estimate, image)


def test_tiles_are_cut_where_blend_works():
    image, seen = torch.rand(1, 50, 70), []

    def watch(part):
        seen.append(part)
        return part

    tiles.blend(image, watch, tile=32, overlap=5)
    for part, spot in zip(seen, tiles.cut(50, 70, tile=32, margin=5), strict=True):
        assert torch.equal(part, image[:, spot.rows, spot.columns])


def test_dip_is_cut_by_itself_and_says_so(monkeypatch):
    monkeypatch.setattr(fit, "LARGE_FIT", 4000)
    monkeypatch.setattr(fit, "SIDE_FIT", 48)
    seen = []
    result = pellucid.denoise(NOISY, "dip", iterations=3, return_result=True, progress=seen.append)
    assert result.estimate.shape == (1, 1, 80, 96)
    assert [p.iteration for p in seen] == [1, 2, 3] * 4
    assert {p.phase for p in seen} == {f"fit, tile {k} of 4" for k in (1, 2, 3, 4)}
    assert "state" not in result.extras
    assert "all do 3 iterations" in " ".join(result.warnings)
    assert len(result.curves["loss"]) == 3


def test_after_an_interrupt_the_other_tiles_stay_as_they_came(monkeypatch):
    monkeypatch.setattr(fit, "LARGE_FIT", 4000)
    monkeypatch.setattr(fit, "SIDE_FIT", 100)
    long = np.tile(NOISY[:40], (1, 5))[:, :400]

    def stop(progress):
        raise KeyboardInterrupt

    # keep_mean shifts all pixels alike, so that differences between neighbours stay.
    result = pellucid.denoise(long, "dip", progress=stop, return_result=True)
    assert result.stopped_by == "interrupted"
    assert result.iterations == 1
    changed = np.diff(result.estimate[0, 0], axis=1) - np.diff(long, axis=1)
    share = np.mean(np.abs(changed) > 1e-4)
    assert 0.2 < share < 0.65  # one of four tiles, with the pixels into which it fades


def test_the_deciding_tile_takes_its_share_of_the_time(monkeypatch):
    monkeypatch.setattr(fit, "LARGE_FIT", 4000)
    monkeypatch.setattr(fit, "SIDE_FIT", 48)
    seen = []
    result = pellucid.denoise(NOISY, "dip", seconds=0.8, return_result=True, progress=seen.append)
    last = max(p.seconds for p in seen if p.phase == seen[0].phase)
    assert last < 0.8
    assert result.stopped_by in ("seconds", "iterations")
    counts = {phase: sum(p.phase == phase for p in seen) for phase in {p.phase for p in seen}}
    assert len(set(counts.values())) == 1


@pytest.mark.parametrize("name", ["wavelet", "nlm"])
def test_filters_are_cut_as_before(name):
    big = np.tile(NOISY, (2, 2))
    given = {} if name == "wavelet" else {"sigma": 0.1}
    result = pellucid.denoise(big, name, tile=64, return_result=True, **given)
    assert result.estimate.shape[-2:] == big.shape
    assert result.iterations == 1


def test_a_method_in_stages_ends_every_tile_by_itself():
    """Tiles at the border have other scales; cut off by another's iterations they would be coarse."""
    noisy = (0.5 + 0.1 * np.random.default_rng(0).standard_normal((128, 160))).astype(np.float32)
    changes = {"iterations": 2, "minimum": 48}
    result = pellucid.denoise(noisy, "ms-dip", tile=64, set=changes, return_result=True)
    assert "each ended by itself" in " ".join(result.warnings)
    assert "coarse picture enlarged" not in " ".join(result.warnings)


def test_what_tiles_say_is_said_with_their_numbers():
    image = torch.zeros(1, 32, 96)
    image[:, :, 64:] = 1

    def steps(task, config, *, seed, device):
        picture = task.shots[0]
        notes = ("bright",) if picture.mean() > 0.7 else ()
        yield Step(
            iteration=1,
            phase="fit",
            loss=None,
            output=picture,
            estimate=lambda: picture,
            notes=("all", *notes),
        )

    notes = fit.fit_tiles(piece(image, steps), 32).notes
    assert notes[1:] == ("all", "tile 3 of 3: bright")
