"""Areas that touch items by their edges: what an index knows of a box hides no item from a walk."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

import serving
from satapi.query import plan
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

_random = Random(20)
_PLACES = [(_random.uniform(-179, 178), _random.uniform(-89, 88)) for _ in range(60)] + [
    (-180, -90),
    (180, 90),
    (0, 0),
    (1e-60, -1e-60),
    (0.01, -0.01),
    (-0.005, 0.005),
    (12.345, -12.345),
]
_SIZES = [0, 1e-9, 0.001, 0.37]


@pytest.fixture(scope="module")
def dsn(make_database: Callable[[], str]) -> str:
    found = make_database()
    items = []
    for number, (x, y) in enumerate(_PLACES):
        size = _SIZES[number % 4] if max(abs(x), abs(y)) < 179 else 0
        ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
        shape = {"type": "Polygon", "coordinates": [ring]} if size else {"type": "Point", "coordinates": [x, y]}
        items.append(serving.item("c", f"item-{number}", geometry=shape))
    serving.store(found, [serving.collection("c")], items)
    serving.execute(found, "analyze items")
    return found


@pytest.mark.parametrize("broad_ratio", [-1, 1e30], ids=["walking", "by distance"])
async def test_an_area_that_touches_an_item_finds_it(
    dsn: str, monkeypatch: pytest.MonkeyPatch, broad_ratio: float
) -> None:
    monkeypatch.setattr(plan, "BROAD_RATIO", broad_ratio)
    async with serving.in_process(Settings(dsn=dsn)) as client:
        for number, (x, y) in enumerate(_PLACES):
            size = _SIZES[number % 4] if max(abs(x), abs(y)) < 179 else 0
            w, s, e, n = (max(x - 1, -180), max(y - 1, -90), min(x + size + 1, 180), min(y + size + 1, 90))
            for bbox in ((x, y, x, y), (w, s, x, n), (x + size, s, e, n), (w, s, e, y), (w, y + size, e, n)):
                answer = await client.post("/search", json={"bbox": bbox, "limit": 100})
                assert f"item-{number}" in [feature["id"] for feature in answer.json()["features"]], bbox
