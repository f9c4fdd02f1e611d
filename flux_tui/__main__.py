"""`python -m flux_tui` is `flux-tui`."""

from flux_tui.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
