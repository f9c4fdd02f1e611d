"""Floor 1: where settings, paths, keys and trust come from."""
