"""NLH: pixels that look alike within blocks that look alike are shrunk together, twice."""
