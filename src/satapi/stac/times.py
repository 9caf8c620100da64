"""Times: RFC 3339 instants and the intervals of the datetime parameter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import ciso8601
import msgspec

from satapi.errors import InvalidError

_ALLOWED = (
    "allowed are an RFC 3339 time with a zone (2020-01-01T00:00:00Z), or an interval of two such as "
    "2020-01-01T00:00:00Z/2020-12-31T23:59:59Z, of which one may be open (../2020-01-01T00:00:00Z)"
)


class Interval(msgspec.Struct, frozen=True):
    """A closed interval of UTC times; None is an open end, never on both sides. An instant has two equal ends."""

    start: datetime | None
    end: datetime | None


def parse_instant(text: str) -> datetime:
    """One RFC 3339 time in UTC; digits beyond microseconds are cut, a leap second is the second after it.

    Raises ValueError with what is wrong.
    """
    if len(text) < len("2020-01-01T00:00:00Z") or text[10] not in "Tt":
        raise ValueError("a time is written as 2020-01-01T00:00:00Z")
    leap = text[17:19] == "60"
    plain = (text[:17] + "59" + text[19:]) if leap else text
    try:
        instant = ciso8601.parse_rfc3339(plain.upper()).astimezone(UTC)
        return instant + timedelta(seconds=1) if leap else instant
    except OverflowError:
        raise ValueError("years go from 1 to 9999") from None


def parse_interval(text: str, parameter: str = "datetime") -> Interval:
    """The datetime parameter (OGC API Features 1.0, 7.15.3; STAC API 1.0.0 item-search).

    Raises InvalidError naming the parameter.
    """
    ends = text.split("/")
    try:
        match ends:
            case [one]:
                instant = parse_instant(one)
                return Interval(instant, instant)
            case ["" | "..", "" | ".."]:
                raise ValueError("one end must be a time")
            case [first, last]:
                interval = Interval(_end(first), _end(last))
            case _:
                raise ValueError("an interval has two ends")
    except (ValueError, OverflowError) as error:
        raise InvalidError(parameter, text, f"{error}; {_ALLOWED}") from None
    if interval.start is not None and interval.end is not None and interval.start > interval.end:
        raise InvalidError(parameter, text, f"the start lies after the end; {_ALLOWED}")
    return interval


def _end(text: str) -> datetime | None:
    return None if text in {"", ".."} else parse_instant(text)


def format_instant(instant: datetime) -> str:
    """RFC 3339 in UTC, with microseconds only where there are some."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
