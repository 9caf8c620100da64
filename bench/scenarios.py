"""The searches that both servers are asked: each a maker of requests that differ, the same in every run."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import orjson

from client import request_bytes
from data import FIRST_TIME, LAND, LAST_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# The two collections whose items are large; the peer's and our times grow with the bytes of a page.
LARGE = ("landsat-c2-l2", "sentinel-2-l2a")

SEED = 7
Json = dict[str, object]
Key = tuple[str, str]


class Chance(NamedTuple):
    """What a request is drawn from: random numbers, and keys (collection, id) of items that exist."""

    random: random.Random
    keys: Sequence[Key]

    def bbox(self, degrees: float) -> list[float]:
        """A square on land."""
        west, south, east, north = self.random.choice(LAND)
        x = self.random.uniform(west, max(west, east - degrees))
        y = self.random.uniform(south, max(south, north - degrees))
        return [round(number, 3) for number in (x, y, x + degrees, y + degrees)]

    def window(self, days: int) -> str:
        """A closed interval within the archive."""
        first = self.random.uniform(0, (LAST_TIME - FIRST_TIME).days - days)
        start = (FIRST_TIME + timedelta(days=first)).replace(microsecond=0)
        return f"{_text(start)}/{_text(start + timedelta(days=days))}"

    def polygon(self, points: int) -> Json:
        """A ragged circle of 1.5 to 3 degrees on land."""
        west, south, east, north = self.bbox(6)
        ring = []
        for number in range(points):
            angle, radius = 2 * math.pi * number / points, self.random.uniform(1.5, 3)
            x, y = (west + east) / 2 + radius * math.cos(angle), (south + north) / 2 + radius * math.sin(angle)
            ring.append([round(x, 4), round(y, 4)])
        return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


class Scenario(NamedTuple):
    """A kind of search: its name, the property that orders it, its requests, and whether a floor is known."""

    name: str
    order: str
    draw: Callable[[Chance], bytes]
    has_floor: bool = False


def search(**body: object) -> bytes:
    """POST /search."""
    return request_bytes("POST", "/search", orjson.dumps(body))


def _item(chance: Chance) -> bytes:
    collection, item_id = chance.random.choice(chance.keys)
    return request_bytes("GET", f"/collections/{quote(collection, safe='')}/items/{quote(item_id, safe='')}")


def _five_ids(chance: Chance) -> bytes:
    return search(ids=[item_id for _, item_id in chance.random.sample(chance.keys, 5)])


def _of_one(limit: int) -> Callable[[Chance], bytes]:
    return lambda chance: search(collections=[chance.random.choice(LARGE)], limit=limit)


def _cloud_cover(chance: Chance) -> bytes:
    test = {"eo:cloud_cover": {"lt": chance.random.randint(5, 40)}}
    return search(bbox=chance.bbox(10), query=test, limit=50)


def _by_cloud_cover(chance: Chance) -> bytes:
    sortby = [{"field": "properties.eo:cloud_cover", "direction": "asc"}]
    return search(collections=[chance.random.choice(LARGE)], datetime=chance.window(365), sortby=sortby, limit=10)


def _fields(chance: Chance) -> bytes:
    paths = ["id", "type", "collection", "geometry", "bbox", "properties.datetime", "properties.eo:cloud_cover"]
    exclude = ["assets", "links"]
    fields = {"include": paths, "exclude": exclude}
    return search(collections=[chance.random.choice(LARGE)], datetime=chance.window(365), fields=fields, limit=500)


ONE_COLLECTION_10 = Scenario("one collection, 10 items", "datetime", _of_one(10), has_floor=True)

SCENARIOS = (
    Scenario("latest 10 over all", "datetime", lambda _: search(limit=10)),
    ONE_COLLECTION_10,
    Scenario("one collection, 100 items", "datetime", _of_one(100), has_floor=True),
    Scenario("bbox of 1 degree", "datetime", lambda chance: search(bbox=chance.bbox(1), limit=10)),
    Scenario(
        "5 degrees and 90 days",
        "datetime",
        lambda chance: search(bbox=chance.bbox(5), datetime=chance.window(90), limit=10),
    ),
    Scenario("month over all", "datetime", lambda chance: search(datetime=chance.window(30), limit=10)),
    Scenario("cloud cover in 10 degrees, 50 items", "datetime", _cloud_cover),
    Scenario("sorted by cloud cover, a year", "eo:cloud_cover", _by_cloud_cover),
    Scenario(
        "polygon of 60 points and a year",
        "datetime",
        lambda chance: search(intersects=chance.polygon(60), datetime=chance.window(365), limit=10),
    ),
    Scenario("5 ids", "datetime", _five_ids),
    Scenario("fields of 500 items", "datetime", _fields),
    Scenario("one item", "datetime", _item),
)


def requests(scenario: Scenario, keys: Sequence[Key], count: int) -> list[bytes]:
    """The first `count` requests of a scenario."""
    chance = Chance(random.Random(SEED), keys)
    return [scenario.draw(chance) for _ in range(count)]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
