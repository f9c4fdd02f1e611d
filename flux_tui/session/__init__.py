"""Floor 2: the turn, the session, the ledger. What a front end holds."""
