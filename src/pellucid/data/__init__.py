"""Folders and stacks of images as crops to train on; never everything in memory."""
