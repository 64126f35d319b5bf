"""Fits to large pictures: one tile decides for all, borders fade, time is shared, an interrupt ends it."""

import numpy as np
import pytest
import torch

import pellucid
from pellucid import seeds, tiles
from pellucid.run import cutting, drive
from pellucid.stopping import Outcome

RNG = np.random.default_rng(0)
NOISY = (0.5 + 0.1 * RNG.standard_normal((80, 96))).astype(np.float32)


def outcome(estimate: torch.Tensor, best: int) -> Outcome:
    return Outcome(
        estimate=estimate, iterations=best + 5, best_iteration=best, stopped_by="es-emv", curves={},
        extras={}, state=None, interrupted=False,
    )  # fmt: skip


def test_all_tiles_stop_where_the_median_one_did():
    image = 0.01 * torch.rand(1, 32, 96, generator=seeds.generator(0))
    image[:, :, 64:] *= 100
    image[:, :, 32:64] *= 10
    asked = []

    def fit(piece, rule, number, count):
        asked.append((number, count, rule))
        return outcome(piece, best=7)

    joined, first = cutting.together(image, fit, tile=32, overlap=4, stride=1)
    assert asked == [(2, 3, None), (1, 3, "iterations:7"), (3, 3, "iterations:7")]
    assert first.best_iteration == 7
    torch.testing.assert_close(joined, image)


def test_boxes_are_where_blend_works():
    image, seen = torch.rand(1, 50, 70), []

    def watch(piece):
        seen.append(piece)
        return piece

    tiles.blend(image, watch, tile=32, overlap=5)
    for piece, (rows, columns) in zip(seen, tiles.boxes(image, tile=32, overlap=5), strict=True):
        assert torch.equal(piece, image[:, rows, columns])


def test_dip_is_cut_by_itself_and_says_so(monkeypatch):
    monkeypatch.setattr(cutting, "LARGE", 4000)
    monkeypatch.setattr(cutting, "TILE", 48)
    seen = []
    result = pellucid.denoise(NOISY, "dip", iterations=3, return_result=True, progress=seen.append)
    assert result.estimate.shape == (1, 1, 80, 96)
    assert [p.iteration for p in seen] == [1, 2, 3] * 4
    assert {p.phase for p in seen} == {f"fit, tile {k} of 4" for k in (1, 2, 3, 4)}
    assert "state" not in result.extras
    assert "all do 3 iterations" in " ".join(result.warnings)
    assert len(result.curves["loss"]) == 3


def test_after_an_interrupt_the_other_tiles_stay_as_they_came(monkeypatch):
    monkeypatch.setattr(drive.cutting, "LARGE", 4000)
    monkeypatch.setattr(drive.cutting, "TILE", 100)
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
    monkeypatch.setattr(cutting, "LARGE", 4000)
    monkeypatch.setattr(cutting, "TILE", 48)
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
