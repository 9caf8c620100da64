"""The oracle of aggregations: what they must answer, in plain Python, item by item; and a few items to ask for."""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import h3
import shapely
from shapely import affinity

from satapi.cql2.evaluate import lookup
from satapi.stac.times import format_instant, parse_instant
from serving import item

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import httpx
    from oracle import Document
    from shapely.geometry.base import BaseGeometry

_TIMES = {"datetime", "start_datetime", "end_datetime", "created", "updated"}
_RANGES = {
    "cloud_cover_frequency": ("eo:cloud_cover", [5, 15, 40]),
    "sun_azimuth_frequency": ("view:sun_azimuth", list(range(0, 361, 5))),
}
_GEOHASH = "0123456789bcdefghjkmnpqrstuvwxyz"

# An answer: the value, or what its buckets have (key, kind, frequency) and how many items are in none.
Answer = object


def answer(name: str, items: list[Document], *, interval: str, precision: int) -> Answer:
    """What an aggregation answers; the value as text, or a Counter of (key, kind) with None for the overflow."""
    if name == "total_count":
        return len(items)
    if name.endswith("_grid_frequency"):
        place, cells, *_ = name.split("_")
        found = (_cells(item, place, cells, precision) for item in items)
        return _buckets([("string", key) for key in keys] for keys in found)
    if name in _RANGES:
        member, edges = _RANGES[name]
        values = (_number(lookup(member, item)) for item in items)
        return _buckets([] if value is None else [("numeric", _range(value, edges))] for value in values)
    stem, _, suffix = name.rpartition("_")
    if suffix == "frequency":
        if stem in _TIMES:
            starts = (_start(_time(stem, item), interval) for item in items)
            return _buckets([] if start is None else [("datetime", format_instant(start))] for start in starts)
        return _buckets(list(dict.fromkeys(_terms(lookup(stem, item)))) for item in items)
    return _statistic(stem, suffix, items)


def _buckets(of_items: Iterable[list[tuple[str, str]]]) -> Counter[tuple[str, str] | None]:
    found: Counter[tuple[str, str] | None] = Counter()
    for keys in of_items:
        found.update(keys or [None])
    return found


def _statistic(stem: str, suffix: str, items: list[Document]) -> object:
    if stem in _TIMES:
        values = [value for item in items if (value := _time(stem, item)) is not None]
        present = len(values)
    else:
        present = sum(lookup(stem, item) is not None for item in items)
        values = [value for item in items if (value := _number(lookup(stem, item))) is not None]
    match suffix:
        case "count":
            return present
        case "missing":
            return len(items) - present
        case "min" | "max" if values:
            value = min(values) if suffix == "min" else max(values)
            return value if isinstance(value, Decimal) else format_instant(value)
        case "sum" if values:
            return sum(map(Fraction, values))
        case "avg" if values:
            return sum(map(Fraction, values)) / len(values)
        case _:
            return None


def _number(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _time(name: str, item: Document) -> datetime | None:
    """A time as it is stored: created and updated may hold anything, start and end count together alone."""
    properties = item["properties"]
    value = properties.get(name)
    if name == "datetime" and value is None:
        value = properties["start_datetime"]
    try:
        return parse_instant(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _start(instant: datetime | None, interval: str) -> datetime | None:
    if instant is None:
        return None
    names = ["year", "month", "day", "hour", "minute", "second"]
    if interval == "week":
        return (instant - timedelta(days=instant.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    if interval == "quarter":
        instant = instant.replace(month=instant.month - (instant.month - 1) % 3)
        interval = "month"
    first = {"month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}
    cut = {name: first[name] for name in names[names.index(interval) + 1 :]}
    return instant.replace(**cut, microsecond=0)


def _terms(value: object) -> Iterable[tuple[str, str]]:
    for element in value if isinstance(value, list) else [value]:
        match element:
            case bool():
                yield "boolean", json.dumps(element)
            case str():
                yield "string", element
            case int() | Decimal():
                yield "numeric", _plain(Decimal(element))
            case _:
                pass


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _range(value: Decimal, edges: list[int]) -> str:
    below = [edge for edge in edges if edge <= value]
    above = edges[len(below) :]
    return f"{float(below[-1]) if below else '*'}-{float(above[0]) if above else '*'}"


# Cells: all of a coarse grid are tried, where the server works out a few.


def _cells(item: Document, place: str, cells: str, precision: int) -> list[str]:
    if item["geometry"] is None:
        return []
    shape = shapely.force_2d(shapely.from_geojson(json.dumps(item["geometry"], default=float)))
    if shape.geom_type == "GeometryCollection":
        # As it is stored.
        shape = shapely.unary_union(shape)
    if place == "centroid":
        middle = _middle(shape)
        if cells == "geohex":
            return [h3.latlng_to_cell(middle.y, middle.x, precision)]
        return [key for key, box in _grid(cells, precision) if _holds(box, middle.x, middle.y)]
    return [key for key, box in _grid(cells, precision) if any(_meets(part, box) for part in _parts(shape))]


def _middle(shape: BaseGeometry) -> BaseGeometry:
    west, _, east, _ = shape.bounds
    if shapely.get_num_geometries(shape) > 1 and east - west > 180:
        turned = shapely.transform(shape, lambda points: points + [[360, 0]] * (points[:, :1] < 0))
        if turned.bounds[2] - turned.bounds[0] < east - west:
            middle = shapely.centroid(turned)
            return affinity.translate(middle, -360) if middle.x > 180 else middle
    return shapely.centroid(shape)


def _parts(shape: BaseGeometry) -> list[BaseGeometry]:
    return shapely.get_parts(shape).tolist()


class Box:
    """A cell: which of its edges are in it, `north_open` or `south_open`; the eastern one never is."""

    def __init__(self, sides: tuple[float, float, float, float], *, north_open: bool) -> None:
        self.west, self.south, self.east, self.north = sides
        self.north_open = north_open


def _grid(cells: str, precision: int) -> list[tuple[str, Box]]:
    if cells == "geohash":
        columns, rows = 2 ** math.ceil(5 * precision / 2), 2 ** (5 * precision // 2)
        found = []
        for x in range(columns):
            for y in range(rows):
                sides = (
                    _even(x, columns, 360),
                    _even(y, rows, 180),
                    _even(x + 1, columns, 360),
                    _even(y + 1, rows, 180),
                )
                ends = (sides[0], sides[1], _last(sides[2], 180), _last(sides[3], 90))
                found.append((_geohash(x, y, precision), Box(ends, north_open=True)))
        return found
    size = 2**precision
    found = []
    for x in range(size):
        for y in range(size):
            north = 91 if y == 0 else _latitude(y, size)
            south = -91 if y == size - 1 else _latitude(y + 1, size)
            sides = (_even(x, size, 360), south, _last(_even(x + 1, size, 360), 180), north)
            found.append((f"{precision}/{x}/{y}", Box(sides, north_open=False)))
    return found


def _even(number: int, of: int, degrees: int) -> float:
    return number * degrees / of - degrees / 2


def _last(side: float, end: float) -> float:
    return end + 1 if side == end else side


def _latitude(row: int, size: int) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / size))))


def _geohash(x: int, y: int, precision: int) -> str:
    bits = 5 * precision
    columns, rows = math.ceil(bits / 2), bits // 2
    found = 0
    for number in range(bits):
        of, left = (x, columns) if number % 2 == 0 else (y, rows)
        found = found << 1 | of >> (left - 1 - number // 2) & 1
    return "".join(_GEOHASH[found >> 5 * (precision - 1 - at) & 31] for at in range(precision))


def _holds(box: Box, x: float, y: float) -> bool:
    within = box.south <= y < box.north if box.north_open else box.south < y <= box.north
    return box.west <= x < box.east and within


def _meets(part: BaseGeometry, box: Box) -> bool:
    """Areas by their inside; of lines and points, which may lie on edges, each point must be in one cell."""
    if part.geom_type == "Point":
        return _holds(box, part.x, part.y)
    cell = shapely.box(box.west, box.south, box.east, box.north)
    if part.geom_type == "Polygon":
        return bool(shapely.relate_pattern(part, cell, "T********"))
    met = shapely.intersection(part, cell)
    if met.is_empty:
        return False
    points = [*shapely.get_coordinates(met).tolist(), *shapely.get_coordinates(shapely.centroid(met)).tolist()]
    points += [
        [line.interpolate(0.5, normalized=True).x, line.interpolate(0.5, normalized=True).y] for line in _lines(met)
    ]
    return any(_holds(box, *point) for point in points)


def _lines(shape: BaseGeometry) -> list[BaseGeometry]:
    return [
        shapely.LineString(ends)
        for part in _parts(shape)
        if part.geom_type == "LineString"
        for ends in zip(part.coords, part.coords[1:], strict=False)
    ]


# A few items, and how to ask for them.


def point(x: float, y: float) -> Document:
    """A GeoJSON point."""
    return {"type": "Point", "coordinates": [x, y]}


SQUARE = {"type": "Polygon", "coordinates": [[[1, 1], [4, 1], [4, 4], [1, 4], [1, 1]]]}

ITEMS = [
    item("a", "1", geometry=point(1, 1), properties={"datetime": "2020-01-15T00:00:00Z", "eo:cloud_cover": 4}),
    item("a", "2", geometry=point(-1, 1), properties={"datetime": "2020-01-31T23:59:59.999Z", "eo:cloud_cover": 5.0}),
    item("a", "3", geometry=SQUARE, properties={"datetime": "2020-02-01T00:00:00Z", "eo:cloud_cover": None}),
    item("a", "4", geometry=None, properties={"datetime": "2020-05-05T05:05:05Z", "eo:cloud_cover": "40"}),
    item("b", "1", properties={"datetime": "2021-01-01T00:00:00Z", "eo:cloud_cover": 99.5, "instruments": ["x", "y"]}),
    item("b", "2", properties={"datetime": "2021-01-01T00:00:00Z", "instruments": ["y", "y", 1, 1.0, True, {}, None]}),
]


async def answers(client: httpx.AsyncClient, *names: str, path: str = "/aggregate", **asked: object) -> Document:
    """By name: the value, or the buckets as (key, frequency) with the overflow as that of None."""
    response = await client.post(path, json={"aggregations": names, **asked})
    assert response.status_code == 200, response.text
    return {
        each["name"]: each["value"]
        if "value" in each
        else {**{bucket["key"]: bucket["frequency"] for bucket in each["buckets"]}, None: each["overflow"]}
        for each in response.json()["aggregations"]
    }
