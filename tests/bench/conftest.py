"""One cell in this process, as a worker runs it."""

from __future__ import annotations

import pytest

from pellucid.bench import worker


@pytest.fixture
def cell(tmp_path):
    """``cell("Set9:gaussian:25", "picture0", "nlm")`` on tmp_path/data: the measured part of a row."""

    def run(set_, image, method, **changes):
        worker._found.cache_clear()
        job = {"set": set_, "image": image, "seed": 0, "method": method, "preset": "fast", "crop": None}
        job |= {"out": str(tmp_path / "results"), "root": str(tmp_path / "data"), "device": "cpu"}
        return worker.run_cell(job | changes)

    return run
