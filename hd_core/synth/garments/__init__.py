"""Garments cut from the helper surfaces of the base mesh: they fit every body and know where on it they lie."""
