"""`anny24`: 24 body parts with DensePose's ids, and our own charts on the Anny body."""
