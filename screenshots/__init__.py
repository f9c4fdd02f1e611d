"""Pictures of the program, made by `make screenshots` from the real thing in a pseudo-terminal."""
