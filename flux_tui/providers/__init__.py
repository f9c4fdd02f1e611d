"""Floor 1: providers, each a wire format and an endpoint."""
