"""Where the person is in each frame: seen, cropped around, and cut out softly."""
