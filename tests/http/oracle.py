"""The oracle: what a search must find, in plain Python, item by item, and in which order."""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING

import shapely
from shapely import affinity

from satapi.cql2 import query
from satapi.cql2.evaluate import evaluate, lookup
from satapi.http.query import property_tests
from satapi.stac import freetext
from satapi.stac.times import parse_instant, parse_interval

if TYPE_CHECKING:
    from datetime import datetime

    from shapely.geometry.base import BaseGeometry

Document = dict[str, object]

_TIMES = {"datetime", "start_datetime", "end_datetime", "created", "updated"}


def parse(raw: bytes) -> Document:
    """An item with exact numbers."""
    return json.loads(raw, parse_float=Decimal)


def verbatim(raw: bytes | str) -> str:
    """JSON in one form that keeps the order of members and the text of numbers; links are left out."""
    document = json.loads(raw, parse_float=lambda text: f"#{text}", parse_int=lambda text: f"#{text}")
    return json.dumps({name: value for name, value in document.items() if name != "links"})


def found(items: list[Document], asked: Document) -> list[tuple[str, str]]:
    """The (collection, id) of the items that a search finds, in order."""
    areas = _areas(asked)
    interval = parse_interval(asked["datetime"]) if "datetime" in asked else None
    nodes = [query.node(test) for test in property_tests(json.dumps(asked.get("query", {})).encode(), 1000)]
    text = freetext.parse(asked["q"], _TEXT_LIMITS) if "q" in asked else None
    matching = [
        item
        for item in items
        if ("collections" not in asked or item["collection"] in asked["collections"])
        and ("ids" not in asked or item["id"] in asked["ids"])
        and (areas is None or _lies_in(item, areas))
        and (interval is None or _meets(item, interval.start, interval.end))
        and all(evaluate(node, item) is True for node in nodes)
        and (text is None or _has(item, text))
    ]
    keys = [
        (entry["field"].removeprefix("properties."), entry["direction"] == "desc") for entry in asked.get("sortby", [])
    ] or [("datetime", True)]
    # Python's sort is stable, so the keys are sorted by from the last to the first.
    first, down = keys[0]
    matching.sort(key=lambda item: (item["collection"], item["id"]), reverse=down and first not in _COLUMNS)
    for name, descending in reversed(keys):
        present = [item for item in matching if _sortable(name, item) is not None]
        missing = [item for item in matching if _sortable(name, item) is None]
        present.sort(key=lambda item, name=name: _rank(_sortable(name, item), top=True), reverse=descending)
        matching = present + missing
    return [(item["collection"], item["id"]) for item in matching]


# What is not a member of the properties alone.
_COLUMNS = {"id", "collection", "datetime", "start_datetime", "end_datetime", "created", "updated"}


def _areas(asked: Document) -> list[BaseGeometry] | None:
    if "intersects" in asked:
        area = shapely.force_2d(shapely.from_geojson(json.dumps(asked["intersects"])))
        beyond = shapely.bounds(area)[0] < -180 or shapely.bounds(area)[2] > 180
        return [affinity.translate(area, turn) for turn in ((-360, 0, 360) if beyond else (0,))]
    if "bbox" not in asked:
        return None
    numbers = asked["bbox"]
    west, south, east, north = numbers if len(numbers) == 4 else (numbers[0], numbers[1], numbers[3], numbers[4])
    if east - west >= 360:
        west, east = -180, 180
    if east > 180:
        east -= 360
    if west <= east:
        return [_box(west, south, east, north)]
    return [_box(west, south, 180, north), _box(-180, south, east, north)]


def _box(west: float, south: float, east: float, north: float) -> BaseGeometry:
    corners = shapely.MultiPoint([(west, south), (east, north), (west, north), (east, south)])
    return corners.envelope


def _lies_in(item: Document, areas: list[BaseGeometry]) -> bool:
    if item["geometry"] is None:
        return False
    geometry = shapely.force_2d(shapely.from_geojson(json.dumps(item["geometry"], default=float)))
    return any(bool(shapely.intersects(geometry, area)) for area in areas)


def _meets(item: Document, start: datetime | None, end: datetime | None) -> bool:
    """Whether the item's interval, or its one time, meets a closed interval."""
    properties = item["properties"]
    first, last = properties.get("start_datetime"), properties.get("end_datetime")
    if first is None or last is None:
        first = last = properties["datetime"]
    return (end is None or parse_instant(first) <= end) and (start is None or parse_instant(last) >= start)


_TEXT_LIMITS = freetext.Limits(characters=1000, terms=100, nesting=10)
_TEXTS = ("title", "description", "keywords", "instruments", "platform")


def _has(item: Document, text: freetext.FreeText) -> bool:
    """Whether the item's texts have what free text asks for."""
    match text:
        case freetext.Words(words):
            return any(f" {' '.join(words)} " in found for found in map(_spaced, _texts(item)))
        case freetext.And(arguments):
            return all(_has(item, argument) for argument in arguments)
        case freetext.Or(arguments):
            return any(_has(item, argument) for argument in arguments)
        case freetext.Not(argument):
            return not _has(item, argument)


def _texts(item: Document) -> list[str]:
    values = (item["properties"].get(name) for name in _TEXTS)
    listed = [each for value in values for each in (value if isinstance(value, list) else [value])]
    return [value for value in listed if isinstance(value, str)]


def _spaced(text: str) -> str:
    """The words of a text with a space before and after each."""
    marked = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(letter for letter in marked if not unicodedata.combining(letter))
    return f" {' '.join(''.join(letter if letter.isalnum() else ' ' for letter in plain).split())} "


def _sortable(name: str, item: Document) -> object:
    if name in {"created", "updated"}:
        # What is no time is not sorted by.
        value = item["properties"].get(name)
        try:
            return parse_instant(value) if isinstance(value, str) else None
        except ValueError:
            return None
    return lookup(name, item)


def _rank(value: object, *, top: bool = False) -> object:
    """What to compare: PostgreSQL's order of JSON values, in which an empty array by itself is below everything."""
    match value:
        case None:
            return (0,)
        case []:
            return (-1,) if top else (4, 0, ())
        case str():
            return (1, value)
        case bool():
            return (3, value)
        case int() | Decimal():
            return (2, value)
        case list():
            return (4, len(value), tuple(map(_rank, value)))
        case dict():
            # Short names come before long ones.
            names = sorted(value, key=lambda name: (len(name.encode()), name))
            return (5, len(value), tuple((name, _rank(value[name])) for name in names))
        case _:
            return (1, value)
