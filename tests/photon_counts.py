"""A picture in counts of few photons, and how far another is from it."""

import numpy as np
from skimage import data

CLEAN = 0.05 + data.camera()[60:156, 190:286].astype(float) / 255


def counts(mean, seed=0):
    clean = CLEAN / CLEAN.mean() * mean
    return clean, np.random.default_rng(seed).poisson(clean)


def loss(clean, picture):
    return float(np.mean((clean - picture) ** 2))
