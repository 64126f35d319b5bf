"""Data: the crops of every step, each a function of (seed, step, sample) alone."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate

import torch
from torch import Tensor

from pellucid import seeds
from pellucid.data import adding
from pellucid.data.crops import Region, Split, gray, resized, split, turned
from pellucid.data.options import Options
from pellucid.data.pool import Pool
from pellucid.learning import Batch, Sees

TRIES = 64
"""places that are tried until one is fit for a pair"""
TILE = 128
"""side of the pieces of a picture whose noise is fixed beforehand, pixels; or twice the crop"""
COUNTED = 256
"""crops from which mean and standard deviation are told"""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One crop: what a `Batch` stacks; sigma is the level of its noise where it is known.

    window is (D, C, S, S), the slices of a stack around noisy, where a method sees several.
    """

    noisy: Tensor
    other: Tensor | None = None
    clean: Tensor | None = None
    sigma: float | None = None
    window: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a crop comes from."""

    pool: Pool
    region: Region
    number: int
    top: int
    left: int
    side: int
    scale: float


class Data:
    """Draws samples and batches.

    Args:
        pool: the images; noise is added to them where the options name one and there are no others.
        options: how crops are drawn.
        sees: what the method is trained on.
        clean: clean images to mix in, with the noise of the options added; or None.

    Raises:
        ValueError: when the images do not give what the method needs.
    """

    def __init__(self, pool: Pool, options: Options, sees: Sees, clean: Pool | None = None) -> None:
        self.pool, self.options, self.sees, self.clean = pool, options, sees, clean
        self.kinds = adding.parse(options.noise) if options.noise else ()
        self.channels = 1 if options.gray else pool.facts.channels
        if clean is not None and not options.gray and clean.facts.channels != self.channels:
            raise ValueError(
                f"clean images must have the {self.channels} channels of the others, got "
                f"{clean.facts.channels}."
            )
        if options.draws > 1 and clean is not None:
            raise ValueError(
                f"draws={options.draws} is for pictures that noise is added to; beside recorded noise "
                "(--clean) the clean crop itself is the target. Leave one of the two out."
            )
        self.parts = _parts(pool, options)
        self.clean_parts = None if clean is None else _parts(clean, options)
        self.mean: Tensor = torch.zeros(self.channels, 1, 1)
        self.std: Tensor = torch.ones(self.channels, 1, 1)

    def standardise(self) -> None:
        """Measure mean and standard deviation of the noisy crops per channel; colours share the latter."""
        crops = [self._sample(self.parts.training, None, ("statistics", i)).noisy for i in range(COUNTED)]
        stacked = torch.stack(crops).double()
        self.mean = stacked.mean((0, 2, 3)).float().view(-1, 1, 1)
        variance = stacked.var((0, 2, 3))
        shared = self.pool.facts.color and self.channels > 1
        variance = variance.mean().expand(self.channels) if shared else variance
        self.std = variance.sqrt().clamp_min(1e-6).float().view(-1, 1, 1)

    def sample(self, step: int, number: int) -> Sample:
        """Sample `number` of a step, in working units."""
        return self._sample(self.parts.training, self.clean_parts, ("crop", step, number))

    def batch(self, step: int, first: int = 0) -> Batch:
        """The batch of a step, in units of the network; `first` is the number of its first sample."""
        return self.stacked([self.sample(step, first + i) for i in range(self.options.batch)])

    def held_out(self, count: int) -> list[Sample]:
        """So many samples of what is held out, always the same; of the rest where nothing is."""
        regions = self.parts.held_out or self.parts.training
        return [self._sample(regions, None, ("held out", i)) for i in range(count)]

    def pieces(self, side: int, sees: Sees) -> Data:
        """The same data held out, cut into larger crops, with a truth beside; noise is drawn anew.

        Raises:
            ValueError: when nothing that is held out is so large.
        """
        large = tuple(region for region in self.parts.held_out if region.holds(side))
        if not large:
            raise ValueError(f"no held-out picture has {side} pixels a side. Choose smaller pieces.")
        found = copy.copy(self)
        found.parts = replace(self.parts, held_out=large)
        found.options = replace(self.options, patch=side, scales=(1.0,), fixed=0, draws=1, flips=False)
        found.sees = sees
        return found

    def stacked(self, samples: Sequence[Sample]) -> Batch:
        """A batch of samples, in units of the network."""
        sigmas = [s.sigma for s in samples if s.sigma is not None]
        others = [s.other for s in samples if s.other is not None]
        cleans = [s.clean for s in samples if s.clean is not None]
        windows = [s.window for s in samples if s.window is not None]
        level = torch.tensor(sigmas).view(-1, 1, 1, 1) / self.std.square().mean().sqrt()
        return Batch(
            noisy=self._units([s.noisy for s in samples]),
            other=self._units(others) if len(others) == len(samples) else None,
            clean=self._units(cleans) if len(cleans) == len(samples) else None,
            sigma=level if len(sigmas) == len(samples) else None,
            window=self._units(windows) if len(windows) == len(samples) else None,
        )

    def _units(self, crops: Sequence[Tensor]) -> Tensor:
        return (torch.stack(list(crops)) - self.mean) / self.std

    def pixels(self) -> int:
        """Pixels to train on."""
        return sum(region.pixels for region in self.parts.training)

    def fingerprint(self) -> str:
        """A text that changes when the data or the options do."""
        pools = [self.pool] + ([self.clean] if self.clean is not None else [])
        names = [[(p.name(r), *asdict(r).values()) for r in p.facts.regions] for p in pools]
        options = asdict(self.options)
        if self.options.draws == 1:  # the field is younger than some checkpoints
            del options["draws"]
        text = json.dumps([names, options, self.sees])
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def _sample(self, own: Sequence[Region], clean: Split | None, names: tuple[str | int, ...]) -> Sample:
        draws = seeds.generator(self.options.seed, *names)
        pool, regions, adds = self.pool, own, bool(self.kinds) and self.clean is None
        if clean is not None and self.clean is not None and _uniform(draws) < self.options.share:
            pool, regions, adds = self.clean, clean.training, True
        for _ in range(TRIES):
            place = self._place(pool, regions, draws)
            made = self._added(place, draws) if adds else self._recorded(place, draws)
            if made is not None:
                return self._turned(made, draws)
        raise ValueError(
            f"no still place was found in {TRIES} tries: something moves nearly everywhere between "
            f"neighbouring "
            "frames. Train a method that needs single images only (n2v), or choose smaller crops."
        )

    def _place(self, pool: Pool, regions: Sequence[Region], draws: torch.Generator) -> Place:
        scale = self.options.scales[_below(len(self.options.scales), draws)]
        side = round(self.options.patch / scale)
        ends = list(accumulate(region.pixels for region in regions))
        at = _below(ends[-1], draws)
        region = next(r for r, end in zip(regions, ends, strict=True) if at < end)
        return Place(
            pool=pool,
            region=region,
            number=region.first + _below(region.last - region.first, draws),
            top=region.top + _below(region.bottom - region.top - side + 1, draws),
            left=region.left + _below(region.right - region.left - side + 1, draws),
            side=side,
            scale=scale,
        )

    def _recorded(self, place: Place, draws: torch.Generator) -> Sample | None:
        """As the files hold it."""
        views = place.pool.views(place.region, place.number, place.top, place.left, place.side, draws)
        if views is None:
            return None
        noisy, other = views
        if self.options.gray:
            channel = _below(noisy.shape[-3], draws)
            noisy = noisy[..., channel : channel + 1, :, :]
            other = None if other is None else other[channel : channel + 1]
        if other is None and self.sees != "noisy":
            raise ValueError(
                f"this method needs {self.sees}, the data hold single images. Name --pairs or --noise."
            )
        if noisy.ndim == 4:
            return Sample(noisy=noisy[len(noisy) // 2], window=noisy)
        if self.sees == "clean pairs":
            return Sample(noisy=noisy, clean=other)
        return Sample(noisy=noisy, other=other if self.sees == "pairs" else None)

    def _added(self, place: Place, draws: torch.Generator) -> Sample:
        """A clean crop with noise drawn for it, or a piece of one of the noisy versions of its picture."""
        if self.options.fixed:
            return self._fixed(place, draws)
        clean = self._clean(place, place.top, place.left, place.side, self.options.patch, draws)
        if self.sees == "pairs" and self.clean is None:
            first, other = adding.pair(self.kinds, clean, draws, self.options.draws)
            return Sample(noisy=first.noisy, other=other, sigma=first.sigma)
        first = adding.add(self.kinds, clean, draws)
        if self.sees == "pairs":
            # Where noise is recorded beside, the clean crop itself is the other view.
            return Sample(noisy=first.noisy, other=first.clean, sigma=first.sigma)
        return Sample(
            noisy=first.noisy, clean=first.clean if self.sees == "clean pairs" else None, sigma=first.sigma
        )

    def _clean(
        self, place: Place, top: int, left: int, side: int, size: int, draws: torch.Generator
    ) -> Tensor:
        views = place.pool.views(place.region, place.number, top, left, side, draws)
        if views is None:
            raise ValueError("clean images must be single ones, got pairs. Leave --pairs or --noise out.")
        return resized(gray(views[0]) if self.options.gray else views[0], size)

    def _fixed(self, place: Place, draws: torch.Generator) -> Sample:
        """The versions are functions of (seed, file, slice, piece, scale, version), always the same."""
        patch, region = self.options.patch, place.region
        tile = round(max(TILE, 2 * patch) / place.scale)
        spans = [
            _piece(at, low, high, tile)
            for at, low, high in (
                (place.top, region.top, region.bottom),
                (place.left, region.left, region.right),
            )
        ]
        (top, height), (left, width) = spans
        side = min(height, width)
        size = max(patch, round(side * place.scale))
        clean = self._clean(place, top, left, side, size, draws)
        name = (place.pool.name(region), place.number, top, left, side, str(place.scale))
        count = self.options.fixed
        one = _below(count, draws)
        two = (one + 1 + _below(max(1, count - 1), draws)) % count
        y, x = _below(size - patch + 1, draws), _below(size - patch + 1, draws)

        def version(number: int) -> tuple[Tensor, Tensor, float]:
            own = seeds.generator(self.options.seed, "version", *name, number)
            added = adding.add(self.kinds, clean, own)
            cut = (..., slice(y, y + patch), slice(x, x + patch))
            return added.noisy[cut], added.clean[cut], added.sigma

        noisy, truth, sigma = version(one)
        return Sample(
            noisy=noisy,
            other=version(two)[0] if self.sees == "pairs" else None,
            clean=truth if self.sees == "clean pairs" else None,
            sigma=sigma,
        )

    def _turned(self, made: Sample, draws: torch.Generator) -> Sample:
        way = _below(8, draws) if self.options.flips else 0

        def laid(crop: Tensor) -> Tensor:
            return turned(crop, way).contiguous()

        return Sample(
            noisy=laid(made.noisy),
            other=None if made.other is None else laid(made.other),
            clean=None if made.clean is None else laid(made.clean),
            sigma=made.sigma,
            window=None if made.window is None else laid(made.window),
        )


def _parts(pool: Pool, options: Options) -> Split:
    facts = pool.facts
    return split(
        facts.regions,
        facts.groups,
        fraction=options.held_out,
        side=options.side,
        seed=options.seed,
        gap=facts.gap,
    )


def _piece(at: int, low: int, high: int, tile: int) -> tuple[int, int]:
    """Start and length of the piece that a crop beginning at `at` comes from; the last one takes the rest."""
    count = max(1, (high - low) // tile)
    number = min((at - low) // tile, count - 1)
    start = low + number * tile
    return start, (high - start if number == count - 1 else tile)


def _below(high: int, draws: torch.Generator) -> int:
    """A whole number from 0 to high - 1."""
    return int(torch.randint(high, (), generator=draws))


def _uniform(draws: torch.Generator) -> float:
    return float(torch.rand((), generator=draws))
