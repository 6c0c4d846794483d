"""Cloth that hangs on a moving body: own XPBD, driven by the skinned garment."""
