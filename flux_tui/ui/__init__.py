"""Floor 3: the full-screen application. Textual lives here and nowhere else."""
