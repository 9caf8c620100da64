"""The command line of satapi."""

from __future__ import annotations

from satapi.cli.commands import main

__all__ = ["main"]
