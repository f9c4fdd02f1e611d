"""Floor 1: the tools a model may call."""
