"""Blocks that look alike, found and shrunk together, compiled: BM3D in pictures, films and volumes."""
