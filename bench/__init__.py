"""How fast the program is, as ratios against a minimal Textual application in the same run."""
