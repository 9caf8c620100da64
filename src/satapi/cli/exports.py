"""The commands of `satapi export`: their options and their help."""
# ruff: noqa: PLC0415 - as in commands.py: to import all of satapi takes 0.7 s

from __future__ import annotations

from typing import Annotated, Literal

import typer

from satapi.cli.options import Dsn, Json, examples

export = typer.Typer(no_args_is_help=True, help="Write collections and items to files that can be loaded again.")

File = Annotated[
    str,
    typer.Argument(
        metavar="[FILE]", show_default=False, help="NDJSON, compressed if named .gz or .zst; - is standard output."
    ),
]
Folder = Annotated[str, typer.Argument(metavar="FOLDER", show_default=False, help="Is made if it does not exist.")]
Collection = Annotated[
    list[str] | None, typer.Option(metavar="ID", help="Only this collection; may be given several times.")
]
Identifier = Annotated[
    list[str] | None, typer.Option("--id", metavar="ID", help="Only items of this id; may be given several times.")
]
Bbox = Annotated[str | None, typer.Option(help="Only items in west,south,east,north in degrees.")]
Datetime = Annotated[str | None, typer.Option(help="Only items of a time or interval, such as 2024-01-01T00:00:00Z/..")]
Filter = Annotated[str | None, typer.Option("--filter", help="Only items that match this CQL2 text.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a file that was cut off, behind its last item.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what exists.")]
Format = Annotated[
    Literal["ndjson", "parquet"] | None,
    typer.Option("--format", help="NDJSON, or stac-geoparquet; parquet if the file is named .parquet."),
]
Compress = Annotated[Literal["zstd", "gzip", "none"], typer.Option(help="How to compress the items.")]


@export.command(
    epilog=examples(
        "satapi export items backup.ndjson.zst",
        "satapi export items --collection landsat-8-l1 --bbox 5,45,15,55 --filter 'eo:cloud_cover < 10' clear.ndjson",
        "satapi export items --datetime 2024-01-01T00:00:00Z/.. | wc -l",
        "satapi export items --collection landsat-8-l1 landsat.parquet",
    )
)
def items(
    file: File = "-",
    *,
    collection: Collection = None,
    identifier: Identifier = None,
    bbox: Bbox = None,
    datetime: Datetime = None,
    filter_text: Filter = None,
    form: Format = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Write items as they were given, all of one moment, by collection and id.

    An export that was cut off is gone on with by --resume and the same options; what it adds is of a later moment.
    """
    from satapi.cli.export import Chosen, export_items

    if resume and file == "-":
        raise typer.BadParameter("standard output cannot be gone on with; name a file")
    is_parquet = form == "parquet" or (form is None and file.endswith((".parquet", ".geoparquet")))
    if is_parquet and resume:
        raise typer.BadParameter("a Parquet file cannot be gone on with, since its end tells what is in it")
    chosen = Chosen(collection, identifier, bbox, datetime, filter_text)
    export_items(dsn, file, chosen, is_parquet=is_parquet, resume=resume, overwrite=overwrite, json=json)


@export.command(
    epilog=examples("satapi export collections collections.ndjson", "satapi export collections | jq -r .id")
)
def collections(
    file: File = "-",
    *,
    collection: Collection = None,
    overwrite: Overwrite = False,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Write collections as they were given, by id."""
    from satapi.cli.export import export_collections

    export_collections(dsn, file, collection, overwrite=overwrite, json=json)


@export.command(
    "all",
    epilog=examples(
        "satapi export all backup",
        "satapi export all --resume backup",
        "satapi load all backup --dsn postgresql://satapi@db.example.com/stac",
    ),
)
def everything(
    folder: Folder,
    *,
    collection: Collection = None,
    compress: Compress = "zstd",
    resume: Resume = False,
    overwrite: Overwrite = False,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Write the whole catalog, of one moment, to collections.ndjson and items.ndjson.zst in a folder.

    `satapi load all` brings it back.
    """
    from satapi.cli.export import export_all

    export_all(dsn, folder, collection, compressed=compress, resume=resume, overwrite=overwrite, json=json)
