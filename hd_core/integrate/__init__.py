"""Normals and a depth prior in, one surface out; importing this package imports no solver."""
