"""The noisy pictures that trainings learn from."""

import numpy as np
import pytest
from PIL import Image as Pillow


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    for i in range(5):
        pixels = np.random.default_rng(i).integers(60, 190, (40, 44), dtype=np.uint8)
        Pillow.fromarray(pixels).save(tmp_path / "in" / f"{i}.png")
    return tmp_path / "in"
