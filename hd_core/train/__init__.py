"""Training: from shards of synthetic people to the network's weights, in sittings that resume."""
