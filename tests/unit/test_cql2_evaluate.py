"""The meaning of filters: three-valued logic, kinds, times, sets, calculations."""

from __future__ import annotations

from decimal import Decimal

import pytest

from satapi.cql2 import text
from satapi.cql2.evaluate import evaluate
from satapi.cql2.limits import Limits

LIMITS = Limits(characters=10_000, nesting=50, terms=100, points=100)

ITEM = {
    "id": "i",
    "collection": "c",
    "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]},
    "properties": {
        "datetime": "2020-06-15T12:00:00Z",
        "start_datetime": "2020-06-01T00:00:00Z",
        "end_datetime": "2020-06-30T00:00:00Z",
        "cloud": 5,
        "tenth": Decimal("0.1"),
        "big": 9007199254740993,
        "name": "Straße",
        "city": "Bogotá",
        "flag": False,
        "none": None,
        "tags": ["a", 1, [2], "2020-01-01"],
        "deep": {"er": [{"x": "y"}]},
        "seen": "2020-06-10",
        "place": {"type": "Point", "coordinates": [5, 5]},
        "broken": {"type": "Point", "coordinates": [5]},
    },
}


def truth(written: str) -> bool | None:
    return evaluate(text.parse(written, LIMITS), ITEM)


@pytest.mark.parametrize(
    ("one", "other", "both", "either"),
    [
        ("TRUE", "none = 1", None, True),
        ("FALSE", "none = 1", False, None),
        ("none = 1", "none = 1", None, None),
        ("TRUE", "FALSE", False, True),
    ],
)
def test_logic_has_three_values(one: str, other: str, both: object, either: object) -> None:
    assert truth(f"{one} AND {other}") is both
    assert truth(f"{other} OR {one}") is either
    assert truth("NOT none = 1") is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("cloud = 5.0", True),
        ("cloud = '5'", False),
        ("cloud <> '5'", True),
        ("cloud < 'a' OR cloud > 'a'", False),
        ("big = 9007199254740992", False),
        ("flag < TRUE AND flag = FALSE AND flag <> 0", True),
        ("tags = tags AND NOT tags < tags", True),
        ("deep.er.0.x = 'y' AND properties.deep.er.0.x = 'y' AND deep.er.1.x IS NULL", True),
        ("\"deep.er.-1.x\" = 'y'", True),
        ("missing IS NULL AND none IS NULL AND flag IS NOT NULL", True),
        ("(none = 1) IS NULL AND geometry IS NOT NULL", True),
        ("cloud BETWEEN 5 AND tenth * 60", True),
        ("cloud IN ('5', none)", None),
        ("cloud IN (5, none)", True),
        ("name LIKE 'Stra_e' AND name NOT LIKE 'stra%'", True),
        ("cloud LIKE '5'", None),
        ("CASEI(name) = CASEI('STRASSE') AND CASEI(name) LIKE CASEI('%SSE')", True),
        ("CASEI(cloud) = 5 AND CASEI(cloud) <> 'x'", True),
        ("ACCENTI(city) = 'Bogota' AND ACCENTI(CASEI(city)) LIKE ACCENTI(CASEI('BOGOTÁ'))", True),
        ("seen = DATE('2020-06-10') AND seen < datetime AND seen < TIMESTAMP('2020-06-10T00:00:00.1Z')", True),
        ("name = DATE('2020-06-10')", False),
        ("datetime > '2020-06-15'", True),
        ("tenth + 0.2 = 0.3 AND 1 / 4 = 0.25 AND 2 ^ 10 = 1024", True),
        ("-7 div 2 = -3 AND -7 % 2 = -1 AND 7.5 div 2 = 3", True),
        ("1 / 3 * 3 < 1 AND 1 / 3 * 3 > 0.9999999999", True),
        ("1 / 0 = 1", None),
        ("0 ^ -1 = 1", None),
        ("(0 - 2) ^ 0.5 = 1", None),
        ("10 ^ 999 > 1", None),
        ("name + 1 = 1", None),
        ("abs(-2.5) + round(2.5) + ceil(-0.5) + floor(0.5) = 5.5", True),
        ("upper(city) = 'BOGOTÁ' AND length(trim('  a ')) = 1 AND lower('É') = 'é'", True),
        ("year(datetime) = 2020 AND month(seen) = 6 AND day(seen) = 10 AND hour(datetime) = 12", True),
        ("area(geometry) = 100 AND size(tags) = 4 AND size(name) IS NULL", True),
    ],
)
def test_values_are_compared_as_what_they_are(written: str, expected: object) -> None:
    assert truth(written) is expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("S_INTERSECTS(geometry, POINT(10 10)) AND S_TOUCHES(geometry, POINT(10 10))", True),
        ("S_WITHIN(place, geometry) AND S_CONTAINS(geometry, place)", True),
        ("S_WITHIN(geometry, BBOX(-1, -1, 11, 11)) AND S_DISJOINT(geometry, BBOX(170, -1, -170, 1))", True),
        ("S_CROSSES(LINESTRING(-5 5, 5 5), geometry) AND S_OVERLAPS(geometry, BBOX(5, 5, 15, 15))", True),
        ("S_EQUALS(geometry, POLYGON((10 0, 10 10, 0 10, 0 0, 10 0)))", True),
        ("S_EQUALS(envelope(geometry), BBOX(0, 0, 10, 10))", True),
        ("S_INTERSECTS(broken, geometry)", None),
        ("S_INTERSECTS(name, geometry)", None),
        ("S_INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(20 20, 30 30)))", True),
        ("S_CONTAINS(geometry, GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(2 2, 3 3)))", None),
        ("S_CONTAINS(geometry, GEOMETRYCOLLECTION(POINT(1 1), POINT(2 2)))", True),
    ],
)
def test_geometries_are_related_in_the_plane(written: str, expected: object) -> None:
    assert truth(written) is expected


_MAY, _JUNE, _JULY = (
    f"INTERVAL('2020-{month}-01T00:00:00Z', '2020-{month}-30T00:00:00Z')" for month in ("05", "06", "07")
)
_MIDDLE = "INTERVAL('2020-06-10', '2020-06-20')"
_OWN = "INTERVAL(start_datetime, end_datetime)"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (f"T_AFTER({_OWN}, {_MAY}) AND T_BEFORE({_OWN}, {_JULY}) AND T_DISJOINT({_OWN}, {_JULY})", True),
        (f"T_EQUALS({_OWN}, {_JUNE}) AND T_INTERSECTS({_OWN}, {_JUNE}) AND NOT T_DURING({_OWN}, {_JUNE})", True),
        (f"T_CONTAINS({_OWN}, {_MIDDLE}) AND T_DURING({_MIDDLE}, {_OWN})", True),
        (f"T_MEETS({_MAY}, INTERVAL('2020-05-30', '..')) AND T_METBY({_OWN}, INTERVAL('..', '2020-06-01'))", True),
        (f"T_STARTS(INTERVAL(start_datetime, datetime), {_OWN})", True),
        (f"T_STARTEDBY({_OWN}, INTERVAL(start_datetime, seen))", True),
        (f"T_FINISHES(INTERVAL(datetime, end_datetime), {_OWN})", True),
        (f"T_FINISHEDBY({_OWN}, INTERVAL(seen, end_datetime))", True),
        (f"T_OVERLAPS({_OWN}, INTERVAL(datetime, '..')) AND T_OVERLAPPEDBY(INTERVAL(datetime, '..'), {_OWN})", True),
        (f"T_AFTER(datetime, DATE('2020-06-15')) AND T_BEFORE(seen, datetime) AND T_DURING(datetime, {_OWN})", True),
        ("T_EQUALS(INTERVAL('..', '..'), INTERVAL('..', '..')) AND T_INTERSECTS(seen, INTERVAL('..', '..'))", True),
        ("T_INTERSECTS(datetime, INTERVAL(missing, '..'))", None),
        ("T_INTERSECTS(datetime, INTERVAL(missing, '2020-01-01'))", False),
        ("T_AFTER(name, datetime)", None),
    ],
)
def test_times_are_related_by_their_starts_and_ends(written: str, expected: object) -> None:
    assert truth(written) is expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("A_CONTAINS(tags, ('a', 1.0)) AND NOT A_CONTAINS(tags, ('a', '1'))", True),
        ("A_EQUALS(tags, (DATE('2020-01-01'), (2), 1, 'a', 'a'))", True),
        ("A_CONTAINEDBY(('a'), tags) AND A_CONTAINEDBY((), tags)", True),
        ("A_OVERLAPS(tags, ('x', 1)) AND NOT A_OVERLAPS(tags, (TRUE, '1'))", True),
        ("A_OVERLAPS((cloud, flag), (5)) AND A_CONTAINS((cloud = 5, none), (TRUE))", True),
        ("A_CONTAINS(name, ('a'))", None),
        ("A_CONTAINS(missing, ())", None),
    ],
)
def test_arrays_are_related_as_sets(written: str, expected: object) -> None:
    assert truth(written) is expected
