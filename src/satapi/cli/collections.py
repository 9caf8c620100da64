"""`satapi collections`: a list of them, and which have the extent and summaries of their items."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
import typer
import uvloop
from rich import box
from rich.console import Console
from rich.table import Table

from satapi.cli.database import Target, catalog, say
from satapi.cli.progress import plain_times
from satapi.db import maintained
from satapi.db.maintained import AS_GIVEN, Keeps

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import asyncpg

T = TypeVar("T")


def show(dsn: str | None, *, json: bool) -> None:
    """List the collections."""
    with catalog(dsn) as found:
        listed = uvloop.run(_connected(found, maintained.listed))
    if json:
        typer.echo(msgspec.json.encode(listed))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("collection", "items", "maintained", "bbox", "interval"):
        table.add_column(title, overflow="fold", justify="right" if title == "items" else "left")
    for one in listed:
        kept = " and ".join(one.maintained) or "as given"
        doubt = " (may be too wide)" if one.exact is False else ""
        table.add_row(one.id, f"{one.items:,}", kept + doubt, _shown(one.bbox), _shown(one.interval))
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = 250
    console.print(table)


def _shown(text: msgspec.Raw) -> str:
    try:
        return ", ".join(".." if value is None else str(value) for value in _ENDS.decode(text))
    except msgspec.ValidationError:
        # A collection is stored whatever it holds.
        return ""


_ENDS = msgspec.json.Decoder(list[float | str | None])


def maintain(
    dsn: str | None, ids: Sequence[str], *, every: bool, new: bool, extent: bool, summaries: bool, off: bool
) -> None:
    """Choose what of collections is kept, and make it true of their items."""
    if bool(ids) + every + new != 1:
        raise typer.BadParameter("name collections by their ids, or all there are with --all, or --new ones")
    if off and (extent or summaries):
        raise typer.BadParameter("--off has nothing kept; --extent and --summaries say what is")
    # Without a choice, and with both, it is both.
    keeps = AS_GIVEN if off else Keeps(extent=extent or not summaries, summaries=summaries or not extent)
    what = " and ".join(name for name, kept in (("extent", keeps.extent), ("summaries", keeps.summaries)) if kept)
    with catalog(dsn) as found:
        if new:
            uvloop.run(_connected(found, lambda connection: maintained.choose_for_new(connection, keeps)))
            whose = "New collections"
        else:
            number = uvloop.run(_connected(found, lambda connection: _maintain(connection, ids, keeps)))
            whose = f"{number:,} collections" if number != 1 else "1 collection"
    has = "has" if whose.startswith("1 ") else "have"
    typer.echo(f"{whose} {has} the {what} of their items" if what else f"{whose} {has} what was given")


def refresh(dsn: str | None, ids: Sequence[str] | None) -> None:
    """Make what is kept of collections exact."""
    with catalog(dsn) as found:
        number = uvloop.run(_connected(found, lambda connection: maintained.refresh(connection, ids, _progress())))
    typer.echo("1 maintained collection is exact" if number == 1 else f"{number:,} maintained collections are exact")


async def _maintain(connection: asyncpg.Connection, ids: Sequence[str], keeps: Keeps) -> int:
    names = ids or [row["id"] for row in await connection.fetch("select id from collections order by id")]
    await maintained.choose(connection, names, keeps)
    if keeps != AS_GIVEN and names:
        await maintained.refresh(connection, names, _progress())
    return len(set(names))


def _progress() -> Callable[[str, int, int], None]:
    is_due = plain_times()

    def tell(collection: str, number: int, total: int) -> None:
        if is_due():
            say(f"{number:,} of {total:,} collections are read; {collection} is next")

    return tell


async def _connected(found: Target, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    async with found.connected() as connection:
        return await work(connection)
