"""Times: RFC 3339 and nothing else, and intervals with open ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satapi.errors import InvalidError
from satapi.stac.times import Interval, format_instant, parse_instant, parse_interval

NEW_YEAR = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-01-01T00:00:00Z", NEW_YEAR),
        ("2020-01-01t00:00:00z", NEW_YEAR),
        ("2020-01-01T01:30:00+01:30", NEW_YEAR),
        ("2019-12-31T23:00:00-01:00", NEW_YEAR),
        ("2020-01-01T00:00:00-00:00", NEW_YEAR),
        ("2020-01-01T00:00:00.5Z", NEW_YEAR + timedelta(milliseconds=500)),
        ("2020-01-01T00:00:00.123456789Z", NEW_YEAR + timedelta(microseconds=123456)),
        ("2019-12-31T23:59:60Z", NEW_YEAR),
        ("2020-02-29T00:00:00Z", datetime(2020, 2, 29, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_a_time_with_a_zone_is_an_instant_in_utc(text: str, expected: datetime) -> None:
    parsed = parse_instant(text)
    assert parsed == expected
    assert parsed.utcoffset() == timedelta(0)


NO_TIMES = [
    "",
    "..",
    "2020",
    "2020-01-01",
    "2020-01-01T00:00Z",
    "2020-01-01T00:00:00",
    "2020-01-01 00:00:00Z",
    "2020-1-1T00:00:00Z",
    "20200101T000000Z",
    "2020-01-01T00:00:00+0100",
    "2020-01-01T00:00:00+01",
    "2020-01-01T24:00:00Z",
    "2020-01-01T00:60:00Z",
    "2020-01-01T00:00:61Z",
    "2020-13-01T00:00:00Z",
    "2021-02-29T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "9999-12-31T23:59:60Z",
    "2020-01-01T00:00:00.Z",
    "2020-01-01T00:00:00Z ",
    " 2020-01-01T00:00:00Z",
    "2020-01-01T00:00:00Zulu",
    "2020-W01-1T00:00:00Z",
    "infinity",
    "now",
]


@pytest.mark.parametrize("text", NO_TIMES)
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_instant(text)


_SINCE = st.timedeltas(timedelta(days=-730_000), timedelta(days=2_900_000))
_ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(deadline=None, derandomize=True)
@given(_SINCE, _ZONES)
def test_an_instant_is_read_back_as_it_is_written(since: timedelta, zone: timezone) -> None:
    instant = (NEW_YEAR + since).astimezone(zone)
    text = format_instant(instant)
    assert text.endswith("Z")
    assert parse_instant(text) == instant
    assert parse_instant(instant.isoformat()) == instant


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2020-01-01T00:00:00Z", NEW_YEAR, NEW_YEAR),
        ("2020-01-01T00:00:00Z/2020-01-01T00:00:00Z", NEW_YEAR, NEW_YEAR),
        ("2020-01-01T00:00:00Z/..", NEW_YEAR, None),
        ("2020-01-01T00:00:00Z/", NEW_YEAR, None),
        ("../2020-01-01T00:00:00Z", None, NEW_YEAR),
        ("/2020-01-01T00:00:00Z", None, NEW_YEAR),
        ("2020-01-01T00:00:00Z/2020-01-02T00:00:00Z", NEW_YEAR, NEW_YEAR + timedelta(days=1)),
    ],
)
def test_an_interval_has_one_or_two_ends(text: str, start: datetime | None, end: datetime | None) -> None:
    assert parse_interval(text) == Interval(start, end)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "..",
        "../..",
        "/..",
        "2020-01-01T00:00:00Z/2019-01-01T00:00:00Z",
        "2020-01-01T00:00:00Z/2021-01-01T00:00:00Z/2022-01-01T00:00:00Z",
        "2020-01-01/2021-01-01",
        "P1D/2020-01-01T00:00:00Z",
    ],
)
def test_what_is_no_interval_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(InvalidError, match="allowed are an RFC 3339 time") as refused:
        parse_interval(text, "when")
    assert refused.value.parameter == "when"
