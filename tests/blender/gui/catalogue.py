"""Which scenarios there are and what they need; read inside Blender and outside."""

NAMES = ("build", "cancel", "reload", "undone_during", "close", "killed", "off_and_on", "stall")
SCREEN = (960, 640)
SCREENS = {"build": (1600, 900), "stall": (480, 360)}
"""Without a graphics card a window of 1600 x 900 takes 0.2 s to draw."""
CODES = {"killed": (137, -9)}
"""Exit codes that are right, where 0 is not."""
LIMIT_SECONDS = 600
