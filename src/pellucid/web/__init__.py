"""`pellucid web`: a page on this machine to look at a picture, try, paint masks, and take the result away."""
