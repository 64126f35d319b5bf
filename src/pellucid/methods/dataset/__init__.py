"""Methods that train once on many images, then apply."""
