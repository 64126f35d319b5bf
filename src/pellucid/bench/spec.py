"""What is typed: sets (`Set9:gaussian:25:clip`) and entries (`ms-dip+width=64@sigma`), and lists of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pellucid import checks, methods

_NUMBER = r"(?:\d+\.?\d*|\.\d+)"
_LEVEL = rf"{_NUMBER}(?:-{_NUMBER})?"
_SET = re.compile(
    rf"(?P<name>.+?)(?::(?P<model>[a-z]+(?:-[a-z]+)*):(?P<level>{_LEVEL}(?:,{_LEVEL})*)(?P<clip>:clip)?)?"
)
_ENTRY = re.compile(r"(?P<name>[^+@]+(?:[+@][^+@=]*)*?)(?P<fields>(?:\+[\w.]+=[^+@]*)*)(?:@(?P<oracle>\w+))?")
ORACLES = ("sigma", "best")
PLAIN = ("noisy", "auto")
"""entries beside the methods: the input itself, and what `pellucid denoise` does by default"""
ARGUMENTS = ("preset", "model", "near_clean", "stop", "iterations", "seconds", "level", "shots")
"""fields of an entry that are arguments of `pellucid.denoise` and not of the Config; a field of the Config
with such a name is `set.NAME`, e.g. ms-dip+set.iterations=500 for its iterations per scale"""


@dataclass(frozen=True, kw_only=True)
class SetSpec:
    """A data set, and the noise that is added to its clean pictures.

    Attributes:
        text: as typed; what a row says.
        name: canonical name, or a path.
        model: forward model of `pellucid.noise.models`, or "" where the pictures are noisy already.
        level: its levels as text, e.g. "25" or "0-50", in 8-bit units (poisson: peak).
        clip: whether noisy values are cut to [0, 255] and rounded, as an 8-bit file would.
    """

    text: str
    name: str
    model: str = ""
    level: str = ""
    clip: bool = False

    @property
    def slug(self) -> str:
        """The name of its folder."""
        return slug(self.text)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A method as it enters: its name, changed fields, and what it is told of the truth.

    Attributes:
        text: as typed, without the preset; what a row says.
        kind: "method", "auto", "noisy", "model" or "peer".
        name: of the method, model or peer.
        fields: changes of its Config.
        arguments: those of ARGUMENTS that were given.
        oracle: "", "sigma" (told the true level) or "best" (the step nearest the truth).
    """

    text: str
    kind: str
    name: str
    fields: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    oracle: str = ""

    @property
    def slug(self) -> str:
        """The start of its file names."""
        return slug(self.text)

    @property
    def has_preset(self) -> bool:
        """Whether a preset means anything to it: auto, models and peers bring their own settings."""
        if self.kind == "method" and self.name in methods.METHODS:
            return not methods.METHODS[self.name].trained
        return self.kind == "method" and methods.load(self.name).learning is None


def parse_set(text: str) -> SetSpec:
    """The set that a text names.

    Raises:
        ValueError: for another form.

    >>> parse_set("BSD68:gaussian:0-50:clip")
    SetSpec(text='BSD68:gaussian:0-50:clip', name='BSD68', model='gaussian', level='0-50', clip=True)
    >>> parse_set("Set9:gaussian")
    Traceback (most recent call last):
    ...
    ValueError: data must look like SET or SET:model:level[-level][:clip], e.g. Set9:gaussian:25; got ...
    """
    found = _SET.fullmatch(text.strip())
    name = found["name"] if found else ""
    # What is left in the name after the last colon is a noise that was not understood, unless it is a path.
    if not found or not name.strip() or (":" in name and not Path(name).exists()):
        raise ValueError(
            "data must look like SET or SET:model:level[-level][:clip], e.g. Set9:gaussian:25; "
            f"got {text.strip()!r}. SET is a name from `pellucid bench data` or a folder."
        )
    return SetSpec(
        text=text.strip(),
        name=name,
        model=found["model"] or "",
        level=found["level"] or "",
        clip=bool(found["clip"]),
    )


def parse_entry(text: str) -> Entry:
    """The entry that a text names.

    Raises:
        ValueError: for another form, an unknown method or oracle, or a field that is given twice.

    >>> entry = parse_entry("dip+iterations=300+width=64@best")
    >>> entry.name, entry.fields, entry.arguments, entry.oracle
    ('dip', {'width': '64'}, {'iterations': '300'}, 'best')
    >>> parse_entry("swift-color").kind  # a model that is shipped or installed, by its name
    'model'
    """
    found = _ENTRY.fullmatch(text.strip())
    if not found:
        raise ValueError(f"an entry must look like NAME[+FIELD=VALUE]...[@ORACLE], got {text.strip()!r}.")
    kind, name = _kind(found["name"])
    fields: dict[str, str] = {}
    for part in found["fields"].split("+")[1:]:
        key, _, value = part.partition("=")
        if key in fields:
            raise ValueError(f"entry {text.strip()!r} gives {key} twice. Keep one of them.")
        fields[key] = value
    oracle = found["oracle"] or ""
    if oracle:
        checks.one_of(f"the oracle of {text.strip()!r}", oracle, ORACLES)
    arguments = {key: value for key, value in fields.items() if key in ARGUMENTS}
    if fields and kind in ("noisy", "peer") and set(fields) != {"shots"}:
        raise ValueError(f"{kind} takes no fields, got {text.strip()!r}. Leave them out.")
    if oracle == "best" and kind != "method":
        raise ValueError(f"@best is for methods that iterate, got {text.strip()!r}. Leave it out.")
    if oracle and kind == "noisy":
        raise ValueError(f"noisy is the input, which needs no truth; got {text.strip()!r}. Leave @ out.")
    shown = (
        text.strip().replace(f"+preset={arguments['preset']}", "") if "preset" in arguments else text.strip()
    )
    return Entry(
        text=shown,
        kind=kind,
        name=name,
        fields={key.removeprefix("set."): v for key, v in fields.items() if key not in ARGUMENTS},
        arguments=arguments,
        oracle=oracle,
    )


def _kind(name: str) -> tuple[str, str]:
    if name in PLAIN:
        return name, name
    for kind in ("model", "peer"):
        if name.startswith(f"{kind}:"):
            rest = name.removeprefix(f"{kind}:")
            if not rest:
                raise ValueError(f"{kind}: must be followed by a name, got {name!r}.")
            return kind, rest
    if name in methods.METHODS:
        return "method", name
    from pellucid import models  # loads torch, which a table of results can do without

    if name in models.names() and name not in methods.names():
        return "model", name
    return "method", methods.known(name, also=[*PLAIN, *models.names(), "model:...", "peer:..."])


def split(texts: str | Sequence[str], *, levels: bool = False) -> list[str]:
    """A list that was typed with commas; a comma within levels or values stays.

    Args:
        texts: one text with commas, or several.
        levels: whether numbers after a comma belong to the noise before it.

    >>> split("CC15,Set9:correlated:25,1:clip,Set12:gaussian:15", levels=True)
    ['CC15', 'Set9:correlated:25,1:clip', 'Set12:gaussian:15']
    >>> split("bm3d,dip+widths=8,16,noisy")
    ['bm3d', 'dip+widths=8,16', 'noisy']
    """
    joined = [texts] if isinstance(texts, str) else list(texts)
    number = re.compile(rf"{_LEVEL}(?::clip)?" if levels else rf"-?{_NUMBER}(?:[+@].*)?")
    parts: list[str] = []
    for text in joined:
        fresh = True
        for part in text.split(","):
            before = parts[-1] if parts and not fresh else ""
            if (":" if levels else "=") in before and number.fullmatch(part.strip()):
                parts[-1] += f",{part.strip()}"
            elif part.strip():
                parts.append(part.strip())
            fresh = False
    return list(dict.fromkeys(parts))


def shots_of(entry: Entry) -> int:
    """How many shots an entry asks for; 0 for all.

    Raises:
        ValueError: when it is neither a number nor all.
    """
    text = entry.arguments.get("shots", "1")
    if text == "all":
        return 0
    if not text.isdigit() or int(text) < 1:
        raise ValueError(f"shots must be a number from 1 or all, got {text!r} in {entry.text}.")
    return int(text)


def value(name: str, text: str) -> Any:
    """The value of one of ARGUMENTS, as `pellucid.denoise` takes it.

    Raises:
        ValueError: when it is no number where one is needed.

    >>> value("iterations", "300"), value("near_clean", "bm3d:nlm")
    (300, ['bm3d', 'nlm'])
    """
    if name == "near_clean":
        return text.split(":")
    try:
        return int(text) if name == "iterations" else float(text) if name == "seconds" else text
    except ValueError:
        raise ValueError(f"{name} must be a number, got {text!r}.") from None


def slug(text: str) -> str:
    """A text as a file name that no other text has.

    >>> slug("Set9:gaussian:25")
    'Set9.gaussian.25'
    >>> slug("a/b") == slug("a.b")
    False
    """
    plain = re.sub(r"[^\w.+=@-]", "-", text.replace(":", "."))
    dotted = re.search(r"\.(?!\d)|(?<!\d)\.", text)  # a dot that is no decimal point could stand for a colon
    if plain == text.replace(":", ".") and plain[:1] != "." and not dotted and len(plain.encode()) <= 100:
        return plain
    return f"{plain.strip('.-')[-40:]}-{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"
