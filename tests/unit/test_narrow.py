"""What filters say of an item's datetime, from the text of the filter."""

from __future__ import annotations

import pytest

from satapi.cql2.limits import Limits
from satapi.cql2.text import parse
from satapi.query.narrow import bounds, narrowed
from satapi.stac.times import format_instant

_LIMITS = Limits(characters=1000, nesting=10, terms=20, points=10)
_DAY = "2020-01-01T00:00:00Z"
_NEXT = "2020-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("written", "floor", "ceiling"),
    [
        (f"datetime > TIMESTAMP('{_DAY}')", _DAY, None),
        (f"TIMESTAMP('{_DAY}') > properties.datetime", None, _DAY),
        (f"datetime = '{_DAY}'", _DAY, _DAY),
        ("datetime BETWEEN DATE('2020-01-01') AND DATE('2020-01-02')", _DAY, _NEXT),
        (f"a = 1 AND (datetime >= '{_DAY}' AND datetime <= '{_NEXT}')", _DAY, _NEXT),
        (f"datetime >= '{_DAY}' AND datetime >= '{_NEXT}'", _NEXT, None),
        (f"T_DURING(datetime, INTERVAL('{_DAY}', '{_NEXT}'))", _DAY, _NEXT),
        (f"T_INTERSECTS(INTERVAL('{_DAY}', '..'), datetime)", _DAY, None),
        (f"T_BEFORE(datetime, INTERVAL('{_DAY}', '{_NEXT}'))", None, _DAY),
        (f"T_AFTER(datetime, INTERVAL('{_DAY}', '{_NEXT}'))", _NEXT, None),
        (f"T_BEFORE(TIMESTAMP('{_DAY}'), datetime)", _DAY, None),
        (f"T_DISJOINT(datetime, INTERVAL('{_DAY}', '{_NEXT}'))", None, None),
        (f"datetime <> '{_DAY}'", None, None),
        (f"datetime = '{_DAY}' OR a = 1", None, None),
        (f"NOT datetime > '{_DAY}'", None, None),
        (f"created > '{_DAY}'", None, None),
        ("datetime > created", None, None),
    ],
)
def test_the_datetime_is_bound_by_what_all_matches_keep(written: str, floor: str | None, ceiling: str | None) -> None:
    found = bounds([parse(written, _LIMITS)])
    assert [None if moment is None else format_instant(moment) for moment in found] == [floor, ceiling]


def test_a_polygon_that_is_all_hole_narrows_nothing() -> None:
    hollow = parse("S_WITHIN(geometry, POLYGON((0 0,1 0,1 1,0 0),(-5 -5,9 -5,9 9,-5 9,-5 -5)))", _LIMITS)
    assert narrowed(hollow, "filter") == (None, hollow)
