"""Random catalogs and random searches of them: everything that items and searches may hold, on a coarse grid.

Places are multiples of five degrees and times come from a short list, so that edges touch and times tie.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import Raw

if TYPE_CHECKING:
    from random import Random

Document = dict[str, object]

COLLECTIONS = ("a", "B", "c/ö %41", "long", "z z")
EMPTY_COLLECTION = "empty"

# In several collections.
_COMMON_IDS = (
    "s1",
    "s2",
    "S1",
    "s/1",
    "s%2F1",
    "..",
    "\u00fcn\u00ef",
    "日本",
    "s 1",
    "s'\"1",
    "s+1",
    "s&1=2#3?",
    "\U0001f6f0",
    "e\u0301",
    "\u00e9",
)

_TIMES = [
    datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=30 * month, microseconds=micros)
    for month in range(14)
    for micros in (0, 1)
]
_SPANS = [timedelta(0), timedelta(hours=1), timedelta(days=31), timedelta(days=800)]

_TEXTS = [
    "",
    "a",
    "A",
    "b",
    "B",
    "ab",
    "aB",
    "a%b",
    "a_b",
    "a\\b",
    "ß",
    "SS",
    "ΣΊΣΥΦΟΣ",
    "σίσυφος",
    "É",
    "é",
    "日本",
    "10",
    "9",
    "z" * 50,
]
_NUMBERS = [
    "0",
    "-0.0",
    "1",
    "1.0",
    "1.00",
    "1e0",
    "2",
    "10",
    "9",
    "9.5",
    "-3",
    "1e5",
    "100000",
    "12345678901234567890",
    "0.1",
    "1e-7",
    "1E+30",
]
# What q asks for: words of texts, with accents, cases, numbers and marks between them.
_TITLES = [
    "Forêt de feu",
    "FLOOD, flash flood",
    "fire flood",
    "Sentinel-2A L2A",
    "sentinel 2 A",
    "CO₂ fire",
    "日本 fire",
    "-",
    "Straße 7",
]
_ARRAYS = ["[]", "[1]", "[1,2]", '["a"]', '["b","a"]', "[null]", "[[1],2]", "[{}]"]
_OBJECTS = ["{}", '{"a":1}', '{"a":2}', '{"b":1}', '{"a":{"b":1}}', '{"bb":1,"a":2}']

# Names of properties, and which JSON texts each may have; a missing property is the empty text.
_CLOUDS = ["", "", "null", "0", "5", "5.0", "7.25", "50", "100"]
_MEMBERS: dict[str, list[str]] = {
    "eo:cloud_cover": _CLOUDS,
    "title": ["", "null", "7", *(msgspec.json.encode(text).decode() for text in _TITLES)],
    "keywords": [
        "",
        "{}",
        '"fire"',
        '["flash","flood"]',
        '["Feu",7,null,["fire"]]',
        '["sentinel-2","2a"]',
        '["a\\tb\\u0000c"]',
    ],
    "platform": ["", '"Sentinel-2A"', '"landsat-7"'],
    "number": ["", "null", *_NUMBERS],
    "text": ["", "null", *(msgspec.json.encode(text).decode() for text in _TEXTS)],
    "flag": ["", "true", "false", "null"],
    "list": ["", *_ARRAYS],
    "nested": ["", "null", "5", '{"a":1}', '{"a":"x"}', '{"a":{"b":7}}', '{"a":{"b":"X"}}', '{"a":[3,4]}'],
    "nested.a": ["", "1", '"x"'],
    'it\'s "ö" {}': ["", "1", "2", '"x"'],
    "created": [
        "",
        "null",
        '"2021-01-01T00:00:00Z"',
        '"2021-01-01T02:00:00+02:00"',
        '"2022-06-01T12:30:00.5Z"',
        '"soon"',
        "17",
    ],
    "updated": ["", '"2023-01-01T00:00:00.000001Z"', '"2023-01-01T00:00:00Z"'],
}
_MEMBERS["mixed"] = ["", "null", "true", "false", *_MEMBERS["text"][2:8], *_NUMBERS[:8], *_ARRAYS, *_OBJECTS]

SORTABLE = ("id", "collection", "datetime", "start_datetime", "end_datetime", *_MEMBERS, "nested.a.b", "nothing")


class Catalog(NamedTuple):
    """Documents as they are given to the loader."""

    collections: list[bytes]
    items: list[bytes]


def catalog(random: Random, size: int) -> Catalog:
    """A catalog of about `size` items."""
    collections = [_collection(name) for name in (*COLLECTIONS, EMPTY_COLLECTION)]
    keys = {(random.choice(COLLECTIONS), _identifier(random)) for _ in range(size)}
    return Catalog(collections, [item(random, *key) for key in sorted(keys)])


def _identifier(random: Random) -> str:
    return random.choice(_COMMON_IDS) if random.random() < 0.3 else f"item-{random.randrange(100_000):05}"


def _collection(name: str) -> bytes:
    return msgspec.json.encode({"type": "Collection", "id": name, "description": name, "links": []})


def item(random: Random, collection: str, identifier: str) -> bytes:
    """An item of any kind, as JSON text."""
    members = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": identifier,
        "collection": collection,
        "geometry": geometry(random) if random.random() < 0.93 else None,
        "properties": _properties(random, long=collection == "long"),
        "assets": {"data": {"href": f"./{identifier}", "size": Raw(random.choice(_NUMBERS).encode())}},
        "extra é": Raw(random.choice(_OBJECTS + _ARRAYS).encode()),
    }
    links = [{"rel": "root", "href": "../"}, {"rel": "derived_from", "href": "./x"}, {"rel": "self", "href": "./y"}]
    members["links"] = random.sample(links, random.randrange(4))
    names = list(members)
    random.shuffle(names)
    return msgspec.json.encode({name: members[name] for name in names})


def _properties(random: Random, *, long: bool) -> Document:
    found: Document = {}
    time = random.choice(_TIMES)
    first = time - random.choice(_SPANS if long else _SPANS[:2])
    last = time + random.choice(_SPANS if long else _SPANS[:2])
    match random.randrange(8):
        case 0:
            found |= {
                "datetime": None,
                "start_datetime": _instant(random, time),
                "end_datetime": _instant(random, last),
            }
        case 1:
            found |= {"start_datetime": _instant(random, first), "end_datetime": _instant(random, last)}
            found["datetime"] = _instant(random, time)
        case 2 if long:
            # Nothing says that the datetime lies between the two.
            found |= {"start_datetime": _instant(random, first), "end_datetime": _instant(random, first)}
            found["datetime"] = _instant(random, time)
        case _:
            found["datetime"] = _instant(random, time)
    for name, values in _MEMBERS.items():
        if text := random.choice(values):
            found[name] = Raw(text.encode())
    return found


def _instant(random: Random, time: datetime) -> str:
    text = time.isoformat()
    if random.random() < 0.2:
        text = (time + timedelta(hours=2)).isoformat().replace("+00:00", "+02:00")
    return text.replace("+00:00", "Z")


# Geometry


def _point(random: Random) -> list[float]:
    return [random.randrange(-36, 37) * 5, random.randrange(-18, 19) * 5]


def _ring(random: Random) -> list[list[float]]:
    """A closed ring around a place, sometimes a triangle; it stays inside the world."""
    (x, y), width, height = _point(random), random.choice([5, 10, 40]), random.choice([5, 10, 30])
    x, y = min(x, 180 - width), min(y, 90 - height)
    ring = [[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]]
    if random.random() < 0.3:
        del ring[random.randrange(1, 4)]
    return ring


_POINTS, _OTHERS, _ALL = range(4), range(4, 9), range(10)


def geometry(random: Random, kinds: range = _ALL) -> Document:
    """A valid GeoJSON geometry of any type, some in 3D.

    A collection has points or other geometries: prepared lines of GEOS (as PostGIS makes them when it tests many rows)
    overlook points in a collection that has polygons too.
    """
    match random.choice(kinds):
        case 0 | 1:
            return {"type": "Point", "coordinates": _point(random)}
        case 2:
            return {"type": "Point", "coordinates": [*_point(random), 123.5]}
        case 3:
            return {"type": "MultiPoint", "coordinates": [_point(random), _point(random)]}
        case 4:
            x, y = _point(random)
            return {"type": "LineString", "coordinates": [[x, y], [0, 0], [-x / 2, 45]]}
        case 5 | 6:
            return {"type": "Polygon", "coordinates": [_ring(random)]}
        case 7:
            west, south = random.choice([150, 170, 175]), random.randrange(-18, 17) * 5
            east, north = random.choice([-175, -160]), south + 10
            parts = [(west, 180), (-180, east)]
            boxes = [[[[a, south], [b, south], [b, north], [a, north], [a, south]]] for a, b in parts]
            return {"type": "MultiPolygon", "coordinates": boxes}
        case 8:
            ring = _ring(random)
            return {"type": "Polygon", "coordinates": [[[*point, 100.0] for point in ring]]}
        case _:
            kinds = random.choice([_POINTS, _OTHERS])
            parts = [geometry(random, kinds) for _ in range(random.randrange(1, 4))]
            return {"type": "GeometryCollection", "geometries": parts}


def moved(shape: Document, degrees: int) -> Document:
    """The geometry further east, over the antimeridian and beyond."""

    def shifted(coordinates: list) -> list:
        if isinstance(coordinates[0], list):
            return list(map(shifted, coordinates))
        return [coordinates[0] + degrees, *coordinates[1:]]

    if "geometries" in shape:
        return {**shape, "geometries": [moved(part, degrees) for part in shape["geometries"]]}
    return {**shape, "coordinates": shifted(shape["coordinates"])}


def bbox(random: Random) -> list[float]:
    """A box of any kind: narrow, broad, the world, a line, a point, across the antimeridian, with heights."""
    x, y = _point(random)
    width, height = random.choice([(0, 0), (0, 20), (10, 10), (40, 30), (90, 60), (300, 150), (360, 180)])
    west, south, east, north = x, y, x + width, min(y + height, 90)
    if width == 360:
        west, south, east, north = -180, -90, 180, 90
    elif east > 180 and random.random() < 0.8:
        east -= 360
    if random.random() < 0.1:
        return [west, south, -10, east, north, 9000]
    return [west, south, east, north]


# Searches


def search(random: Random, items: list[Document]) -> Document:
    """The members of a POST body, without a limit; values are taken from items, so that something is found."""
    asked: Document = {}
    if random.random() < 0.4:
        asked["collections"] = random.sample(
            [*COLLECTIONS, EMPTY_COLLECTION, "unknown"], random.choice([1, 1, 2, 3, 5])
        )
    if random.random() < 0.12:
        some = [str(item["id"]) for item in random.sample(items, random.choice([1, 3, 20]))]
        asked["ids"] = [*some, "s1", "nobody"]
    match random.randrange(10):
        case 0 | 1 | 2:
            asked["bbox"] = bbox(random)
        case 3 | 4:
            asked["intersects"] = moved(geometry(random), random.choice([0, 0, 0, 30, -360]))
        case _:
            pass
    if random.random() < 0.35:
        asked["datetime"] = window(random)
    if random.random() < 0.35:
        asked["query"] = dict(_test(random, items) for _ in range(random.choice([1, 1, 2])))
    if random.random() < 0.3:
        asked["q"] = text(random)
    if random.random() < 0.55:
        asked["sortby"] = _sortby(random)
    return asked


_TERMS = [
    "fire",
    "FLOOD",
    "feu",
    "forêt",
    "foret",
    "sentinel",
    "2a",
    "2",
    "7",
    "co2",
    "STRASSE",
    "日本",
    "absent",
    "fires",
]
_PHRASES = [
    "flash flood",
    "flood flash",
    "sentinel-2a",
    "Sentinel 2",
    "2 a",
    "feu fire",
    "L2A",
    "forêt de feu",
    "a b c",
]


def text(random: Random, depth: int = 2) -> str | list[str]:
    """Free text: terms, phrases, lists and operators."""
    if depth == 2 and random.random() < 0.15:
        return random.sample(_TERMS + _PHRASES, random.choice([1, 2, 3]))
    parts = [_factor(random, depth) for _ in range(random.choice([1, 1, 2, 2, 3]))]
    joints = (random.choice([" ", "  ", " AND ", " OR ", ", "]) for _ in parts[1:])
    return "".join([parts[0], *(piece for pair in zip(joints, parts[1:], strict=True) for piece in pair)])


def _factor(random: Random, depth: int) -> str:
    sign = random.choice(["", "", "", "+", "-"])
    if depth and random.random() < 0.2:
        return f"{sign}({text(random, depth - 1)})"
    return sign + random.choice([random.choice(_TERMS), random.choice(_TERMS), f'"{random.choice(_PHRASES)}"'])


def window(random: Random) -> str:
    """An instant or an interval."""
    one, other = sorted(random.choice(_TIMES) + random.choice([-1, 0, 0, 1]) * random.choice(_SPANS) for _ in range(2))
    first, last = _instant(random, one), _instant(random, other)
    return random.choice(
        [first, f"{first}/{last}", f"{first}/{last}", f"{first}/..", f"../{last}", f"{first}/", f"/{last}"]
    )


def _sortby(random: Random) -> list[Document]:
    names = random.sample(SORTABLE, random.choice([1, 1, 1, 2, 3]))
    prefixed = [
        f"properties.{name}" if name not in {"id", "collection"} and random.random() < 0.2 else name for name in names
    ]
    return [{"field": name, "direction": random.choice(["asc", "desc"])} for name in prefixed]


_TESTED = [name for name in _MEMBERS if name not in {"created", "updated"}]
_TIME_TESTED = ("datetime", "created", "updated", "start_datetime", "end_datetime")
_ORDERED = ("lt", "lte", "gt", "gte")


def _test(random: Random, items: list[Document]) -> tuple[str, object]:
    match random.randrange(8):
        case 0:
            name = random.choice(_TIME_TESTED)
            value = _instant(random, random.choice([*_TIMES, datetime(2021, 1, 1, tzinfo=UTC)]))
            return name, {random.choice([*_ORDERED, "eq", "neq"]): value}
        case 1:
            return random.choice(["id", "collection"]), _text_test(
                random, random.choice([*_COMMON_IDS, *COLLECTIONS, "item-5"])
            )
        case 2:
            return random.choice([*_TESTED, "created"]), {random.choice(["eq", "neq"]): None}
        case 3:
            return random.choice(["nested.a", "nested.a.b", "list.0", "nested.a.0"]), {
                random.choice(_ORDERED): random.choice([1, "X", "x"])
            }
        case _:
            name = random.choice(_TESTED)
            value = _scalar(random, name, items)
            if random.random() < 0.1:
                return f"properties.{name}", value
            if isinstance(value, str):
                return name, _text_test(random, value)
            if isinstance(value, bool):
                return name, {random.choice(["eq", "neq"]): value}
            operator = random.choice([*_ORDERED, "eq", "neq", "in"])
            return name, {operator: [value, "a", True] if operator == "in" else value}


def _text_test(random: Random, text: str) -> Document:
    operator = random.choice([*_ORDERED, "eq", "neq", "in", "startsWith", "endsWith", "contains"])
    part = text[: random.randrange(len(text) + 1)] if operator in {"startsWith", "contains"} else text
    cased = random.choice([part, part.upper(), part.lower()])
    return {operator: [cased, "b", "nobody"] if operator == "in" else cased}


def _scalar(random: Random, name: str, items: list[Document]) -> str | bool | int | float:
    """A value that some item has, or one of another type."""
    if random.random() < 0.2:
        return random.choice(["b", 1, 10, 0.1, True, False])
    held = [item["properties"].get(name) for item in items]
    plain = [value for value in held if isinstance(value, str | bool | int | Decimal)]
    value = random.choice(plain or ["b", 1])
    return float(value) if isinstance(value, Decimal) else value
