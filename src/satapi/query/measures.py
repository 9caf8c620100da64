"""Measures: what may be asked of all items that match a search, by the names of aggregations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import msgspec

from satapi.errors import InvalidError
from satapi.query.inventory import Column, Inventory
from satapi.stac.aggregation import DataType, Interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Cells = Literal["geohash", "geotile", "geohex"]
Place = Literal["centroid", "geometry"]
Kind = Literal["count", "missing", "min", "max", "avg", "sum"]

KINDS: tuple[Kind, ...] = get_args(Kind)
INTERVALS: tuple[Interval, ...] = get_args(Interval)

INTERVAL_TYPES: dict[Interval, DataType] = {
    "year": "interval_year",
    "quarter": "interval_quarter",
    "month": "interval_month",
    "week": "interval_week",
    "day": "interval_day",
    "hour": "interval_hour",
    "minute": "interval_minute",
    "second": "interval_second",
}

# The least and the greatest precision of each kind of cells: characters, zoom levels, resolutions.
PRECISIONS: dict[Cells, tuple[int, int]] = {"geohash": (1, 12), "geotile": (0, 29), "geohex": (0, 15)}

# The names that clients send. Those that begin with grid_ are older ones of the centroids.
GRIDS: dict[str, tuple[Place, Cells]] = {
    "centroid_geohash_grid_frequency": ("centroid", "geohash"),
    "centroid_geotile_grid_frequency": ("centroid", "geotile"),
    "centroid_geohex_grid_frequency": ("centroid", "geohex"),
    "geometry_geohash_grid_frequency": ("geometry", "geohash"),
    "geometry_geotile_grid_frequency": ("geometry", "geotile"),
    "geometry_geohex_grid_frequency": ("geometry", "geohex"),
    "grid_geohash_frequency": ("centroid", "geohash"),
    "grid_geotile_frequency": ("centroid", "geotile"),
    "grid_geohex_frequency": ("centroid", "geohex"),
}

# Properties whose numbers are counted in ranges: where one ends and the next begins.
RANGES: dict[str, tuple[str, tuple[int, ...]]] = {
    "cloud_cover_frequency": ("eo:cloud_cover", (5, 15, 40)),
    "sun_elevation_frequency": ("view:sun_elevation", tuple(range(-90, 91, 5))),
    "sun_azimuth_frequency": ("view:sun_azimuth", tuple(range(0, 361, 5))),
    "off_nadir_frequency": ("view:off_nadir", tuple(range(0, 91, 5))),
}

TOTAL = "total_count"
FREQUENCY = "_frequency"
STATISTICS = "_stats"

# Names that are not a property's own.
_RENAMED = {"grid_code": "grid:code"}


class Total(msgspec.Struct, frozen=True):
    """How many items match."""

    name: str


class Statistic(msgspec.Struct, frozen=True):
    """One number of a property: how many items have a value or none, or what their numbers, or times, come to."""

    name: str
    column: Column
    kind: Kind


class Terms(msgspec.Struct, frozen=True):
    """How many items have each value of a property; of an array each element counts."""

    name: str
    column: Column


class Dates(msgspec.Struct, frozen=True):
    """How many items are in each interval of the calendar, in UTC."""

    name: str
    column: Column
    interval: Interval


class Ranges(msgspec.Struct, frozen=True):
    """How many items have a number from each edge to the next."""

    name: str
    column: Column
    edges: tuple[int, ...]


class Grid(msgspec.Struct, frozen=True):
    """How many items are in each cell: by their centroid, or in all that their footprint meets."""

    name: str
    place: Place
    cells: Cells
    precision: int


Measure = Total | Statistic | Terms | Dates | Ranges | Grid


def precision_name(grid: str) -> str:
    """The parameter that has the precision of a grid."""
    return grid + "_precision"


def measures(
    names: Sequence[str], precisions: Mapping[str, int], interval: Interval, inventory: Inventory
) -> list[Measure]:
    """The measures of aggregations by name, each once; `precisions` are by the names of parameters.

    Raises InvalidError for a name or a precision that is not allowed.
    """
    for grid, (_, cells) in GRIDS.items():
        parameter = precision_name(grid)
        least, greatest = PRECISIONS[cells]
        if not least <= precisions.get(parameter, least) <= greatest:
            raise InvalidError(
                parameter, precisions[parameter], f"allowed are whole numbers from {least} to {greatest}"
            )
    found = [measure for name in names for measure in _named(name, precisions, interval, inventory)]
    return list({measure.name: measure for measure in found}.values())


def _named(name: str, precisions: Mapping[str, int], interval: Interval, inventory: Inventory) -> list[Measure]:
    if name == TOTAL:
        return [Total(name)]
    if grid := GRIDS.get(name):
        place, cells = grid
        return [Grid(name, place, cells, precisions.get(precision_name(name), PRECISIONS[cells][0]))]
    if ranges := RANGES.get(name):
        # It is offered whatever items have.
        lenient = msgspec.structs.replace(inventory, known=None)
        return [Ranges(name, lenient.column(ranges[0], "aggregations"), ranges[1])]
    stem, _, suffix = name.rpartition("_")
    if not stem or "\0" in name or f"_{suffix}" not in {FREQUENCY, STATISTICS, *(f"_{kind}" for kind in KINDS)}:
        raise InvalidError("aggregations", name, allowed())
    column = inventory.column(_RENAMED.get(stem, stem), "aggregations")
    if f"_{suffix}" == FREQUENCY:
        return [Dates(name, column, interval) if column.kind == "time" else Terms(name, column)]
    if f"_{suffix}" == STATISTICS:
        return [Statistic(f"{stem}_{kind}", column, kind) for kind in kinds(column)]
    for kind in kinds(column):
        if suffix == kind:
            return [Statistic(name, column, kind)]
    raise InvalidError("aggregations", name, f"allowed of {stem} are {', '.join(kinds(column))} and frequency")


def kinds(column: Column) -> tuple[Kind, ...]:
    """The statistics of a property."""
    match column.kind:
        case "text":
            return "count", "missing"
        case "time":
            return "count", "missing", "min", "max"
        case "json":
            return KINDS


def allowed() -> str:
    """Which names are allowed, as the end of a sentence."""
    of_properties = ", ".join((FREQUENCY, STATISTICS, *(f"_{kind}" for kind in KINDS)))
    return (
        f"allowed are {', '.join((TOTAL, *RANGES, *GRIDS))}, and any property with one of {of_properties} at its end, "
        "such as datetime_min"
    )


class Available(NamedTuple):
    """A name that may be asked for, or a pattern of names, and what it answers."""

    name: str
    data_type: DataType
    description: str


_OF_CELLS: dict[Cells, str] = {
    "geohash": "geohash (precision 1 to 12, by default 1)",
    "geotile": "tile z/x/y of a web map (precision 0 to 29, by default 0)",
    "geohex": "H3 hexagon (precision 0 to 15, by default 0)",
}
_OF_PLACES: dict[Place, str] = {
    "centroid": "How many items have their centroid in each {}.",
    "geometry": "How many items have a footprint that meets each {}; an item counts in each of them.",
}
_OF_KINDS: dict[Kind, str] = {
    "count": "How many items have a value that is not null.",
    "missing": "How many items have none.",
    "min": "The least of the numbers of a property, or of the times.",
    "max": "The greatest of them.",
    "avg": "The average of the numbers of a property.",
    "sum": "The sum of the numbers of a property.",
}


def available() -> Iterator[Available]:
    """All that may be asked for; {property} stands for the name of any property."""
    yield Available(TOTAL, "numeric", "How many items match.")
    yield Available("datetime_min", "datetime", "The earliest datetime, or start_datetime where that is null.")
    yield Available("datetime_max", "datetime", "The latest of them.")
    yield Available(
        "datetime_frequency",
        "interval_month",
        f"How many items there are of each interval of the calendar: {', '.join(INTERVALS)}.",
    )
    yield Available("collection_frequency", "string", "How many items match of each collection.")
    for name, (property_, _) in RANGES.items():
        yield Available(name, "numeric", f"How many items have {property_} in each of fixed ranges.")
    for name, (place, cells) in GRIDS.items():
        yield Available(name, "string", _OF_PLACES[place].format(_OF_CELLS[cells]))
    yield Available(
        "{property}" + FREQUENCY, "string", "How many items have each value of a property; of arrays each element."
    )
    for kind, description in _OF_KINDS.items():
        yield Available("{property}_" + kind, "numeric", description)
    yield Available("{property}" + STATISTICS, "numeric", "All of those numbers, each under its own name.")
