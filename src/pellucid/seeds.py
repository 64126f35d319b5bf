"""The only module that touches global random state; everything else takes a generator.

One seed per run; its named children (``weights``, ``code``, ``jitter``, ``mask`` …) are independent streams,
so that adding a draw to one of them never shifts another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def child(seed: int, *names: str | int) -> int:
    """The seed of a named child stream, a 63-bit integer that depends on ``seed`` and ``names`` alone.

    >>> child(0, "weights") == child(0, "weights") != child(0, "code")
    True
    """
    text = "\x1f".join([str(int(seed)), *map(str, names)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def generator(seed: int, *names: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator on ``device``, seeded with the named child of ``seed``.

    >>> a, b = (torch.rand(2, generator=generator(1, "code")) for _ in range(2))
    >>> bool((a == b).all())
    True
    """
    return torch.Generator(device=device).manual_seed(child(seed, *names) if names else int(seed))


@contextmanager
def fixed(seed: int, *names: str | int) -> Iterator[None]:
    """Run code that draws from torch's global generator (layer initialisers) from a named child of ``seed``.

    The global state is put back afterwards.

    >>> before = torch.get_rng_state()
    >>> with fixed(0, "weights"):
    ...     layer = torch.nn.Linear(2, 2)
    >>> bool((torch.get_rng_state() == before).all())
    True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(child(seed, *names) if names else int(seed))
        yield
