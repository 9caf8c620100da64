"""The command line, as far as it goes without a database."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from satapi import __version__
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Ran

COMMANDS = [
    (),
    ("serve",),
    ("sample",),
    ("settings",),
    ("db", "migrate"),
    ("db", "status"),
    ("load", "collections"),
    ("load", "items"),
    ("load", "all"),
    ("export", "items"),
    ("export", "collections"),
    ("export", "all"),
    ("collections", "list"),
    ("collections", "maintain"),
    ("collections", "refresh"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(("satapi", *command)))
def test_the_help_of_every_command_has_an_example_of_it(satapi: Callable[..., Ran], command: tuple[str, ...]) -> None:
    helped = satapi(*command, "--help")
    assert helped.code == 0
    assert " ".join(("satapi", *command)) in helped.out.partition("Examples")[2]


@pytest.mark.parametrize("group", [(), ("db",), ("load",), ("export",), ("collections",)])
def test_a_group_without_a_command_shows_what_there_is(satapi: Callable[..., Ran], group: tuple[str, ...]) -> None:
    shown = satapi(*group)
    assert shown.code == 2
    assert "Commands" in shown.out


def test_the_version_is_printed(satapi: Callable[..., Ran]) -> None:
    assert satapi("--version") == (0, f"satapi {__version__}\n", "")


def test_python_runs_it_as_a_module() -> None:
    ran = subprocess.run([sys.executable, "-m", "satapi", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout == f"satapi {__version__}\n"


def test_help_imports_nothing_that_it_does_not_need() -> None:
    asked = "import sys, satapi.cli; print(*{'asyncpg', 'shapely', 'starlette', 'uvicorn'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout == "\n"


@pytest.mark.parametrize(
    "wrong",
    [
        ("fly",),
        ("serve", "--port", "65536"),
        ("serve", "--workers", "0"),
        ("load", "items"),
        ("load", "items", "--fly"),
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_exits_with_2(satapi: Callable[..., Ran], wrong: tuple[str, ...]) -> None:
    refused = satapi(*wrong)
    assert (refused.code, refused.out) == (2, "")
    assert "Error" in refused.err


def test_the_settings_are_listed_with_their_values(satapi: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATAPI_LIMIT_MAX", "77")
    listed = satapi("settings")
    lines = {line.split()[0]: line.split()[1:] for line in listed.out.splitlines() if line.startswith(" SATAPI_")}
    assert set(lines) == {f"SATAPI_{name.upper()}" for name in Settings.__struct_fields__}
    assert lines["SATAPI_LIMIT_MAX"][:2] == ["77", "10000"]
    assert lines["SATAPI_TRUST_FORWARDED"][:2] == ["true", "true"]


@pytest.mark.parametrize("dsn", ["postgresql://me:secret@db/stac", "postgresql://db/stac?password=secret&user=me"])
def test_passwords_are_not_listed(satapi: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    monkeypatch.setenv("SATAPI_DSN", dsn)
    listed = satapi("settings").out
    assert "***" in listed
    assert "secret" not in listed


def test_a_wrong_setting_is_told_in_one_line(satapi: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATAPI_LIMIT_MAX", "many")
    refused = satapi("serve")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("satapi: SATAPI_LIMIT_MAX: 'many' is not allowed")
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize("dsn", ["postgresql://127.0.0.1:1/stac", "postgres:stac", "postgresql://%zz@/x"])
def test_a_database_that_does_not_answer_is_told_in_one_line(satapi: Callable[..., Ran], dsn: str) -> None:
    refused = satapi("db", "status", "--dsn", dsn)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("satapi: The database cannot be connected to: ")
    assert refused.err.count("\n") == 1


def test_the_sample_can_be_written_to_files(satapi: Callable[..., Ran], tmp_path: Path) -> None:
    folder = tmp_path / "new" / "samples"
    written = satapi("sample", "--write", str(folder))
    assert written == (0, f"{folder}/collections.ndjson\n{folder}/items.ndjson\n", "")
    assert (folder / "collections.ndjson").read_bytes().count(b"\n") == 2
    assert (folder / "items.ndjson").read_bytes().count(b"\n") == 2000


def test_a_folder_that_cannot_be_written_is_named(satapi: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = satapi("sample", "--write", str(tmp_path / "file"))
    assert refused == (1, "", f"satapi: The sample cannot be written to {tmp_path}/file: File exists\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "name collections by their ids, or all there are with --all, or --new ones"),
        (("a", "--all"), "or all there are with --all"),
        (("--all", "--new"), "or --new ones"),
        (("a", "--off", "--extent"), "--off has nothing kept"),
    ],
)
def test_what_is_to_be_maintained_is_said_once(
    satapi: Callable[..., Ran], arguments: tuple[str, ...], reason: str
) -> None:
    ran = satapi("collections", "maintain", *arguments)
    assert (ran.code, reason in " ".join(ran.err.replace("│", " ").split())) == (2, True)
