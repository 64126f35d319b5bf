"""What all tests may use; its presence also puts this folder on the import path."""

from __future__ import annotations

import pytest

from pellucid import methods


@pytest.fixture
def toy(monkeypatch):
    """A trained method of three small layers, in the table for the time of a test."""
    monkeypatch.setitem(methods.METHODS, "toy", "toy_method:TOY")
    monkeypatch.setitem(methods.METHODS, "toy-alone", "toy_method:ALONE")
    return methods.load("toy")
