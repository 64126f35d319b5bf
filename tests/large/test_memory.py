"""What is stated of the memory of a method holds: measured by the benchmark that the figures come from."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pellucid.large import memory

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "method_memory.py"
STORED = 4 * 2
"""bytes of a value of 16 bits that the layout allows besides: as it is stored, and decoded"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells the peak")
@pytest.mark.parametrize(
    ("case", "side"),
    [("bm3d", 448), ("vbm3d", 112), ("bm4d", 112), ("bm4d counts", 112), ("photo colour shared", 272)],
)
def test_a_region_takes_no_more_than_is_stated(case, side):
    one = [sys.executable, str(SCRIPT), "--one", case, str(side)]
    done = subprocess.run(one, check=True, capture_output=True, text=True, env=os.environ)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["values"] >= 200_000
    method, *kind = case.split()
    each = memory.per_value(method, 3 if "colour" in kind else 1)
    assert 10 * found["values"] < found["grown"] < (each + STORED) * found["values"]
    assert found["before"] < memory.BASE
