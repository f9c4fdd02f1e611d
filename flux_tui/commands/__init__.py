"""Floor 3: one file a subcommand that is not a front end."""
