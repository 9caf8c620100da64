"""sql/schema.sql shows reviewers what all migrations together make.

`REGENERATE=1 pytest tests/db/test_schema.py` writes it anew.
"""

from __future__ import annotations

import os
import subprocess
from importlib.resources import files
from pathlib import Path

_HEADER = "-- What the migrations make; written by tests/db/test_schema.py.\n"


def test_the_schema_for_reviewers_is_what_the_migrations_make(database: str) -> None:
    dumped = subprocess.run(
        ["pg_dump", "--schema-only", "--no-owner", "--schema", "satapi", database],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    # Comments and settings name versions; blank lines are a matter of taste.
    left_out = ("--", "SET ", "SELECT pg_catalog.set_config", "\\")
    lines = [line for line in dumped.splitlines() if line and not line.startswith(left_out)]
    text = _HEADER + "\n".join(lines) + "\n"
    file = Path(str(files("satapi"))) / "sql" / "schema.sql"
    if os.environ.get("REGENERATE"):
        file.write_text(text)
    assert file.read_text() == text
