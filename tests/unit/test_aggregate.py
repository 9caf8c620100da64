"""Statements of aggregations: their text tells the shape of what is asked, and nothing that a client sent is in it."""

from __future__ import annotations

import pytest

from satapi.query.aggregate import Limits, statement
from satapi.query.conditions import Spans
from satapi.query.inventory import ITEMS
from satapi.query.measures import GRIDS, measures
from satapi.stac.geometry import parse_bbox
from satapi.stac.search import PropertyTest, Search
from satapi.stac.times import parse_interval

# What each kind of value may be, twice: one text is made of all of the first, and of all of the second.
LIMITS = (Limits(1, 2, 3, 4, 5, 6), Limits(98_765, 87_654, 76_543, 65_432, 54_321, 43_210))
NAMES = ("mark-one", "'mark-two\" {} $1 --")
INTERVALS = ("month", "year")
WINDOWS = ("2020-01-01T00:00:00Z/2021-01-01T00:00:00Z", "1999-12-31T23:59:59.5Z/2000-01-01T00:00:00Z")
SUFFIXES = ("frequency", "count", "missing", "min", "max", "avg", "sum")


def text(which: int, *names: str, **restrictions: object) -> str:
    wanted = [name.replace("MARK", NAMES[which]) for name in names]
    precisions = {f"{name}_precision": 3 + which for name in GRIDS}
    found = measures(wanted, precisions, INTERVALS[which], ITEMS)
    asked = statement(Search(limit=1, **restrictions), ITEMS, Spans(), found, LIMITS[which])
    rendered, values = asked.render()
    assert rendered.count("$") >= len(values)
    return rendered


@pytest.mark.parametrize(
    "names",
    [
        ("total_count", "datetime_min", "datetime_max", "collection_frequency", "datetime_frequency"),
        ("created_frequency", "updated_min", "cloud_cover_frequency", *(f"MARK_{suffix}" for suffix in SUFFIXES)),
        tuple(GRIDS),
    ],
)
def test_the_text_depends_on_the_shape_alone(names: tuple[str, ...]) -> None:
    for restricted in (False, True):
        one, other = (
            text(
                which,
                *names,
                **(
                    {
                        "collections": (NAMES[which],),
                        "window": parse_interval(WINDOWS[which]),
                        "area": parse_bbox([which, 2, 3, 4]),
                        "tests": (PropertyTest(NAMES[which], "eq", NAMES[which]),),
                    }
                    if restricted
                    else {}
                ),
            )
            for which in (0, 1)
        )
        assert one == other
        assert "mark" not in one
        assert "2020" not in one


def test_items_are_read_only_for_what_the_counts_do_not_tell() -> None:
    whole = text(0, "total_count", "collection_frequency", "datetime_frequency")
    assert "item_counts" in whole
    assert "matches" not in whole
    assert "from items " not in whole
    mixed = text(0, "total_count", "cloud_cover_frequency")
    assert "item_counts" in mixed
    assert mixed.count("from items ") == 1
    restricted = text(0, "total_count", "cloud_cover_frequency", ids=("a",))
    assert "item_counts" not in restricted
    assert restricted.count("from items ") == 1


def test_a_property_is_read_once_for_all_that_is_asked_of_it() -> None:
    found = text(0, *(f"MARK_{suffix}" for suffix in SUFFIXES))
    assert found.count("properties ->") == 1
