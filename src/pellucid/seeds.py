"""The only source of random numbers: generators by name; the global random state is neither read nor written.

One seed per run; its named children (``weights``, ``code``, ``jitter``, ``mask`` …) are independent streams,
so that adding a draw to one of them never shifts another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


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


class fixed(TorchDispatchMode):  # type: ignore[no-untyped-call]  # noqa: N801 - used like a function
    """Run code of this thread that draws from torch's global generator (layer initialisers, dropout) from a
    named child of ``seed``, and leave the global generator alone.

    Every random operation is given a generator of this block instead, one for each device, seeded alike: the
    numbers are those that ``torch.manual_seed`` would have led to. Other threads draw as they would without
    it. What has no place for a generator at all (the fused attention of an accelerator, with dropout) draws
    from the global one as ever.

    Args:
        seed: of the run.
        names: of the child; without one, the seed itself.

    >>> before = torch.get_rng_state()
    >>> with fixed(0, "weights"):
    ...     layer = torch.nn.Linear(2, 2)
    >>> bool((torch.get_rng_state() == before).all())
    True
    """

    def __init__(self, seed: int, *names: str | int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._seed = child(seed, *names) if names else int(seed)
        self._own: dict[torch.device, torch.Generator] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Else torch loads its compiler for the first operation here, which takes two seconds."""
        return False

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run one operation, a random one with the generator of its device."""
        kwargs = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded not in function.tags or kwargs.get("generator") is not None:
            return function(*args, **kwargs)
        given: Any = kwargs.get("device") or getattr(args[0] if args else None, "device", "cpu")
        device = torch.device(given)
        if device.type == "meta":  # holds no numbers, and to draw none torch would load its compiler
            return args[0] if function._schema.name.endswith("_") else function(*args, **kwargs)
        if device not in self._own:
            self._own[device] = torch.Generator(device).manual_seed(self._seed)
        return _drawn(function, args, kwargs, self._own[device])


def _drawn(function: Any, args: Sequence[Any], kwargs: dict[str, Any], own: torch.Generator) -> Any:
    """The result of a random operation with a generator, by whichever way the operation has for one."""
    name, packet = function._overloadname, function.overloadpacket
    if any(argument.name == "generator" for argument in function._schema.arguments):
        return function(*args, **kwargs | {"generator": own})
    if packet is torch.ops.aten.native_dropout:  # an accelerator's dropout: the values, and which are kept
        values, share, training = args
        if training is False or share == 0:
            return function(*args, **kwargs)
        kept = torch.empty_like(values, dtype=torch.bool).bernoulli_(1 - share, generator=own)
        return values * kept * (0.0 if share == 1 else 1 / (1 - share)), kept
    twin = {"default": "generator", "low": "low_generator"}.get(name, "")
    if twin in packet.overloads():
        return getattr(packet, twin)(*args, **kwargs | {"generator": own})
    like: Any = args[0] if args else None
    if packet is torch.ops.aten.rand_like:
        return torch.empty_like(like, **kwargs).uniform_(generator=own)
    if packet is torch.ops.aten.randn_like:
        return torch.empty_like(like, **kwargs).normal_(generator=own)
    if packet is torch.ops.aten.randint_like:
        low, high = [0, *args[1:]][-2:]
        return torch.empty_like(like, **kwargs).random_(low, high, generator=own)
    return function(*args, **kwargs)
