"""Commands on the pages name verbs, options, methods and settings that exist; none is run for it."""

from __future__ import annotations

import re
import shlex

import pytest
import typer
from pages import PAGES, ROOT, code, prose

from pellucid import cli, fields, methods

OTHERS = {"--index-url", "--torch-args"}
"""options of other programs that pages speak of"""


def commands(page):
    """The commands of a page, as words; what stands for something (METHOD, …) is no command."""
    for line in code(page):
        found = re.match(r"(?:\$ )?pellucid ([a-z].*)$", line)
        if found:
            words = shlex.split(found[1], comments=True)
            if not any(word.isupper() or "…" in word for word in words[:2]):
                yield words


def complaint(words):
    """What is wrong with a command, or None."""
    command, rest = typer.main.get_command(cli.app), list(words)
    while getattr(command, "commands", None):
        if not rest or rest[0] not in command.commands:
            return f"no verb {rest[:1]}" if rest and not rest[0].startswith("-") else None
        command = command.commands[rest.pop(0)]
    known = {flag for p in command.params for flag in [*p.opts, *p.secondary_opts]} | {"--help", "-h"}
    for word in rest:
        flag = word.split("=")[0] if word.startswith("--") else word
        if re.match(r"--?[a-z]", flag) and flag not in known:
            return f"no option {flag}"
    name = _after(rest, "--method") or (rest[0] if command.name == "train" and rest else None)
    return wrong_settings(name, rest) if name in methods.METHODS else None


def wrong_settings(name, words):
    """A preset or field of --set that the method lacks, or None."""
    method = methods.load(name)
    preset = _after(words, "--preset")
    recipes = [r.presets for r in method.restores.values()]
    if preset and not any(preset in presets for presets in [method.presets, *recipes]):
        return f"{name} has no preset {preset}"
    there = {f.name for f in fields.describe(method.config)}
    for at, word in enumerate(words[:-1]):
        field = words[at + 1].split("=")[0]
        if word == "--set" and field not in there and not field.startswith("adapt."):
            return f"{name} has no setting {field}"
    return None


def _after(words, flag):
    return words[words.index(flag) + 1] if flag in words[:-1] else None


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_name_what_exists(page):
    wrong = [(" ".join(words), found) for words in commands(page) if (found := complaint(words))]
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_options_in_the_text_exist(page):
    """`--flag …` in a line belongs to one of the verbs."""
    flags = set(OTHERS)
    waiting = [typer.main.get_command(cli.app)]
    while waiting:
        command = waiting.pop()
        waiting += getattr(command, "commands", {}).values()
        flags |= {flag for p in command.params for flag in [*p.opts, *p.secondary_opts]}
    named = set(re.findall(r"`(--[a-z][\w-]*)", prose(page)))
    assert named <= flags, named - flags


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("denoize photo.png", "no verb"),
        ("denoise photo.png --colour", "no option --colour"),
        ("bench run --datas CC15", "no option --datas"),
        ("denoise photo.png --method nlm --set patch=7", "nlm has no setting patch"),
        ("denoise photo.png --method nlm --preset slow", "nlm has no preset slow"),
        ("train n2v frames/ --set box=3", "n2v has no setting box"),
    ],
)
def test_a_wrong_command_is_seen(line, what):
    assert what in complaint(line.split())
    right = "denoise photo.png --method nlm --set patch_size=7 -o out.png"
    assert complaint(shlex.split(right)) is None
