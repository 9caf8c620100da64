"""`satapi queryables`: what items can be asked, as it was found and as operators define it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeVar, cast

import msgspec
import typer
import uvloop
from rich import box
from rich.console import Console
from rich.table import Table

from satapi.cli.database import Target, catalog, say
from satapi.db import knowledge, queryables
from satapi.db.pool import fetch
from satapi.errors import InvalidError, NotFoundError, SatapiError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import asyncpg

    from satapi.stac.queryables import Schema

T = TypeVar("T")

_PROGRESS_INTERVAL_S = 5
_TEXT_MAX = 60
_OBJECT = msgspec.json.Decoder(dict[str, object])


def show(dsn: str | None, collection: str | None, *, json: bool) -> None:
    """List the queryables of a collection, or of all."""
    with catalog(dsn) as found:
        schemas = uvloop.run(_connected(found, lambda connection: _schemas(connection, collection)))
    if json:
        typer.echo(msgspec.json.encode(schemas))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("property", "type", "values", "title"):
        table.add_column(title, overflow="fold")
    for name, schema in schemas.items():
        table.add_row(name, _type(schema), _values(schema), str(schema.get("title", "")))
    console = Console()
    if not console.is_terminal:
        console.width = 200
    console.print(table)


def define(dsn: str | None, name: str, text: str, collection: str | None) -> None:
    """Define a property by the JSON text of a schema."""
    schema = _schema("--schema", text)
    with catalog(dsn) as found:
        uvloop.run(_connected(found, lambda connection: queryables.define(connection, collection, {name: schema})))
    typer.echo(f"{name} is defined")


def forget(dsn: str | None, name: str, collection: str | None) -> None:
    """Forget the definition of a property."""
    with catalog(dsn) as found:
        uvloop.run(_connected(found, lambda connection: queryables.forget(connection, collection, name)))
    typer.echo(f"{name} is no longer defined")


def load(dsn: str | None, file: str, collection: str | None) -> None:
    """Define the properties of a JSON Schema in a file."""
    try:
        text = Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SatapiError(f"{file} cannot be read: {error}") from error
    given = _schema(file, text).get("properties")
    members = cast("dict[str, object]", given) if isinstance(given, dict) else {}
    if not members or not all(isinstance(schema, dict) for schema in members.values()):
        raise InvalidError(file, text, "allowed is a JSON Schema whose properties are schemas")
    schemas = cast("dict[str, Schema]", members)
    with catalog(dsn) as found:
        uvloop.run(_connected(found, lambda connection: queryables.define(connection, collection, schemas)))
    typer.echo(f"{len(schemas)} properties are defined")


def refresh(dsn: str | None, collection: str | None) -> None:
    """Read anew what items have."""
    due = monotonic() + _PROGRESS_INTERVAL_S

    def tell(items: int) -> None:
        nonlocal due
        if monotonic() >= due:
            due = monotonic() + _PROGRESS_INTERVAL_S
            say(f"{items:,} items are read")

    with catalog(dsn) as found:
        items = uvloop.run(_connected(found, lambda connection: queryables.refresh(connection, collection, tell)))
    typer.echo(f"{items:,} items were read")


async def _connected(found: Target, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    async with found.connected() as connection:
        return await work(connection)


async def _schemas(connection: asyncpg.Connection, collection: str | None) -> dict[str, Schema]:
    known = await knowledge.of_collection(partial(fetch, connection), collection)
    if known is None:
        raise NotFoundError(f"There is no collection {collection!r}")
    return known.schemas()


def _schema(parameter: str, text: str) -> Schema:
    try:
        return _OBJECT.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidError(parameter, text, f'{error}; allowed is a JSON Schema such as {{"type": "number"}}') from None


def _type(schema: Schema) -> str:
    kind = schema.get("type", schema.get("$ref", ""))
    names = " or ".join(cast("list[str]", kind)) if isinstance(kind, list) else str(kind)
    return f"{names} ({schema['format']})" if "format" in schema else names


def _values(schema: Schema) -> str:
    for low, high in (("minimum", "maximum"), ("formatMinimum", "formatMaximum")):
        if low in schema and high in schema:
            return f"{schema[low]} to {schema[high]}"
    listed = ", ".join(map(str, cast("list[object]", schema.get("enum", []))))
    return listed if len(listed) <= _TEXT_MAX else listed[:_TEXT_MAX] + "..."
