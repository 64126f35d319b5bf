"""Noise: forward models, level estimators and the NoiseReport."""
