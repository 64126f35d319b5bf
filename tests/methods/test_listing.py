"""The quick list says what the records say."""

import pytest

from pellucid import methods
from pellucid.methods import listing


@pytest.mark.parametrize("name", list(methods.METHODS))
def test_the_source_says_what_the_record_says(name):
    quick = listing.of_source(name)
    assert quick is not None  # else the list falls back to loading the method, which takes seconds
    assert quick == listing.of_record(name)


@pytest.mark.parametrize(
    "text",
    [
        "TITLE = 'a'\nONE = Method(name='one', title=TITLE, needs='one image')\n",  # not written out
        "ONE = Method(name='one', needs='one image')\n",
        "ONE = make()\n",
        "this is no Python\n",
        None,
    ],
)
def test_what_cannot_be_read_is_left_to_the_record(text, tmp_path, monkeypatch):
    if text is not None:
        (tmp_path / "strange_method.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(methods.METHODS, "one", "strange_method:ONE")
    listing._records.cache_clear()
    assert listing.of_source("one") is None
    listing._records.cache_clear()
