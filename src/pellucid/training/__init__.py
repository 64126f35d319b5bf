"""Trains a method on many images, on Lightning."""
