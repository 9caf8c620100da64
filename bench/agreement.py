"""Whether two answers to one search hold the same items in the same order."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import orjson

Key = tuple[str, str]

# The peer orders an item with a start and an end by its start, satapi by its datetime: 6 seconds apart in this data.
START_S = 6.0

# Best first.
VERDICTS = ("equal", "ties", "starts", "differ")


class Page(NamedTuple):
    """The items of an answer: their keys (collection, id), and the values that order them (times in seconds)."""

    keys: list[Key]
    values: list[float]

    def before(self, last: float, distance: float) -> set[Key]:
        """The keys of the items whose value is farther than a distance from the last one's."""
        pairs = zip(self.keys, self.values, strict=True)
        return {key for key, value in pairs if abs(value - last) > distance}


def page(body: bytes, order: str) -> Page:
    """Read an answer, a feature collection or one item, whose order is that of a property."""
    document = orjson.loads(body)
    items = document["features"] if document["type"] == "FeatureCollection" else [document]
    values = [_number(item["properties"].get(order)) for item in items]
    return Page([(item["collection"], item["id"]) for item in items], values)


def compare(theirs: Page, ours: Page) -> str:
    """Say how two pages agree.

    equal: the same items in the same order; ties: but for items of one time (or value), whose order the two choose
    differently; starts: but for items whose times lie closer than START_S; differ: otherwise.
    """
    if theirs.keys == ours.keys:
        return "equal"
    if _alike(theirs, ours, 0.0):
        return "ties"
    return "starts" if _alike(theirs, ours, START_S) else "differ"


def _alike(theirs: Page, ours: Page, distance: float) -> bool:
    if len(theirs.keys) != len(ours.keys):
        return False
    last = ours.values[-1]
    close = all(abs(one - other) <= distance for one, other in zip(theirs.values, ours.values, strict=True))
    return close and theirs.before(last, distance) == ours.before(last, distance)


def _number(value: str | float | None) -> float:
    if isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    return float("inf") if value is None else value
