"""Instants: the dates and timestamps of CQL2, and of texts in items; a date stands for its first moment in UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from satapi.stac.times import format_instant, parse_instant

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_date(text: str) -> date:
    """A date (RFC 3339, full-date). Raises ValueError."""
    if not _DATE.fullmatch(text):
        raise ValueError("a date is written as 2020-01-01")
    return date.fromisoformat(text)


def parse_timestamp(text: str) -> datetime:
    """A time in UTC (RFC 3339, date-time); digits beyond microseconds are cut. Raises ValueError."""
    return parse_instant(text)


def moment(value: date) -> datetime:
    """The instant in UTC that a date or a timestamp stands for."""
    return value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)


def moment_of_text(text: str) -> datetime | None:
    """The instant that a text in an item says, as a date or as a time; None where it says none."""
    try:
        return moment(parse_date(text)) if _DATE.fullmatch(text) else parse_timestamp(text)
    except ValueError:
        return None


def written(value: date) -> str:
    """A date or timestamp as RFC 3339 text in UTC."""
    return format_instant(value) if isinstance(value, datetime) else value.isoformat()
