"""Filters as SQL: texts of the shape alone, areas and conditions that indexes answer."""

from __future__ import annotations

import msgspec
import pytest
import shapely

from satapi.cql2 import render, text
from satapi.cql2.ast import CaseInsensitive, Function, Like, Literal, Node, Property
from satapi.cql2.limits import Limits
from satapi.errors import InvalidError
from satapi.query import filters, narrow
from satapi.query.inventory import ITEMS
from satapi.stac.geometry import Area, parse_geometry

LIMITS = Limits(characters=10_000, nesting=50, terms=100, points=100)


def parse(written: str) -> Node:
    return text.parse(written, LIMITS)


def conditions(written: str, *, ordered: bool = True) -> list[tuple[str, list[object]]]:
    return [condition.render() for condition in filters.conditions([parse(written)], ITEMS, "filter", ordered=ordered)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a = 1", '"b\'; drop table items" = -2.5'),
        ("a LIKE 'x%' AND id = 'y'", "b LIKE '%' AND id = ''''"),
        ("CASEI(a) IN (CASEI('x'), 5)", "CASEI(b) IN (CASEI('y'), 6)"),
        ("a.b + 1 > 2 ^ c", "x.y.z + 100 > 0.5 ^ d"),
        ("S_WITHIN(a, POINT(1 2))", "S_WITHIN(b, POLYGON((0 0, 1 1, 1 0, 0 0)))"),
        ("T_DURING(INTERVAL(a, '2020-01-01'), b)", "T_DURING(INTERVAL(c, '2021-01-01T00:00:00Z'), d)"),
        ("A_CONTAINS(a, (1, 'x'))", "A_CONTAINS(b, (TRUE, (2, 3), DATE('2020-01-01')))"),
        ("TRUE OR upper(a) = 'X'", "FALSE OR UPPER(b) = 'Y'"),
    ],
)
def test_the_text_depends_on_the_shape_alone_and_values_are_parameters(one: str, other: str) -> None:
    first, second = conditions(one), conditions(other)
    assert [written for written, _ in first] == [written for written, _ in second]
    assert first != second


def test_conditions_that_must_all_hold_stand_alone() -> None:
    found = conditions("id = 'x' AND (datetime > DATE('2020-01-01') AND eo:cloud_cover < 5) AND (a = 1 OR b = 2)")
    assert [written.startswith("case when") for written, _ in found] == [False, False, True, True]
    # The index on the value serves where none gives the order.
    indexed = conditions("eo:cloud_cover < 5 AND a = 1", ordered=False)
    assert [written.startswith("case when") for written, _ in indexed] == [False, True]


def test_a_number_is_compared_as_a_range_of_numbers() -> None:
    ((written, values),) = conditions("50 >= eo:cloud_cover", ordered=False)
    subject = "nullif(properties -> $1::text, 'null'::jsonb)"
    assert written == f"({subject} <= $2::text::jsonb and {subject} > '-9e131071'::jsonb)"
    assert values == ["eo:cloud_cover", "50"]


def test_a_pattern_that_ends_with_half_an_escape_is_refused() -> None:
    node = Like(Property("a"), CaseInsensitive(Literal("x\\\\\\")))
    with pytest.raises(InvalidError, match="single backslash"):
        filters.conditions([node], ITEMS, "filter", ordered=True)


def test_unknown_functions_are_refused_with_the_known() -> None:
    with pytest.raises(InvalidError, match="known are casei, accenti"):
        filters.conditions([Function("Buffer", (Literal(1),))], ITEMS, "filter", ordered=True)


SQUARE = "POLYGON((0 0, 9 0, 9 9, 0 9, 0 0))"
GEOJSON = b'{"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9],[0,9],[0,0]]]}'


def narrowed(written: str) -> tuple[Area | None, str | None]:
    area, rest = narrow.narrowed(parse(written), "filter")
    return area, None if rest is None else render.to_text(rest)


def test_an_intersection_that_must_hold_is_the_area_of_the_search() -> None:
    square = parse_geometry(GEOJSON, points_max=10)
    assert narrowed(f"S_INTERSECTS(geometry, {SQUARE})") == (square, None)
    assert narrowed(f"a = 1 AND S_INTERSECTS({SQUARE}, properties.geometry)") == (square, "a = 1")
    area, rest = narrowed("a = 1 AND S_INTERSECTS(geometry, BBOX(170,-10,-170,10)) AND b = 2")
    assert [shapely.from_wkb(part.wkb).bounds for part in area.parts] == [(170, -10, 180, 10), (-180, -10, -170, 10)]
    assert rest == "a = 1 AND b = 2"
    assert narrowed("S_INTERSECTS(geometry, BBOX(-180,-90,180,90))")[0].world


def test_other_relations_narrow_the_search_and_are_still_asked() -> None:
    square = parse_geometry(GEOJSON, points_max=10)
    for operator in ("S_WITHIN", "S_CONTAINS", "S_EQUALS", "S_TOUCHES", "S_OVERLAPS", "S_CROSSES"):
        written = f"{operator}(geometry, POLYGON((0.0 0.0, 9.0 0.0, 9.0 9.0, 0.0 9.0, 0.0 0.0))) AND a = 1"
        assert narrowed(written) == (square, written)


@pytest.mark.parametrize(
    "written",
    [
        "a = 1",
        f"S_DISJOINT(geometry, {SQUARE})",
        f"NOT S_INTERSECTS(geometry, {SQUARE})",
        f"a = 1 OR S_INTERSECTS(geometry, {SQUARE})",
        f"S_INTERSECTS(footprint, {SQUARE})",
        "S_INTERSECTS(geometry, footprint)",
    ],
)
def test_what_need_not_meet_an_area_does_not_narrow_the_search(written: str) -> None:
    node = parse(written)
    assert narrow.narrowed(node, "filter") == (None, node)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("platform = 'x'", True),
        ("'x' = platform", True),
        ("platform IN ('x', 'y')", True),
        ("platform BETWEEN 'x' AND 'y'", True),
        ("platform IS NULL", True),
        ("NOT (platform = 'x' OR platform = 'y')", True),
        ("CASEI(platform) = CASEI('x')", False),
        ("platform LIKE 'x%'", False),
        ("platform = TIMESTAMP('2020-01-01T00:00:00Z')", False),
        ("platform = other", False),
        ("platform = 'x' OR other = 'y'", False),
    ],
)
def test_what_statistics_tell_of_is_left_to_postgresql_beside_an_order_by_time(written: str, *, plain: bool) -> None:
    known = msgspec.structs.replace(ITEMS, indexed=ITEMS.indexed | {"platform"}, estimated=frozenset({"platform"}))
    for inventory, expected in ((known, plain), (ITEMS, False)):
        (condition,) = filters.conditions([parse(written)], inventory, "filter", ordered=True)
        assert condition.render()[0].startswith("case when") != expected
