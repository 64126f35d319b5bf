"""Makes the start of a wider Swift from a narrower one, so that its training need not begin from nothing.

    python recipes/widen.py swift-color start.safetensors --network swift-wide
    pellucid train n2n pictures/ -o wide.safetensors --network swift-wide --from start.safetensors ...

Channels that are new get weights of their own and are not heard by the old ones at first, so that what the
network makes of a picture stays the same, and every new weight has a gradient. Where there are fewer blocks,
the last ones are left out, which does change it; where there are more, they begin as nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import torch
from torch import Tensor

from pellucid import models, networks, seeds


def widened(old: dict[str, Tensor], new: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights `old` in the shapes of `new`, whose values are those of a network just built."""
    made = {}
    for name, fresh in new.items():
        weight = fresh.clone()
        if name not in old:
            made[name] = torch.zeros_like(weight) if name.endswith("second.weight") else weight
            continue
        kept = old[name]
        # A transposed convolution has its inputs first.
        outputs, inputs = (1, 0) if name.startswith("enlarge") else (0, 1)
        heard = weight.narrow(outputs, 0, kept.shape[outputs])
        heard.narrow(inputs, 0, kept.shape[inputs]).copy_(kept)
        more = weight.shape[inputs] - kept.shape[inputs]
        heard.narrow(inputs, kept.shape[inputs], more).zero_()
        made[name] = weight
    return made


def main() -> None:
    """Read, change, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="of Noise2Noise: a file, or the name of a shipped one")
    parser.add_argument("wider", type=Path)
    parser.add_argument("--network", default="swift-wide")
    given = parser.parse_args()
    card, old = models.read(models.locate(given.model))
    with seeds.fixed(0, "widen"):
        network = networks.builder(given.network)(card.channels, card.channels)
    config = {**card.config, "network": given.network}
    card = dataclasses.replace(card, config=config, quality={})
    models.write(given.wider, card, widened(old, network.state_dict()))


if __name__ == "__main__":
    main()
