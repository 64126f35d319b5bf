"""Methods that fit a network to the image at hand."""
