"""The straight line from a video to one animated file: a module per stage, each reading what the one before wrote."""
