"""What happened to a photograph or a page after it was made: marks on it, and uneven paper under it."""
