"""Compiled loops of the integrator; a folder of their own, so that nothing else makes them compile anew."""
