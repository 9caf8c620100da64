"""Dates: times as headers have them, in whole seconds (RFC 9110, 5.6.7)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# The form to write, and the two older ones that are read too.
_FORMS = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")


def written(moment: datetime) -> str:
    """A time of UTC as a date."""
    return moment.strftime(_FORMS[0])


def read(values: Sequence[str]) -> datetime | None:
    """The time of a header that is there once and is a date; None otherwise, as if it were not there."""
    for form in _FORMS if len(values) == 1 else ():
        try:
            return datetime.strptime(values[0].strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
