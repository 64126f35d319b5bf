"""What is known of a method before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pellucid.steps import Family, Needs

VERBS: Mapping[str, str] = {"noise": "denoise", "mask": "inpaint", "downsample": "upscale"}
"""the command for each kind of degradation"""


@dataclass(frozen=True, kw_only=True)
class MethodInfo:
    """What is known of a method before it is loaded; its `pellucid.steps.Method` takes this over.

    Attributes:
        name: what the user types.
        target: "module:NAME" of the Method.
        title: one line for `pellucid methods`.
        citation: authors, venue, year.
        needs: what kind of data it wants.
        family: what it learns from: nothing (filter), the image at hand, or a data set.
        cost: what a 512x512 colour image costs on two cores, in words.
        iterative: whether it yields a Step per iteration.
        trained: whether it is trained on many images (`pellucid train`).
        denoises: whether it is for noise at all.
        restores: what it undoes beside noise, "mask" or "downsample".
    """

    name: str
    target: str
    title: str
    citation: str
    needs: Needs
    family: Family
    cost: str
    iterative: bool = False
    trained: bool = False
    denoises: bool = True
    restores: tuple[str, ...] = ()

    @property
    def verbs(self) -> tuple[str, ...]:
        """The commands that it is for.

        >>> from pellucid.methods import METHODS
        >>> METHODS["dip"].verbs
        ('denoise', 'inpaint', 'upscale')
        """
        own = [verb for verb, does in (("train", self.trained), ("denoise", self.denoises)) if does]
        return (*own, *(VERBS[kind] for kind in self.restores))
