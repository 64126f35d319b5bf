"""Where models are found by name: those that come with pellucid, then those that were installed."""

from __future__ import annotations

from importlib.resources import files as resources
from pathlib import Path

from pellucid import checks
from pellucid.models.card import Card
from pellucid.models.file import read_card
from pellucid.networks.download import cache


def folder() -> Path:
    """Where installed models are kept: `models` in the cache folder (PELLUCID_CACHE)."""
    return cache() / "models"


def shipped() -> Path:
    """Where the models that come with pellucid are."""
    return Path(str(resources("pellucid.models") / "shipped"))


def cards() -> tuple[dict[Path, Card], list[str]]:
    """The models that come with pellucid by their files, and what is wrong with those that cannot be read."""
    found: dict[Path, Card] = {}
    faults: list[str] = []
    for path in sorted(shipped().glob("*.safetensors")):
        try:
            found[path] = read_card(path)
        except (ValueError, OSError) as error:
            faults.append(f"{error} Install pellucid again.")
    return found, faults


def names() -> dict[str, Path]:
    """The models that are known by name; an installed one never hides a shipped one."""
    found: dict[str, Path] = {}
    for place in (shipped(), folder()):
        for path in sorted(place.glob("*.safetensors")) if place.is_dir() else ():
            found.setdefault(path.stem, path)
    return found


def locate(model: str) -> Path:
    """The file of a model: a path, or the name of one that is shipped or installed.

    Raises:
        FileNotFoundError: when a path leads nowhere.
        ValueError: for a name that is not known.

    >>> locate("none-such")
    Traceback (most recent call last):
    ...
    ValueError: model must be ...; got 'none-such'...
    """
    path = Path(model)
    if path.is_file():
        return path
    known = names()
    if model in known:
        return known[model]
    if path.suffix or len(path.parts) > 1:
        raise FileNotFoundError(f"model must be a file, there is none at {model!r}. Check the path.")
    if not known:
        raise ValueError(
            f"model must be a file, as no model is shipped or installed here; got {model!r}. "
            "Train one with `pellucid train`."
        )
    return known[checks.one_of("model", model, list(known))]
