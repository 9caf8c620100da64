"""What is said of a search that took too long: its likeliest costly part, and what would help."""

from __future__ import annotations

import pytest

from satapi.cql2 import text
from satapi.cql2.limits import Limits
from satapi.query import cost
from satapi.query.inventory import ITEMS
from satapi.stac.freetext import Words
from satapi.stac.geometry import parse_bbox
from satapi.stac.search import PropertyTest, Search, SortKey

_AREA = parse_bbox([0, 0, 1, 1])
_LIMITS = Limits(characters=1000, nesting=10, terms=10, points=10)
_FILTER = text.parse("platform = 'a' AND S_INTERSECTS(geometry, POINT(1 1)) AND eo:cloud_cover < 5", _LIMITS)


@pytest.mark.parametrize(
    ("search", "part", "remedy"),
    [
        (Search(limit=1, filter=_FILTER, area=_AREA), "comparison of platform without", "satapi index create platform"),
        (Search(limit=1, tests=(PropertyTest("a.b", "eq", 1),)), "comparison of a.b without", "index create a.b"),
        (Search(limit=1, sortby=(SortKey("gsd"),), area=_AREA), "order by gsd without", "satapi index create gsd"),
        (Search(limit=1, area=_AREA, sortby=(SortKey("eo:cloud_cover"),)), "the area;", "a smaller or simpler one"),
        (Search(limit=1, tests=(PropertyTest("eo:cloud_cover", "lt", 1),)), "of eo:cloud_cover;", "an area, a time"),
        (Search(limit=1, text=Words(("fire",)), area=_AREA), "the words of q;", "an area or a time"),
        (Search(limit=1, area=parse_bbox([-180, -90, 180, 90])), "the number of items", "a lower limit"),
    ],
)
def test_the_costly_part_is_named_with_what_helps(search: Search, part: str, remedy: str) -> None:
    said = cost.advice(search, ITEMS)
    assert part in said
    assert remedy in said


def test_an_index_is_advised_only_where_it_would_be_read() -> None:
    touching = text.parse("S_OVERLAPS(geometry, proj:geometry)", _LIMITS)
    advised = cost.advice(Search(limit=1, filter=touching), ITEMS)
    assert "proj:geometry" in advised
    assert "index" not in advised


def test_what_a_search_of_collections_asks_is_named() -> None:
    asked = Search(limit=1, filter=text.parse("license = 'x'", _LIMITS))
    assert "asked of license" in cost.advice_for_collections(asked)
    assert "number of collections" in cost.advice_for_collections(Search(limit=1))
