"""The settings: one table of SATAPI_* variables, with safe defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from satapi.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "SATAPI_"

Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an operator can set. Each field is the variable SATAPI_<FIELD>; its Meta is its documentation."""

    dsn: Annotated[
        str | None, Meta(description="Where PostgreSQL is (postgresql://...); without it satapi runs a private one.")
    ] = None
    data_dir: Annotated[
        str | None, Meta(description="Folder of the private PostgreSQL; by default satapi in the user's data folder.")
    ] = None
    pg_bin: Annotated[
        str | None, Meta(description="Folder with PostgreSQL's programs, where it is not found by itself.")
    ] = None
    db_schema: Annotated[
        str, Meta(pattern="^[a-z_][a-z0-9_]{0,62}$", description="PostgreSQL schema that holds satapi's tables.")
    ] = "satapi"
    pool_size: Annotated[Positive, Meta(description="Database connections of each worker, at most.")] = 10
    pool_timeout_s: Annotated[Seconds, Meta(description="Seconds to wait for a free connection before a 503.")] = 10.0
    statement_timeout_s: Annotated[Seconds, Meta(description="Seconds that one statement may take.")] = 30.0
    partition_items: Annotated[
        Positive, Meta(description="A collection with more items gets a partition of its own at the end of a load.")
    ] = 1_000_000
    url: Annotated[
        str | None, Meta(description="Public base URL of all links; by default it is taken from each request.")
    ] = None
    root_path: Annotated[str, Meta(description="Path under which a proxy serves the API, such as /stac.")] = ""
    trust_forwarded: Annotated[
        bool, Meta(description="Take the public URL from Forwarded and X-Forwarded-* headers.")
    ] = True
    catalog_id: Annotated[str, Meta(min_length=1, description="The id of the landing page's catalog.")] = "satapi"
    title: Annotated[str, Meta(min_length=1, description="The title of the landing page.")] = "satapi"
    description: Annotated[str, Meta(min_length=1, description="The description on the landing page.")] = (
        "A SpatioTemporal Asset Catalog API on PostgreSQL and PostGIS"
    )
    limit_default: Annotated[Positive, Meta(description="Items on a page when no limit is asked for.")] = 10
    limit_max: Annotated[Positive, Meta(description="Items on a page, at most; a larger limit is lowered to it.")] = (
        10_000
    )
    collections_limit_default: Annotated[
        Positive, Meta(description="Collections on a page when no limit is asked for.")
    ] = 100
    collections_limit_max: Annotated[
        Positive, Meta(description="Collections on a page, at most; a larger limit is lowered to it.")
    ] = 1_000
    remembered_max_bytes: Annotated[
        int, Meta(ge=0, description="Collections that each worker remembers of searches of them, in bytes, at most.")
    ] = 16_777_216
    export_max_items: Annotated[
        Positive, Meta(description="Items of one answer in geojsonseq, ndjson, csv or parquet, at most.")
    ] = 1_000_000
    changes_days: Annotated[
        float,
        Meta(
            ge=0,
            description="Days that changes are kept; loads delete older ones, and servers that write; 0 keeps all.",
        ),
    ] = 7.0
    changes_wait_max_s: Annotated[
        Positive, Meta(description="Seconds that a request waits for changes, at most; a longer wait is lowered to it.")
    ] = 60
    changes_streams_max: Annotated[
        Positive, Meta(description="Clients of each worker that wait for changes at a time, at most.")
    ] = 200
    webhooks: Annotated[
        Literal["off", "on"],
        Meta(description="Whether servers send changes to webhooks; else `satapi webhooks run` does."),
    ] = "off"
    webhook_attempts: Annotated[
        Positive, Meta(description="How often a message is sent to a webhook before it is given up and kept.")
    ] = 12
    unknown_parameters: Annotated[
        Literal["error", "ignore"], Meta(description="What to do with parameters that the API does not have.")
    ] = "error"
    unknown_properties: Annotated[
        Literal["allow", "error"],
        Meta(description="What to do with a property in filter, query or sortby that no item has and nobody defined."),
    ] = "allow"
    number_matched: Annotated[
        Literal["auto", "exact", "estimated", "none"],
        Meta(description="How searches count all matches: auto counts where that is free or cheap."),
    ] = "auto"
    count_max: Annotated[
        Positive, Meta(description="Matches that auto counts, at most; with more it gives no number.")
    ] = 10_000
    count_timeout_s: Annotated[Seconds, Meta(description="Seconds that such a count may take.")] = 0.25
    body_max_bytes: Annotated[Positive, Meta(description="Size of a request body, at most.")] = 1_048_576
    writes: Annotated[
        Literal["off", "open"],
        Meta(description="Who may write over HTTP: nobody, or with open everybody who can reach the server."),
    ] = "off"
    bulk_max_bytes: Annotated[Positive, Meta(description="Size of a body that brings several items, at most.")] = (
        67_108_864
    )
    bulk_max_items: Annotated[Positive, Meta(description="Items or collections that such a body brings, at most.")] = (
        20_000
    )
    stream_max_bytes: Annotated[
        Positive, Meta(description="Size of a body that brings items line by line, at most.")
    ] = 1_073_741_824
    validate: Annotated[
        Literal["off", "known", "strict"],
        Meta(
            description="Check what is written over HTTP by the JSON Schemas of STAC, GeoJSON and SATAPI_SCHEMAS: "
            "known lets pass versions and extensions that have none here, strict refuses them."
        ),
    ] = "known"
    schemas: Annotated[
        str | None, Meta(description="Folder with JSON Schemas of extensions, named by their $id in stac_extensions.")
    ] = None
    timestamps: Annotated[
        Literal["off", "maintain"],
        Meta(description="Whether writers set created and updated of items and collections; off stores what is given."),
    ] = "off"
    if_match_required: Annotated[
        bool, Meta(description="Refuse to replace, patch or delete without If-Match, with a 428.")
    ] = False
    nesting_max: Annotated[Positive, Meta(description="Nesting of a request's JSON, at most.")] = 64
    geometry_max_points: Annotated[Positive, Meta(description="Points of a request's geometry, at most.")] = 10_000
    ids_max: Annotated[Positive, Meta(description="Ids in one search, at most.")] = 1_000
    collections_max: Annotated[Positive, Meta(description="Collections named in one search, at most.")] = 1_000
    terms_max: Annotated[
        Positive, Meta(description="Comparisons and values in one query or filter, or words and phrases in q, at most.")
    ] = 500
    filter_max_characters: Annotated[Positive, Meta(description="Characters of a filter, at most.")] = 262_144
    aggregations_max: Annotated[Positive, Meta(description="Aggregations asked for at once, at most.")] = 50
    buckets_max: Annotated[
        Positive, Meta(description="Buckets of an aggregation, at most; items in others are its overflow.")
    ] = 10_000
    footprint_cells_max: Annotated[
        Positive, Meta(description="Cells of a grid around one footprint, at most; one with more is overflow.")
    ] = 1_000
    geohex_centroids_max: Annotated[
        Positive, Meta(description="Items whose centroids are put into hexagons at once, at most.")
    ] = 1_000_000
    geohex_footprints_max: Annotated[
        Positive, Meta(description="Items whose footprints are put into hexagons at once, at most.")
    ] = 20_000
    geohex_cells_max: Annotated[
        Positive, Meta(description="Hexagons of all footprints that are put into them at once together, at most.")
    ] = 2_000_000
    q_max_characters: Annotated[Positive, Meta(description="Characters of q, at most.")] = 4_096
    source_max_bytes: Annotated[
        Positive,
        Meta(description="Size of a document of a catalog, or of a page of an API, that a load reads, at most."),
    ] = 67_108_864
    source_max_depth: Annotated[Positive, Meta(description="Links from a catalog down to an item of it, at most.")] = 50
    source_requests: Annotated[Positive, Meta(description="Requests that a load has on their way at once.")] = 16
    source_attempts: Annotated[
        Positive, Meta(description="Times that a load asks for a document of a server that is busy or away.")
    ] = 6
    source_timeout_s: Annotated[Seconds, Meta(description="Seconds that such a server may say nothing.")] = 60.0
    compress_min_bytes: Annotated[Positive, Meta(description="Bodies smaller than this are sent uncompressed.")] = 1_024
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least severe log lines to write.")
    ] = "info"


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read the settings from SATAPI_* variables; an empty one counts as unset.

    Raises InvalidError for a variable that does not exist or has a value that is not allowed.
    """
    given = {name[len(PREFIX) :].lower(): value for name, value in environ.items() if name.startswith(PREFIX) and value}
    for name, value in given.items():
        if name not in Settings.__struct_fields__:
            raise InvalidError(PREFIX + name.upper(), value, "there is no such setting; `satapi settings` lists them")
    try:
        return msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        sentence, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`")
        raise InvalidError(PREFIX + name.upper(), given.get(name, ""), sentence) from None
