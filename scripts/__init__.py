"""What makes files of the repository from its code."""
