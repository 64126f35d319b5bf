"""Methods without learning: one pass over the image at hand."""
