"""What all tests may use; its presence also puts this folder on the import path."""

from __future__ import annotations

import signal

import pytest

from pellucid import methods, networks

# A shell that starts the tests in the background ignores Ctrl-C, which programs under test would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def toy(monkeypatch):
    """A trained method of three small layers, in the table for the time of a test."""
    import toy_method

    for name, entry in toy_method.entries().items():
        monkeypatch.setitem(methods.METHODS, name, entry)
    return methods.load("toy")


@pytest.fixture
def shelf(monkeypatch, tmp_path):
    """An empty folder in the place of that of the shipped models, and the network `blur` in the table."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setattr("pellucid.models.shelf.shipped", lambda: folder)
    monkeypatch.setitem(networks.NETWORKS, "blur", "shipping:Blur")
    return folder
