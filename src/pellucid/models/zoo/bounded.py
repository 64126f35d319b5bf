"""Building a network that a file describes, at a cost that the file itself bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Bounded(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Stops a constructor of this thread before it asks for far more values than its weight file holds.

    What it would draw at random is left as memory came, as weights take its place; so the global random state
    is neither read nor written, and large networks are built in little time.

    Args:
        values: in the file.

    >>> with Bounded(100):
    ...     layer = torch.nn.Linear(5, 5)
    >>> with Bounded(100):
    ...     layer = torch.nn.Linear(5000, 5000)
    Traceback (most recent call last):
    ...
    ValueError: it describes a network of many more weights than it holds
    """

    def __init__(self, values: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = 4 * values + 2**20  # buffers, and what a constructor computes on its way
        self.left = self.most

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """As in `seeds.fixed`: the compiler is not loaded for it."""
        return False

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Count what is made from nothing, and what a step would make of its arguments, before it does."""
        given = [value for value in tree_leaves(args) if isinstance(value, Tensor)]
        if torch.Tag.nondeterministic_seeded in function.tags and given:
            return given[0]
        size = args[0] if args and not given else ()
        self._check(_broadcast(given) if given else math.prod(size) if isinstance(size, list | tuple) else 0)
        made = function(*args, **(kwargs or {}))
        if isinstance(made, Tensor) and not given:
            self.left -= made.numel() + 64  # every tensor costs a little, however small
            self._check(0)
        return made

    def _check(self, values: int) -> None:
        if values > self.most or self.left < 0:
            raise ValueError("it describes a network of many more weights than it holds")


def _broadcast(given: Sequence[Tensor]) -> int:
    """How many values an operation by elements would give; torch's counterpart is slow to import."""
    sides = zip_longest(*(reversed(value.shape) for value in given), fillvalue=1)
    return math.prod(max(side) if 0 not in side else 0 for side in sides)
