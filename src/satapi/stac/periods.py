"""Periods: years, months and days of UTC, and parts of them, which the items of a collection are browsed by."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from satapi.stac import tokens

Unit = Literal["all", "year", "month", "day"]

_PERIOD = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_UNITS: tuple[Unit, ...] = ("all", "year", "month", "day")
_LENGTHS: dict[Unit, int] = {"all": 0, "year": 4, "month": 7, "day": 10}


class Place(msgspec.Struct, frozen=True, array_like=True):
    """An item's place in the order of its collection: by datetime, the latest first, and id."""

    datetime: datetime
    id: str


class Stretch(msgspec.Struct, frozen=True):
    """The items of a collection in a period, or the part of them from one place until before another one.

    `since` is the first moment of the period and `until` the first one after it; None has no such bound.
    """

    collection: str
    unit: Unit
    since: datetime | None = None
    until: datetime | None = None
    first: Place | None = None
    end: Place | None = None

    @property
    def name(self) -> str:
        """The period as paths have it: 2024, 2024-05 or 2024-05-17; empty for all of time."""
        return "" if self.since is None else name(self.since, self.unit)

    @property
    def below(self) -> Unit | None:
        """The unit of the periods in this one; None for a day, which is divided into parts."""
        return None if self.unit == "day" else _UNITS[_UNITS.index(self.unit) + 1]

    @property
    def above(self) -> str:
        """The name of the period that this one is in; of a part, its period's own."""
        return self.name if self.first or self.end else self.name.rpartition("-")[0]

    def part(self, first: Place, end: Place | None) -> Stretch:
        """A part of it."""
        return msgspec.structs.replace(self, first=first, end=end)


def name(moment: datetime, unit: Unit) -> str:
    """The name of the period that has the moment."""
    return moment.astimezone(UTC).isoformat()[: _LENGTHS[unit]]


def everything(collection: str) -> Stretch:
    """All items of a collection."""
    return Stretch(collection, "all")


def parse(collection: str, period: str, part: str | None = None) -> Stretch:
    """The items of a period by its name, or a part of them by its token. Raises ValueError for what is none."""
    match = _PERIOD.fullmatch(period)
    if match is None:
        raise ValueError(period)
    unit = _UNITS[sum(group is not None for group in match.groups())]
    year, month, day = (int(group or 1) for group in match.groups())
    since = datetime(year, month, day, tzinfo=UTC)
    stretch = Stretch(collection, unit, since, _after(since, unit))
    return stretch if part is None else stretch.part(*_decode(part))


def _after(since: datetime, unit: Unit) -> datetime | None:
    """The first moment after a period; None where there is none."""
    try:
        match unit:
            case "year":
                return since.replace(year=since.year + 1)
            case "month":
                return (since + timedelta(days=31)).replace(day=1)
            case _:
                return since + timedelta(days=1)
    except (ValueError, OverflowError):
        return None


class _Part(msgspec.Struct, array_like=True):
    first: Place
    end: Place | None


def token(first: Place, end: Place | None) -> str:
    """The token of a part, as paths have it."""
    return tokens.encode(_Part(first, end))


def _decode(text: str) -> tuple[Place, Place | None]:
    part = tokens.decode(text, _Part)
    for place in (part.first, part.end):
        if place is not None and (place.datetime.tzinfo is None or "\0" in place.id):
            raise ValueError(text)
    return part.first, part.end
