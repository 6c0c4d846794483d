"""The published HDNet (Jafarian and Park, CVPR 2021): its checkpoints, its networks with their quirks, its files."""
