"""Statements of searches: their text tells the shape of a search, and nothing that a client sent is in it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satapi.errors import InvalidError
from satapi.query import keyset, select
from satapi.query.conditions import Spans
from satapi.query.inventory import ITEMS
from satapi.stac.geometry import parse_bbox
from satapi.stac.search import Position, PropertyTest, Search, SortKey
from satapi.stac.times import Interval, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable

# What each kind of value may be, twice: searches of one shape take all of theirs from the one or from the other.
_TEXTS = ("mark-one", "'mark-two\" {} $1 --")
_NUMBERS = (12, 98765)
_TIMES = ("2020-01-01T00:00:00Z", "1999-12-31T23:59:59.5Z")
_SPANS = (Spans(), Spans(timedelta(days=3), timedelta.max))
_BOXES = ([1, 2, 3, 4], [-20, -30, -5, 50])
_CROSSING = ([170, 2, -170, 4], [100, -30, -5, 50])

_NAMES = st.sampled_from(["datetime", "created", "id", "collection", "eo:cloud_cover", "mark", "mark.inner"])
_TESTS = st.sampled_from(
    [
        ("mark", "eq", "text"),
        ("mark", "neq", "text"),
        ("mark", "lt", "number"),
        ("mark", "gte", "text"),
        ("mark", "in", "texts"),
        ("mark.inner", "contains", "text"),
        ("eo:cloud_cover", "lt", "number"),
        ("eo:cloud_cover", "eq", "null"),
        ("id", "startsWith", "text"),
        ("collection", "eq", "text"),
        ("datetime", "gt", "time"),
        ("created", "eq", "time"),
    ]
)

_SHAPES = st.fixed_dictionaries(
    {
        "limit": st.just(3),
        "collections": st.none() | st.integers(1, 3),
        "ids": st.none() | st.just(2),
        "area": st.none() | st.sampled_from([_BOXES, _CROSSING]),
        "window": st.none() | st.sampled_from(["both", "start", "end"]),
        "tests": st.lists(_TESTS, max_size=3),
        "sortby": st.lists(st.tuples(_NAMES, st.booleans()), max_size=4),
        "position": st.none() | st.fixed_dictionaries({"missing": st.booleans(), "backward": st.booleans()}),
    }
)


def _value(kind: str, which: int) -> object:
    match kind:
        case "text":
            return _TEXTS[which]
        case "texts":
            return (_TEXTS[which], _NUMBERS[which])
        case "number":
            return _NUMBERS[which]
        case "time":
            return _TIMES[which]
        case _:
            return None


def _named(name: str, which: int) -> str:
    """A property's name is a value too, unless it has a column or an index of its own."""
    return name.replace("mark", _TEXTS[which].replace(".", ""))


def _search(shape: dict[str, object], which: int) -> Search:
    """A search of the shape; `which` chooses its values."""
    sortby = tuple(SortKey(_named(name, which), descending) for name, descending in shape["sortby"])
    time = parse_instant(_TIMES[which])
    names = tuple(f"{_TEXTS[which]}{number}" for number in range(3))
    return Search(
        limit=shape["limit"],
        collections=None if shape["collections"] is None else names[: shape["collections"]],
        ids=None if shape["ids"] is None else names[: shape["ids"]],
        area=None if shape["area"] is None else parse_bbox(shape["area"][which]),
        window=_window(shape["window"], time),
        tests=tuple(PropertyTest(_named(name, which), op, _value(kind, which)) for name, op, kind in shape["tests"]),
        sortby=sortby,
        position=None if shape["position"] is None else _position(sortby, which, **shape["position"]),
    )


def _window(ends: str | None, time: object) -> Interval | None:
    return None if ends is None else Interval(None if ends == "end" else time, None if ends == "start" else time)


def _position(sortby: tuple[SortKey, ...], which: int, *, missing: bool, backward: bool) -> Position:
    values = [
        None if missing and key.column.nullable else (_TIMES if key.column.kind == "time" else ("1", '"two"'))[which]
        for key in keyset.order(sortby, ITEMS).values
    ]
    return Position(tuple(values), _TEXTS[which], _TEXTS[which], backward)


def _texts(search: Search, which: int = 0) -> list[str]:
    spans = _SPANS[which]
    statements = [
        select.page(search, ITEMS, spans).sql,
        select.page(search, ITEMS, spans, "size").sql,
        select.count(search, ITEMS, spans, 5),
        select.estimate(search, ITEMS, spans),
    ]
    found = []
    for statement in statements:
        text, values = statement.render()
        numbers = {int(number) for number in re.findall(r"\$(\d+)", text)}
        assert numbers == set(range(1, len(values) + 1))
        assert "mark" not in text
        assert "{" not in text
        found.append(text)
    return found


@settings(deadline=None, derandomize=True, max_examples=300)
@given(_SHAPES)
def test_two_searches_of_one_shape_are_one_text(shape: dict[str, object]) -> None:
    one, other = (_texts(_search(shape, which), which) for which in (0, 1))
    assert one == other


@pytest.mark.parametrize(
    "change",
    [
        lambda search: {"limit": search.limit + 50},
        lambda _: {"ids": ("a",)},
        lambda _: {"collections": ("c", "d", "e")},
    ],
)
def test_limits_and_lengths_of_lists_are_no_part_of_the_shape(change: Callable[[Search], dict[str, object]]) -> None:
    search = Search(limit=3, ids=("a", "b"), collections=("c", "d"))
    other = Search(**{"limit": 3, "ids": search.ids, "collections": search.collections, **change(search)})
    assert _texts(search) == _texts(other)


@pytest.mark.parametrize(
    "test",
    [
        PropertyTest("id", "eq", 5),
        PropertyTest("collection", "in", ("a", 5)),
        PropertyTest("created", "lt", 5),
        PropertyTest("datetime", "eq", "2020"),
        PropertyTest("datetime", "contains", "2020"),
        PropertyTest("datetime", "gt", "9999-12-31T23:59:60Z"),
        PropertyTest("geometry", "eq", "x"),
        PropertyTest("", "eq", "x"),
    ],
    ids=lambda test: f"{test.property} {test.operator} {test.value}",
)
def test_a_column_is_compared_with_values_of_its_type_alone(test: PropertyTest) -> None:
    with pytest.raises(InvalidError) as refused:
        select.page(Search(limit=1, tests=(test,)), ITEMS, Spans())
    assert refused.value.parameter.startswith("query")
