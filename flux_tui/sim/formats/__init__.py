"""The wire formats the simulator speaks, one file each."""
