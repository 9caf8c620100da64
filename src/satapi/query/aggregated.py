"""What the rows of an aggregation say, as the answers to its measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET, Raw

from satapi.errors import TooLargeError
from satapi.query import hexagons
from satapi.query.measures import INTERVAL_TYPES, Dates, Grid, Measure, Ranges, Statistic, Terms, Total
from satapi.stac.aggregation import Aggregation, Bucket, DataType
from satapi.stac.times import format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from satapi.query.aggregate import Limits

    GoOn = Callable[[], None]

_KINDS: dict[str | None, DataType] = {"string": "string", "number": "numeric", "boolean": "boolean", None: "string"}


class Row(NamedTuple):
    """A row of the statement of an aggregation."""

    place: int
    key: str | None
    kind: str | None
    frequency: int | None
    bytes: bytes | None


def answers(measures: Sequence[Measure], rows: Iterable[Row], limits: Limits, go_on: GoOn) -> list[Aggregation]:
    """The answers, in the order of the measures.

    Hexagons take a microsecond a centroid and up to milliseconds a footprint: `go_on`, called meanwhile, may raise.

    Raises TooLargeError for more items, or cells of them, than hexagons may be worked out of.
    """
    of: list[list[Row]] = [[] for _ in measures]
    for row in rows:
        of[row.place].append(row)
    return [_answer(measure, found, limits, go_on) for measure, found in zip(measures, of, strict=True)]


def _answer(measure: Measure, rows: list[Row], limits: Limits, go_on: GoOn) -> Aggregation:
    match measure:
        case Total() | Statistic():
            return _single(measure, rows[0].key)
        case Dates(name=name, interval=interval):
            buckets = [Bucket(key, "datetime", frequency) for key, _, frequency in sorted(_known(rows))]
            return Aggregation(name, INTERVAL_TYPES[interval], buckets=buckets, overflow=_overflow(rows))
        case Ranges(name=name, edges=edges):
            of = {int(key): frequency for key, _, frequency in _known(rows)}
            buckets = [_range(edges, number, of.get(number, 0)) for number in range(len(edges) + 1)]
            return Aggregation(name, "numeric", buckets=buckets, overflow=_overflow(rows))
        case Grid(cells="geohex"):
            return _hexagons(measure, rows, limits, go_on)
        case Terms(name=name) | Grid(name=name):
            known = sorted(_known(rows), key=lambda row: (-row.frequency, row.key.encode(), row.kind or ""))
            buckets = [Bucket(key, _KINDS[kind], frequency) for key, kind, frequency in known]
            return Aggregation(name, "string", buckets=buckets, overflow=_overflow(rows))


class _Known(NamedTuple):
    key: str
    kind: str | None
    frequency: int


def _known(rows: list[Row]) -> list[_Known]:
    return [_Known(row.key, row.kind, row.frequency or 0) for row in rows if row.key is not None]


def _overflow(rows: list[Row]) -> int:
    return sum(row.frequency or 0 for row in rows if row.key is None)


def _single(measure: Total | Statistic, key: str | None) -> Aggregation:
    is_time = isinstance(measure, Statistic) and measure.column.kind == "time" and measure.kind in {"min", "max"}
    if key is None:
        value = b"null"
    elif is_time:
        value = f'"{_time(key)}"'.encode()
    else:
        value = key.encode()
    return Aggregation(measure.name, "datetime" if is_time else "numeric", value=Raw(value))


def _time(text: str) -> str:
    return format_instant(parse_instant(text))


def _range(edges: tuple[int, ...], number: int, frequency: int) -> Bucket:
    low = edges[number - 1] if number else None
    high = edges[number] if number < len(edges) else None
    key = f"{'*' if low is None else float(low)}-{'*' if high is None else float(high)}"
    return Bucket(key, "numeric", frequency, UNSET if low is None else low, UNSET if high is None else high)


def _hexagons(grid: Grid, rows: list[Row], limits: Limits, go_on: GoOn) -> Aggregation:
    """Buckets of hexagons: those that hold most items. Each footprint is in all that it meets."""
    if grid.place == "centroid":
        (row,) = rows
        points, nowhere = row.bytes or b"", row.frequency or 0
        _check(grid, len(points) // hexagons.POINT_BYTES + nowhere, limits.centroids, "items")
        placed = hexagons.of_centroids(points, grid.precision, go_on)
    else:
        nowhere = 0
        _check(grid, sum(row.frequency or 0 for row in rows), limits.footprints, "items")
        footprints: list[hexagons.Cells] = []
        cells = 0
        for row in rows:
            go_on()
            footprints.append(hexagons.of_footprint(row.bytes, grid.precision, limits.cells))
            cells += len(footprints[-1])
            _check(grid, cells, limits.hexagons, "cells of footprints")
        placed = hexagons.of_footprints(footprints, [row.frequency or 0 for row in rows])
    found = hexagons.counted(placed, limits.buckets)
    buckets = [Bucket(cell, "string", items) for cell, items in found.cells]
    return Aggregation(grid.name, "string", buckets=buckets, overflow=found.overflow + nowhere)


def _check(grid: Grid, number: int, at_most: int, counted: str) -> None:
    if number > at_most:
        coarser = "" if counted == "items" else "a coarser precision, "
        raise TooLargeError(
            "aggregations",
            grid.name,
            f"it is worked out of at most {at_most} {counted}, and more match; {coarser}a smaller area, a shorter time "
            "or a filter helps, and geohash and geotile grids have no such limit",
        )
