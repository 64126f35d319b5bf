"""The before / after viewer as HTML; page.js brings it to life."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from html import escape

from pellucid.report.views import View

PANES = (
    ("after", "After", "The picture after denoising"),
    ("before", "Before", "The picture before denoising"),
    ("removed", "Removed", "What was removed, before minus after, amplified around mid-gray"),
)
MODES = (("slide", "Slide"), ("before", "Before"), ("after", "After"), ("removed", "Removed"))
ZOOMS = (("fit", "Fit"), ("1", "100 %"), ("2", "200 %"), ("4", "400 %"))


def figure(views: Sequence[View]) -> str:
    """The first view as plain figures, the controls, and the other views as data."""
    first = views[0]
    panes = "".join(
        f'<figure class="pane {key}"><img src="{getattr(first, key)}" alt="{alt}" width="{first.width}" '
        f'height="{first.height}" draggable="false"><figcaption>{label}</figcaption></figure>'
        for key, label, alt in PANES
    )
    # The figures hold the pictures of the first view already. "<" is escaped, so no text ends the script.
    data = [asdict(view) for view in views]
    data[0] |= {"before": "", "after": "", "removed": ""}
    payload = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    return "\n".join(
        [
            '<div class="viewer">',
            f'<div class="bar">{_buttons("mode", MODES, "What to show")}{_buttons("zoom", ZOOMS, "Zoom")}',
            f"{_selects(views)}</div>",
            '<div class="stage" tabindex="0" role="group"',
            'aria-label="Picture. Arrow keys move the divider, or the picture when it is enlarged.">',
            f'{panes}<span class="tag left">Before</span><span class="tag right">After</span>',
            '<div class="handle" aria-hidden="true"><span></span></div></div>',
            '<label class="divider"><span>Before</span><input type="range" min="0" max="100" step="0.5"',
            'value="50" aria-label="Divider between before and after"><span>After</span></label>',
            f'<p class="note" aria-live="polite">{escape(first.note)}</p>',
            f'<script type="application/json" class="views">{payload}</script>',
            "</div>",
        ]
    )


def _buttons(name: str, options: Sequence[tuple[str, str]], label: str) -> str:
    items = "".join(
        f'<button type="button" data-{name}="{value}" aria-pressed="{first}">{text}</button>'
        for (value, text), first in zip(options, ("true", *("false",) * len(options)), strict=False)
    )
    return f'<div class="group" role="group" aria-label="{label}">{items}</div>'


def _selects(views: Sequence[View]) -> str:
    """A drop-down list for each of slice, channel and region that there is more than one of."""
    parts = []
    for key in ("slice", "channel", "region"):
        labels = list(dict.fromkeys(getattr(view, key) for view in views))
        if len(labels) > 1:
            options = "".join(f"<option>{escape(label)}</option>" for label in labels)
            parts.append(f'<label>{key} <select data-key="{key}">{options}</select></label>')
    return "".join(parts)
