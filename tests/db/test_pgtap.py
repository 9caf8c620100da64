"""The schema, by pgTAP: each file in tests/pgtap runs in a migrated database and rolls back."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

FILES = sorted((Path(__file__).parent.parent / "pgtap").glob("*.sql"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_schema_is_as_its_pgtap_file_says(file: Path, database: str) -> None:
    parts = urlsplit(database)
    where = parse_qs(parts.query)
    command = ["pg_prove", "--host", *where["host"], "--port", *where["port"], "--username", str(parts.username)]
    proved = subprocess.run(
        [*command, "--dbname", parts.path[1:], str(file)], capture_output=True, text=True, check=False
    )
    assert proved.returncode == 0, proved.stdout + proved.stderr
