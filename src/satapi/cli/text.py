"""`satapi text`: of which members of items free text searches the words."""

from __future__ import annotations

import re
from time import monotonic
from typing import TYPE_CHECKING

import typer
import uvloop

from satapi.cli.database import Target, catalog, say
from satapi.errors import InvalidError
from satapi.ingest import refresh

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PROGRESS_INTERVAL_S = 5

# What msgspec takes for the name of a member, of characters that PostgreSQL stores.
_NAME = re.compile(r'[^"\\\x00-\x1f\ud800-\udfff]+')


def show(dsn: str | None) -> None:
    """List the members."""
    with catalog(dsn) as found:
        typer.echo("\n".join(uvloop.run(_members(found))))


def choose(dsn: str | None, members: Sequence[str]) -> None:
    """Search these members from now on. Raises InvalidError for a name that is not looked for."""
    for name in members:
        if not _NAME.fullmatch(name):
            allowed = "allowed are names of members of properties, without quotes, backslashes and control characters"
            raise InvalidError("member", name, allowed)
    renew(dsn, members)


def renew(dsn: str | None, members: Sequence[str] | None = None) -> None:
    """Make all words anew, of other members if there are any."""
    with catalog(dsn) as found:
        changed = uvloop.run(_renew(found, members))
    typer.echo(f"{changed:,} items and collections have other words now")


async def _members(found: Target) -> list[str]:
    async with found.connected() as connection:
        return await refresh.members(connection)


async def _renew(found: Target, members: Sequence[str] | None) -> int:
    async with found.connected() as connection:
        if members is not None:
            await refresh.choose(connection, members)
        return await refresh.refresh(connection, _progress())


def _progress() -> Callable[[int], None]:
    due = monotonic() + _PROGRESS_INTERVAL_S

    def tell(read: int) -> None:
        nonlocal due
        if monotonic() >= due:
            due = monotonic() + _PROGRESS_INTERVAL_S
            say(f"The words of {read:,} items are made")

    return tell
