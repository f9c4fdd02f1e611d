"""Floor 1: conversations on disk."""
