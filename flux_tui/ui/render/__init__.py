"""Text that is not ours becomes Content here and nowhere else."""
