"""Triangles to pixels: which face, where on it, how far, how much of the pixel, and where it goes in another frame."""
