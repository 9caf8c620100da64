"""`python -m satapi` is the command `satapi`."""

from __future__ import annotations

from satapi.cli import main

if __name__ == "__main__":
    main()
