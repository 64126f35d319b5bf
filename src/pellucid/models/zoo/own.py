"""Restormer, CycleISP and DAGL: known by the names in their files, built by the shapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.models.zoo.foreign import Known
from pellucid.networks.cycleisp import CycleISP
from pellucid.networks.dagl import DAGL
from pellucid.networks.restormer_unet import Restormer
from pellucid.steps import Tiling

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Family:
    """Networks of one architecture.

    Attributes:
        name: of the architecture.
        keys: names that every file of it has.
        build: the network of given shapes by the names of the file; a LookupError, ValueError or
            ArithmeticError where they describe none.
        renamed: the name that a weight has in our network, for its name in the file.
        unused: names that need not be read.
        multiple: see `Known`.
        tiling: see `Known`.
    """

    name: str
    keys: tuple[str, ...]
    build: Callable[[Shapes], nn.Module]
    tiling: Tiling
    renamed: Callable[[str], str] = str
    unused: tuple[str, ...] = ()
    multiple: int = 1

    def known(self, channels: int, weights: int) -> Known:
        """What is known of one of them."""
        return Known(
            name=self.name,
            channels=channels,
            multiple=self.multiple,
            tiling=self.tiling,
            weights=weights,
        )


def count(shapes: Shapes, pattern: str) -> int:
    """How many numbers from 0 on stand for the group in a pattern.

    >>> count({"body.0.weight": (1,), "body.1.weight": (1,), "tail.weight": (1,)}, r"body\\.(\\d+)\\.")
    2
    """
    found = {int(m[1]) for name in shapes if (m := re.match(pattern, name))}
    if found != set(range(len(found))) or not found:
        raise ValueError(f"its parts called {pattern!r} are not numbered from 0")
    return len(found)


def _restormer(shapes: Shapes) -> Restormer:
    width, channels = shapes["patch_embed.proj.weight"][:2]
    levels = [f"encoder_level{i}" for i in (1, 2, 3)] + ["latent"]
    hidden = shapes["latent.0.ffn.project_out.weight"][1]
    # int(width * 8 * expansion) must come out again at every level; the authors' is 2.66
    return Restormer(
        channels,
        width=width,
        blocks=[count(shapes, rf"{level}\.(\d+)\.") for level in levels],
        refinement=count(shapes, r"refinement\.(\d+)\."),
        heads=[shapes[f"{level}.0.attn.temperature"][0] for level in levels],
        expansion=2.66 if int(8 * width * 2.66) == hidden else hidden / (8 * width),
        centred="latent.0.norm1.body.bias" in shapes,
    )


_RESTORMER = (
    (r"^patch_embed\.proj\.", "first."),
    (r"^output\.", "last."),
    (r"^encoder_level(\d)\.", lambda m: f"encoder.{int(m[1]) - 1}."),
    (r"^latent\.", "encoder.3."),
    (r"^decoder_level(\d)\.", lambda m: f"decoder.{int(m[1]) - 1}."),
    (r"^down(\d)_\d\.body\.0\.", lambda m: f"down.{int(m[1]) - 1}."),
    (r"^up\d_(\d)\.body\.0\.", lambda m: f"up.{int(m[1]) - 1}."),
    (r"^reduce_chan_level(\d)\.", lambda m: f"join.{int(m[1]) - 2}."),
    (r"\.norm1\.body\.", ".norm_attention."),
    (r"\.norm2\.body\.", ".norm_forward."),
    (r"\.attn\.qkv_dwconv\.", ".attention.around."),
    (r"\.attn\.qkv\.", ".attention.mix."),
    (r"\.attn\.project_out\.", ".attention.out."),
    (r"\.attn\.temperature$", ".attention.temperature"),
    (r"\.ffn\.project_in\.", ".feed_forward.mix."),
    (r"\.ffn\.dwconv\.", ".feed_forward.around."),
    (r"\.ffn\.project_out\.", ".feed_forward.out."),
)


def restormer_name(name: str) -> str:
    """What a weight of the authors' Restormer is called here.

    >>> restormer_name("encoder_level2.3.attn.qkv_dwconv.weight")
    'encoder.1.3.attention.around.weight'
    """
    for pattern, ours in _RESTORMER:
        name = re.sub(pattern, ours, name)
    return name


def _cycleisp(shapes: Shapes) -> CycleISP:
    features, channels = shapes["head.0.weight"][:2]
    return CycleISP(
        channels,
        features=features,
        groups=sum(1 for name in shapes if re.fullmatch(r"body\.\d+\.body\.0\.conv1x1\.weight", name)),
        blocks=sum(1 for name in shapes if re.fullmatch(r"body\.0\.body\.\d+\.conv1x1\.weight", name)),
        reduction=features // shapes["body.0.body.0.CA.conv_du.0.weight"][0],
        side=shapes["body.0.body.0.SA.spatial.conv.weight"][-1],
    )


def _dagl(shapes: Shapes) -> DAGL:
    features, channels = shapes["head.0.weight"][:2]
    blocks = sum(1 for name in shapes if re.fullmatch(r"body\.\d+\.body\.0\.weight", name))
    return DAGL(channels, features=features, blocks=blocks)


# Attention over all places, or a mean over them, depends on the whole picture: tiles are near it, not equal.
FAMILIES = (
    Family(
        name="Restormer",
        keys=(
            "patch_embed.proj.weight",
            "encoder_level1.0.attn.temperature",
            "latent.0.ffn.project_out.weight",
            "refinement.0.attn.qkv.weight",
            "output.weight",
        ),
        build=_restormer,
        renamed=restormer_name,
        multiple=8,
        tiling=Tiling(kind="approximate", halo=32, stride=8, side=512),
    ),
    Family(
        name="CycleISP",
        keys=(
            "head.0.weight",
            "body.0.body.0.SA.spatial.conv.weight",
            "body.0.body.0.CA.conv_du.0.weight",
            "body.0.body.0.conv1x1.weight",
            "tail.0.weight",
        ),
        build=_cycleisp,
        tiling=Tiling(kind="approximate", halo=32, side=512),
    ),
    Family(
        name="DAGL",
        keys=("head.0.weight", "body.0.body.0.weight", "tail.0.weight"),
        build=_dagl,
        unused=("add_mean.weight", "add_mean.bias", "sub_mean.weight", "sub_mean.bias"),
        # what is compared grows with the square of the pixels; the authors' script cuts to a hundred too
        tiling=Tiling(kind="approximate", halo=16, stride=4, side=128),
    ),
)


def family_of(shapes: Shapes) -> Family | None:
    """The family of a file, by the names in it."""
    for family in FAMILIES:
        if all(key in shapes for key in family.keys):
            if family.name == "DAGL" and not any(name.endswith("c3_4.thr_conv.weight") for name in shapes):
                continue
            return family
    return None


def empty(family: Family, shapes: Shapes) -> tuple[nn.Module, dict[str, str]]:
    """The network of a file without values, and the name that each of its weights has there.

    Raises:
        ValueError: where names or shapes are not those of the network.
    """
    with torch.device("meta"):
        network = family.build(shapes)
    wanted: dict[str, Tensor] = network.state_dict()
    names = {family.renamed(name): name for name in shapes if name not in family.unused}
    wrong = sorted(set(wanted) ^ set(names)) or [
        ours for ours, value in wanted.items() if tuple(value.shape) != _plain(shapes[names[ours]], value)
    ]
    if wrong:
        raise ValueError(
            f"it has the layout of {family.name}, but {len(wrong)} weights are missing, unknown or of "
            f"another shape, the first is {names.get(wrong[0], wrong[0])!r}"
        )
    return network, names


def _plain(shape: tuple[int, ...], ours: Tensor) -> tuple[int, ...]:
    """A shape as ours has it: a vector over channels stands as (C, 1, 1) in our norms."""
    return (*shape, 1, 1) if len(shape) == 1 and ours.ndim == 3 else shape
