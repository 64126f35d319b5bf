"""Verify a model, and keep it where it is found by name."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import torch

from pellucid import seeds
from pellucid.files.replace import replaced
from pellucid.models.applying import apply
from pellucid.models.file import is_model, read_card
from pellucid.models.loading import load
from pellucid.models.shelf import folder, shipped
from pellucid.networks.download import fetch
from pellucid.noise.report import NoiseReport
from pellucid.steps import Method

SIDE = 64
"""of the test pattern, pixels"""


def verify(path: Path, methods: Callable[[str], Method], *, sha256: str | None = None) -> str:
    """Check a model from its hash to what it does to a test pattern, and say so in one line.

    Args:
        path: the file.
        methods: gives a method by its name.
        sha256: what the hash must be, or None.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when anything is wrong with it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"model must be a file, there is none at {str(path)!r}. Check the path.")
    digest = hash_of(path)
    if sha256 is not None and digest != sha256.lower():
        raise ValueError(f"{path} must have the SHA-256 {sha256}, got {digest}. Fetch it again.")
    card = read_card(path)
    method = methods(card.method)
    if method.learning is None:
        raise ValueError(
            f"model {path.name!r} names {card.method}, which is not trained. The file is damaged."
        )
    model = load(path, card.method, method.learning, method.config)
    level = 0.1 if card.sigma is None else max(sum(card.sigma) / 2, 1e-3)
    ramp = torch.linspace(0.2, 0.8, SIDE)
    clean = (0.5 * ramp.view(-1, 1) + 0.5 * ramp).expand(card.channels, SIDE, SIDE)
    if card.depth > 1:
        clean = clean[:, None].expand(-1, card.depth, -1, -1)
    noisy = clean + level * torch.randn(clean.shape, generator=seeds.generator(0, "verify"))
    report = NoiseReport.white(level, card.channels)
    estimate = apply(model, method.learning, noisy, report, model.config, seed=0, device=torch.device("cpu"))
    if not bool(torch.isfinite(estimate).all()):
        raise ValueError(f"model {path.name!r} gives values that are not finite. Train it anew.")
    gain = 10 * torch.log10(
        (noisy - clean).square().mean() / (estimate - clean).square().mean().clamp_min(1e-12)
    )
    weights = sum(p.numel() for p in model.network.parameters())
    return (
        f"{path}: whole, {card.method}, {weights:,} weights, {float(gain):+.1f} dB on a ramp with white "
        f"noise of "
        f"{level:.3g}, SHA-256 {digest}"
    )


def install(
    source: str,
    methods: Callable[[str], Method],
    *,
    name: str | None = None,
    sha256: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Keep a model in the folder of installed ones; it is verified first.

    Args:
        source: a file, or an address (http, https or file).
        methods: gives a method by its name.
        name: what to call it, or None for the name of the file.
        sha256: what the hash must be; an address needs it.
        overwrite: whether an installed one of that name may be replaced.

    Raises:
        OSError: when it cannot be fetched or written.
        ValueError: when anything is wrong with it, or the name is that of a shipped one.
        FileExistsError: when one of that name is installed.
    """
    called = Path(source.rpartition("/")[2]).stem if name is None else name
    if not called or called != Path(called).name or called.startswith("."):
        raise ValueError(f"name must be that of a file, without folders, got {called!r}. Choose another one.")
    if (shipped() / f"{called}.safetensors").exists():
        raise ValueError(
            f"name {called!r} is that of a model that comes with pellucid. Choose another --name."
        )
    if "://" in source:
        if sha256 is None:
            raise ValueError(
                f"a model from an address needs its hash, so that nothing else can take its place: "
                f"{source}. Name "
                "it with --sha256 HEX."
            )
        path = fetch(source, sha256=sha256.lower(), folder=folder().parent / "fetched")
    else:
        path = Path(source)
    if path.is_file() and not is_model(path):
        raise ValueError(f"a model file must end in .safetensors, got {path.name!r}. Rename it.")
    verify(path, methods, sha256=sha256)
    folder().mkdir(parents=True, exist_ok=True)
    target = folder() / f"{called}.safetensors"
    with replaced(target, overwrite=overwrite) as file, path.open("rb") as opened:
        shutil.copyfileobj(opened, file)
    return target


def hash_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
