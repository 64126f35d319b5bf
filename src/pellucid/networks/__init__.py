"""The table of networks: a literal one can read, "module:name" strings so that listing them loads no torch.

Each entry is called as ``network(inputs, outputs, **arguments)`` with channel counts and gives a Module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pellucid import checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

NETWORKS: dict[str, str] = {
    "skip": "pellucid.networks.skip:Skip",
    "snail": "pellucid.networks.skip:snail",
    "kate": "pellucid.networks.skip:kate",
    "vase": "pellucid.networks.skip:vase",
    "library": "pellucid.networks.skip:library",
    "sparse": "pellucid.networks.skip:sparse",
    "flash": "pellucid.networks.skip:flash",
    "doubler": "pellucid.networks.doubler:Doubler",
    "compact": "pellucid.networks.compact:Compact",
    "plain": "pellucid.networks.chains:Plain",
    "shallow": "pellucid.networks.chains:Shallow",
    "partial": "pellucid.networks.blind_unet:PartialUNet",
    "quick": "pellucid.networks.blind_unet:QuickUNet",
    "residual": "pellucid.networks.chains:Residual",
    "n2n-unet": "pellucid.networks.unet:UNet",
    "nb2nb-unet": "pellucid.networks.unet:nb2nb",
    "b2u-unet": "pellucid.networks.unet:b2u",
    "small-unet": "pellucid.networks.unet:small",
    "iddp-unet": "pellucid.networks.iddp_unet:IDDPUNet",
    "small-iddp": "pellucid.networks.iddp_unet:small",
    "small-residual": "pellucid.networks.iddp_unet:small_residual",
    "n2v-unet": "pellucid.networks.n2v_unet:N2VUNet",
    "n2v2-unet": "pellucid.networks.n2v_unet:n2v2",
    "small-n2v2": "pellucid.networks.n2v_unet:small",
    "dncnn": "pellucid.networks.classics:dncnn",
    "dncnn-plain": "pellucid.networks.classics:dncnn_plain",
    "dncnn-8": "pellucid.networks.classics:dncnn_8",
    "ffdnet": "pellucid.networks.classics:ffdnet",
    "dbsn": "pellucid.networks.dbsn:DBSN",
    "small-dbsn": "pellucid.networks.dbsn:small",
    "cyclic": "pellucid.networks.cyclic:Cyclic",
    "small-cyclic": "pellucid.networks.cyclic:small",
    "swift": "pellucid.networks.swift:Swift",
    "swift-wide": "pellucid.networks.swift:wide",
    "swift-blind": "pellucid.networks.swift:blind",
    "swift-tiny": "pellucid.networks.swift:tiny",
    "single-scale": "pellucid.networks.restormer:SingleScale",
}


def builder(name: str) -> Callable[..., nn.Module]:
    """What builds the network called ``name``: a function of the channels in and out, and more by keyword.

    Raises:
        ValueError: naming the networks there are, and the nearest spelling.

    >>> builder("snail")(3, 1).__class__.__name__
    'Skip'
    """
    if "[" in name:
        from pellucid.networks.swift import sized  # the one family whose sizes may stand in its name

        return sized(name)
    module, attribute = NETWORKS[checks.one_of("network", name, list(NETWORKS))].split(":")
    build: Callable[..., nn.Module] = getattr(import_module(module), attribute)
    return build
