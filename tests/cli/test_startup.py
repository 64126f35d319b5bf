"""Start-up: help loads nothing large (benchmarks/startup.py times it)."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "arguments", [["--help"], ["denoise", "--help"], ["denoise"], ["methods", "--help"], ["methods"]]
)
def test_help_loads_no_torch(arguments):
    code = (
        "import sys, pellucid.cli\n"
        "try:\n    pellucid.cli.main(sys.argv[1:])\n"
        "except SystemExit:\n    pass\n"
        "print('LOADED', sorted({'torch', 'numpy', 'skimage', 'scipy', 'PIL', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("LOADED []")


def test_a_model_loads_no_compiler():
    """Drawing and counting weights go through modes of torch's dispatch, which by default load it: 2 s. Nor
    is scipy.stats loaded, a fifth of the start."""
    code = (
        "import sys, pellucid\nimport numpy as np\n"
        "picture = np.random.default_rng(0).normal(0.5, 0.1, (48, 48)).astype('float32')\n"
        "pellucid.denoise(picture, model='swift-gray')\n"
        "print({'torch._dynamo', 'scipy.stats'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
