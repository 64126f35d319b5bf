"""Small pictures for the tests of the program."""

import numpy as np
from skimage.data import chelsea

SIZE = 64


def clean_array() -> np.ndarray:
    return np.ascontiguousarray(chelsea()[100 : 100 + SIZE, 120 : 120 + SIZE])


def noisy_array(seed: int = 0, sigma: float = 25.0) -> np.ndarray:
    clean = clean_array()
    noise = np.random.default_rng(seed).normal(0, sigma, clean.shape)
    return np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)
