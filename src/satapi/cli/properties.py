"""The commands about properties of items: what is known of them, and their indexes."""
# ruff: noqa: PLC0415 - as in satapi.cli.commands: what a command does is imported when it runs

from __future__ import annotations

from typing import Annotated

import typer

from satapi.cli.options import Dsn, Json, examples

queryables = typer.Typer(no_args_is_help=True, help="See and define what items can be asked.")
index = typer.Typer(no_args_is_help=True, help="Make, list and drop indexes of properties.")

OfCollection = Annotated[
    str | None, typer.Option("--collection", metavar="COLLECTION", help="Of this collection alone, not of all.")
]
Property = Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="The property, such as platform.")]


@queryables.command(
    "show", epilog=examples("satapi queryables show", "satapi queryables show --collection scenes --json")
)
def show_queryables(*, collection: OfCollection = None, dsn: Dsn = None, json: Json = False) -> None:
    """List the properties that items can be asked for, with their types and values."""
    from satapi.cli.queryables import show

    show(dsn, collection, json=json)


@queryables.command(
    "set", epilog=examples("""satapi queryables set quality '--schema={"type": "integer", "minimum": 0}'""")
)
def set_queryable(
    name: Property,
    *,
    schema: Annotated[str, typer.Option(help="JSON Schema of its values.")],
    collection: OfCollection = None,
    dsn: Dsn = None,
) -> None:
    """Define a property: a schema with a type stands for what was found, one without a type adds to it."""
    from satapi.cli.queryables import define

    define(dsn, name, schema, collection)


@queryables.command("unset", epilog=examples("satapi queryables unset quality"))
def unset_queryable(name: Property, *, collection: OfCollection = None, dsn: Dsn = None) -> None:
    """Forget the definition of a property."""
    from satapi.cli.queryables import forget

    forget(dsn, name, collection)


@queryables.command("load", epilog=examples("satapi queryables load queryables.json --collection scenes"))
def load_queryables(
    file: Annotated[str, typer.Argument(metavar="FILE", show_default=False, help="JSON Schema with properties.")],
    *,
    collection: OfCollection = None,
    dsn: Dsn = None,
) -> None:
    """Define all properties of a JSON Schema."""
    from satapi.cli.queryables import load as load_file

    load_file(dsn, file, collection)


@queryables.command("refresh", epilog=examples("satapi queryables refresh"))
def refresh_queryables(*, collection: OfCollection = None, dsn: Dsn = None) -> None:
    """Read anew what items have, after deletions and after loads by other means; loads and searches go on."""
    from satapi.cli.queryables import refresh

    refresh(dsn, collection)


@index.command("list", epilog=examples("satapi index list --json"))
def list_indexes(*, dsn: Dsn = None, json: Json = False) -> None:
    """List the indexes of properties, with their size on disk."""
    from satapi.cli.indexes import show

    show(dsn, json=json)


@index.command(
    "create", epilog=examples("satapi index create platform", "satapi index create gsd --collection landsat-8-l1")
)
def create_index(name: Property, *, collection: OfCollection = None, dsn: Dsn = None) -> None:
    """Make the indexes that filters on a property and sorting by it are fast with.

    Searches and loads go on meanwhile. Where it was interrupted, the same command goes on with it.
    """
    from satapi.cli.indexes import create

    create(dsn, name, collection)


@index.command("drop", epilog=examples("satapi index drop platform"))
def drop_index(name: Property, *, collection: OfCollection = None, dsn: Dsn = None) -> None:
    """Drop the indexes of a property."""
    from satapi.cli.indexes import drop

    drop(dsn, name, collection)


@index.command("build", epilog=examples("satapi index build"))
def build_indexes(*, dsn: Dsn = None) -> None:
    """Build the indexes that `satapi load items --defer-indexes` dropped, where it was killed before it did.

    Those that are built already stay; searches go on meanwhile, and who writes items waits.
    """
    from satapi.cli.indexes import build

    build(dsn)
