"""The picture grid of a set as HTML; page.js lets one choose image, view and zoom."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from pellucid.bench.page_pictures import Shown, Tile

VIEWS = (("picture", "Picture"), ("removed", "Removed"), ("missed", "Error"))
ZOOMS = (("2", "2×"), ("3", "3×"), ("5", "5×"))


def grid(found: Sequence[Shown], total: int) -> str:
    """All images of a set; "" when no pictures were kept."""
    if not found:
        return ""
    truth = any(tile.missed for shown in found for tile in shown.tiles)
    views = VIEWS if truth else VIEWS[:2]
    options = "".join(f'<option value="{i}">{escape(s.title)}</option>' for i, s in enumerate(found))
    few = f'<p class="note">{len(found)} of {total} images are shown.</p>' if len(found) < total else ""
    return "\n".join(
        [
            '<div class="gallery" data-view="picture">',
            f'<div class="tools"><label>Image <select>{options}</select></label>',
            f"{_buttons('view', views, 'What to show')}{_buttons('zoom', ZOOMS, 'Zoom', chosen=1)}</div>",
            *(_shown(shown, i, views) for i, shown in enumerate(found)),
            f"{few}</div>",
        ]
    )


def _buttons(name: str, options: Sequence[tuple[str, str]], label: str, chosen: int = 0) -> str:
    pressed = [str(i == chosen).lower() for i in range(len(options))]
    items = "".join(
        f'<button type="button" data-{name}="{value}" aria-pressed="{state}">{text}</button>'
        for (value, text), state in zip(options, pressed, strict=True)
    )
    return f'<div class="group" role="group" aria-label="{label}">{items}</div>'


def _shown(shown: Shown, index: int, views: Sequence[tuple[str, str]]) -> str:
    left, top, wide, high = (f"{v:.3f}%" for v in shown.frame)
    best = max((t.psnr for t in shown.tiles if t.kind == "measured" and t.psnr is not None), default=None)
    tiles = "".join(_tile(tile, shown, views, best) for tile in shown.tiles)
    where = f"left:{left};top:{top};width:{wide};height:{high}"
    return (
        f'<div class="shown" data-index="{index}"><h3>{escape(shown.title)}</h3><div class="tiles">'
        f'<figure class="whole"><div class="map"><img loading="lazy" src="{escape(shown.whole, quote=True)}" '
        f'alt="the whole picture; a frame marks the part shown beside it"><span style="{where}"></span></div>'
        f"<figcaption>whole picture</figcaption></figure>{tiles}</div>"
        f'<p class="note">{escape(shown.note)}</p></div>'
    )


def _tile(tile: Tile, shown: Shown, views: Sequence[tuple[str, str]], best: float | None) -> str:
    images = []
    for key, label in views:
        source = getattr(tile, key)
        if source:
            what = {"picture": "", "removed": ", what was removed", "missed": ", error"}[key]
            alt, tip = (
                escape(tile.name + what, quote=True),
                escape(f"{tile.name}: {label.lower()}", quote=True),
            )
            images.append(
                f'<img loading="lazy" class="{key}" src="{escape(source, quote=True)}" width="{shown.width}" '
                f'height="{shown.height}" alt="{alt}" title="{tip}">'
            )
    scores = []
    if tile.psnr is not None:
        text = f"{tile.psnr:.2f} dB"
        top = tile.kind == "measured" and tile.psnr == best
        scores.append(f"<b>{text}</b>" if top else text)
    if tile.ssim is not None:
        scores.append(f"{tile.ssim:.3f}")
    badge = ' <span class="badge oracle">oracle</span>' if tile.kind == "oracle" else ""
    also = '<i class="also">: the noise itself</i>' if tile.kind == "clean" and tile.removed else ""
    views_of = " ".join(key for key, _ in views if getattr(tile, key))
    return (
        f'<figure class="tile" data-views="{views_of}" style="--w:{shown.width}">{"".join(images)}'
        f"<figcaption><span>{escape(tile.name)}</span>{also}{badge}<small>{' · '.join(scores)}</small>"
        "</figcaption></figure>"
    )
