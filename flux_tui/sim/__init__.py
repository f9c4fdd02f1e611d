"""Floor 1: the strict simulator of the vendors' wire formats."""
