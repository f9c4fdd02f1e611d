"""Screens: each owns one `match` over events and no business logic."""
