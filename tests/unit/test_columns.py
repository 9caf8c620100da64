"""The times and the geometry that are taken out of an item."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from satapi.errors import InvalidError
from satapi.ingest.columns import SRID, read_times, to_ewkb

T1, T2, T3 = "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", "2020-01-03T00:00:00Z"
DAY = 86_400_000_000
D1 = 7305 * DAY


def times(**properties: object) -> tuple[int | None, ...]:
    return read_times(json.dumps(properties).encode())


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"datetime": T1}, (D1, None, None)),
        ({"datetime": T2, "start_datetime": T1, "end_datetime": T3}, (D1 + DAY, D1, D1 + 2 * DAY)),
        ({"datetime": None, "start_datetime": T2, "end_datetime": T3}, (D1 + DAY, D1 + DAY, D1 + 2 * DAY)),
        ({"start_datetime": T2, "end_datetime": T2}, (D1 + DAY, D1 + DAY, D1 + DAY)),
        ({"datetime": T1, "start_datetime": T1}, (D1, None, None)),
        ({"datetime": T1, "end_datetime": T1}, (D1, None, None)),
        ({"datetime": T1, "start_datetime": None, "end_datetime": None}, (D1, None, None)),
        ({"datetime": T1, "start_datetime": T2, "end_datetime": T3}, (D1, D1 + DAY, D1 + 2 * DAY)),
    ],
)
def test_an_item_is_at_its_datetime_or_else_at_its_start(properties: dict[str, str], expected: tuple[int, ...]) -> None:
    assert times(**properties)[:3] == expected


@pytest.mark.parametrize(
    ("properties", "named", "reason"),
    [
        ({}, "datetime", "only beside"),
        ({"datetime": None}, "datetime", "only beside"),
        ({"datetime": None, "start_datetime": T1}, "datetime", "only beside"),
        ({"datetime": None, "end_datetime": T1}, "datetime", "only beside"),
        ({"datetime": 5}, "datetime", "Expected `str | null`, got `int`"),
        ({"datetime": "yesterday"}, "datetime", "RFC 3339"),
        ({"datetime": "2020-01-01"}, "datetime", "RFC 3339"),
        ({"datetime": "2020-01-01T00:00:00"}, "datetime", "RFC 3339"),
        ({"datetime": "0001-01-01T00:00:00+01:00"}, "datetime", "1 to 9999"),
        ({"datetime": "9999-12-31T23:59:59-01:00"}, "datetime", "1 to 9999"),
        ({"datetime": T1, "start_datetime": "x"}, "start_datetime", "RFC 3339"),
        ({"datetime": T1, "end_datetime": []}, "end_datetime", "got `array`"),
        ({"datetime": T1, "start_datetime": T2, "end_datetime": T1}, "end_datetime", "before start_datetime"),
    ],
)
def test_a_wrong_time_is_named_with_the_reason(properties: dict[str, object], named: str, reason: str) -> None:
    with pytest.raises(InvalidError) as raised:
        times(**properties)
    assert raised.value.parameter == f"properties.{named}"
    assert reason in raised.value.allowed


@pytest.mark.parametrize("value", [None, 5, "x", "", "2020-01-01", {}, [], "0001-01-01T00:00:00+01:00", "\u00e9"])
def test_created_and_updated_are_left_out_when_they_are_no_times(value: object) -> None:
    assert times(datetime=T1, created=value, updated=T2) == (D1, None, None, None, D1 + DAY)
    assert times(datetime=T1, created=T2, updated=value) == (D1, None, None, D1 + DAY, None)


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(-840, 840))  # noqa: DTZ001 - made aware below
def test_times_are_exact_to_the_microsecond_in_every_offset(moment: datetime, offset_min: int) -> None:
    moment = moment.replace(tzinfo=UTC)
    sign, minutes = "-" if offset_min < 0 else "+", abs(offset_min)
    local = (moment + timedelta(minutes=offset_min)).replace(tzinfo=None).isoformat(timespec="microseconds")
    text = f"{local}{sign}{minutes // 60:02}:{minutes % 60:02}"
    since = moment - datetime(2000, 1, 1, tzinfo=UTC)
    assert times(datetime=text)[0] == since // timedelta(microseconds=1)


def geometry(document: object) -> bytes | InvalidError | None:
    (found,) = to_ewkb([json.dumps(document).encode()])
    return found


def ring(*points: tuple[float, ...]) -> list[tuple[float, ...]]:
    return [*points, points[0]]


SQUARE = ring((0, 0), (2, 0), (2, 2), (0, 2))


@pytest.mark.parametrize(
    "document",
    [
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Point", "coordinates": [1, 2, 3]},
        {"type": "Point", "coordinates": [180, -90]},
        {"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]},
        {"type": "LineString", "coordinates": [[1, 2], [3, 4]]},
        {"type": "MultiLineString", "coordinates": [[[1, 2], [3, 4]], [[5, 6, 7], [8, 9, 10]]]},
        {"type": "Polygon", "coordinates": [SQUARE, ring((0.5, 0.5), (1, 0.5), (1, 1))]},
        {"type": "MultiPolygon", "coordinates": [[SQUARE], [ring((5, 5), (6, 5), (6, 6))]]},
        {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 2]}]},
    ],
)
def test_every_type_of_geometry_is_taken(document: dict[str, object]) -> None:
    found = geometry(document)
    assert isinstance(found, bytes)
    stored = shapely.from_wkb(found)
    assert shapely.get_srid(stored) == SRID
    assert stored.equals(shapely.from_geojson(json.dumps(document)))


@pytest.mark.parametrize(
    "document",
    [
        {"type": "Point", "coordinates": []},
        {"type": "Polygon", "coordinates": []},
        {"type": "MultiPolygon", "coordinates": []},
        {"type": "GeometryCollection", "geometries": []},
    ],
)
def test_an_empty_geometry_counts_as_none(document: dict[str, object]) -> None:
    assert geometry(document) is None


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"type": "Point"}, "coordinates"),
        ({"type": "Point", "coordinates": None}, "array"),
        ({"type": "Point", "coordinates": [1]}, "two or three"),
        ({"type": "Point", "coordinates": [1, 2, 3, 4]}, "two or three"),
        ({"type": "Point", "coordinates": ["1", "2"]}, "must be number"),
        ({"type": "Point", "coordinates": [None, 1]}, "must be number"),
        ({"type": "Point", "coordinates": [180.1, 0]}, "-180 to 180"),
        ({"type": "Point", "coordinates": [0, -90.1]}, "-90 to 90"),
        ({"type": "LineString", "coordinates": [[1, 2]]}, "point array"),
        ({"type": "Polygon", "coordinates": SQUARE}, "array"),
        ({"type": "Polygon", "coordinates": [SQUARE[:-1]]}, "closed"),
        ({"type": "Polygon", "coordinates": [ring((0, 0), (0, 91), (1, 1))]}, "-90 to 90"),
        ({"type": "GeometryCollection"}, "geometries"),
        ({"type": "GeometryCollection", "geometries": [{"type": "Feature"}]}, "[Uu]nknown"),
        ({"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [0, 91]}]}, "-90 to 90"),
    ],
)
def test_a_wrong_geometry_is_refused_with_the_reason(document: dict[str, object], reason: str) -> None:
    found = geometry(document)
    assert isinstance(found, InvalidError)
    assert found.parameter == "geometry"
    with pytest.raises(InvalidError, match=reason):
        raise found


def test_a_coordinate_that_is_no_number_in_binary_is_refused() -> None:
    (found,) = to_ewkb([b'{"type":"Point","coordinates":[1e999,1]}'])
    assert isinstance(found, InvalidError)


@pytest.mark.parametrize(
    ("document", "area"),
    [
        ({"type": "Polygon", "coordinates": [ring((0, 0), (2, 2), (2, 0), (0, 2))]}, 2.0),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE], [[(x + 1, y) for x, y in SQUARE]]]}, 6.0),
        (
            {
                "type": "GeometryCollection",
                "geometries": [{"type": "Polygon", "coordinates": [[(x + dx, y) for x, y in SQUARE]]} for dx in (0, 1)],
            },
            6.0,
        ),
        ({"type": "Polygon", "coordinates": [ring((0, 0), (1, 1), (2, 2))]}, 0.0),
        ({"type": "Polygon", "coordinates": [ring((3, 3), (3, 3), (3, 3))]}, 0.0),
    ],
)
def test_a_geometry_that_crosses_itself_becomes_one_that_covers_the_same(
    document: dict[str, object], area: float
) -> None:
    found = geometry(document)
    assert isinstance(found, bytes)
    stored = shapely.from_wkb(found)
    assert stored.is_valid
    assert stored.area == pytest.approx(area)
    given = shapely.from_geojson(json.dumps(document))
    assert stored.bounds == given.bounds


def test_heights_are_left_out_also_where_only_some_parts_have_them() -> None:
    inner = {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 2, 3]}]}
    found = geometry({"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [5, 6]}, inner]})
    assert isinstance(found, bytes)
    assert shapely.from_wkb(found).equals_exact(shapely.MultiPoint([(1, 2), (5, 6)]), 0)
    assert not shapely.from_wkb(found).has_z


def test_a_geometry_that_crosses_itself_too_often_is_refused_and_others_are_not() -> None:
    tangle = [[number * 7919 % 180, number * 104_729 % 90] for number in range(400)]
    parts = [
        {"type": "LineString", "coordinates": [[n * 79.19 % 180, n * n * 10.47 % 90] for n in range(900)]},
        {"type": "Point", "coordinates": [1, 2]},
    ]
    documents = [{"type": "Polygon", "coordinates": [[*ring, ring[0]]]} for ring in (tangle, tangle[:3])]
    documents.append({"type": "GeometryCollection", "geometries": parts})
    refused, kept, united = to_ewkb([json.dumps(document).encode() for document in documents])
    for error, crossings in ((refused, 1_000), (united, 10_000)):
        assert isinstance(error, InvalidError)
        assert f"at most {crossings} crossings are allowed" in str(error)
    assert isinstance(kept, bytes)
