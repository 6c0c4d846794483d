"""Pure numpy geometry: cameras, crops, depth and axes."""
