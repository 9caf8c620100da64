"""What was asked: the members of a search or aggregation as they were sent, as texts of a GET or as JSON of a body."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from satapi.errors import InvalidError
from satapi.http import nesting
from satapi.http.formats import FORMATS, Format
from satapi.query.measures import GRIDS, INTERVALS, precision_name
from satapi.stac.aggregation import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from satapi.settings import Settings


class SortEntry(msgspec.Struct):
    """An entry of sortby in a body (sort extension)."""

    field: str
    direction: str = "asc"


class FieldsEntry(msgspec.Struct):
    """The fields member of a body (fields extension)."""

    include: list[str] | None = None
    exclude: list[str] | None = None


class Asked(msgspec.Struct, kw_only=True):
    """The members of a search as they were sent: by name those of a POST body, and the parameters of a GET.

    The last ones are those of an aggregation.
    """

    limit: int | None = None
    bbox: list[float] | None = None
    intersects: Raw | None = None
    datetime: str | None = None
    ids: list[str] | None = None
    collections: list[str] | None = None
    fields: FieldsEntry | None = None
    sortby: list[SortEntry] | None = None
    query: Raw | None = None
    q: str | list[str] | None = None
    filter: str | Raw | None = None
    filter_lang: str | None = msgspec.field(default=None, name="filter-lang")
    filter_crs: str | None = msgspec.field(default=None, name="filter-crs")
    token: str | None = None
    f: Format | None = None
    after: str | None = None
    aggregations: list[str] | None = None
    datetime_frequency_interval: Interval | None = None
    centroid_geohash_grid_frequency_precision: int | None = None
    centroid_geotile_grid_frequency_precision: int | None = None
    centroid_geohex_grid_frequency_precision: int | None = None
    geometry_geohash_grid_frequency_precision: int | None = None
    geometry_geotile_grid_frequency_precision: int | None = None
    geometry_geohex_grid_frequency_precision: int | None = None
    grid_geohash_frequency_precision: int | None = None
    grid_geotile_frequency_precision: int | None = None
    grid_geohex_frequency_precision: int | None = None


PRECISION_PARAMETERS = tuple(map(precision_name, GRIDS))
_OF_AGGREGATIONS = ("aggregations", "datetime_frequency_interval", *PRECISION_PARAMETERS)
_OF_ITEMS = ("limit", "fields", "sortby", "token", "f", "after")

SEARCH_PARAMETERS = tuple(name for name in Asked.__struct_encode_fields__ if name not in _OF_AGGREGATIONS)
AGGREGATE_PARAMETERS = tuple(name for name in Asked.__struct_encode_fields__ if name not in _OF_ITEMS)

# Those of a search of collections.
COLLECTION_PARAMETERS = (
    "limit",
    "bbox",
    "datetime",
    "fields",
    "sortby",
    "query",
    "q",
    "filter",
    "filter-lang",
    "filter-crs",
    "token",
)

_TYPES = {
    "limit": int,
    "bbox": list[float],
    "intersects": Raw,
    "datetime": str,
    "ids": list[str],
    "collections": list[str],
    "fields": FieldsEntry,
    "sortby": list[SortEntry],
    "query": Raw,
    "q": str | list[str],
    "filter": Raw,
    "filter-lang": str,
    "filter-crs": str,
    "token": str,
    "f": Format,
    "after": str,
    "aggregations": list[str],
    "datetime_frequency_interval": Interval,
    **dict.fromkeys(PRECISION_PARAMETERS, int),
}
_DECODERS: dict[str, msgspec.json.Decoder[object]] = {name: msgspec.json.Decoder(kind) for name, kind in _TYPES.items()}


def from_pairs(given: Sequence[tuple[str, str]], settings: Settings) -> Asked:
    """What the parameters of a GET ask for."""
    asked = Asked()
    for name, value in given:
        if name in {"intersects", "query"}:
            nesting.check(value.encode(errors="replace"), settings.nesting_max, name)
        setattr(asked, _attribute(name), _FROM_TEXT[name](value))
    return asked


def from_members(given: dict[str, Raw]) -> Asked:
    """What the members of a POST body ask for."""
    asked = Asked()
    for name, value in given.items():
        try:
            setattr(asked, _attribute(name), _DECODERS[name].decode(value))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidError(name, bytes(value).decode(errors="replace"), str(error)) from None
    return asked


def _attribute(name: str) -> str:
    return name.replace("-", "_")


# The values of GET parameters


def _plain(number: str) -> str:
    """The text, unless it is a number to Python alone. Raises ValueError."""
    if "_" in number or not number.isascii():
        raise ValueError(number)
    return number


def _whole_number(parameter: str, text: str) -> int:
    try:
        return int(_plain(text))
    except ValueError:
        raise InvalidError(parameter, text, "allowed are whole numbers") from None


def _interval(text: str) -> Interval:
    try:
        return msgspec.convert(text, Interval)
    except msgspec.ValidationError:
        raise InvalidError("datetime_frequency_interval", text, f"allowed are {', '.join(INTERVALS)}") from None


def _numbers(text: str) -> list[float]:
    try:
        return [float(_plain(number)) for number in text.split(",")]
    except ValueError:
        raise InvalidError("bbox", text, "allowed are 4 or 6 numbers with commas between them") from None


def _list(text: str) -> list[str]:
    return [entry for entry in text.split(",") if entry]


def _sort_entries(text: str) -> list[SortEntry]:
    # A plus that was not escaped arrives as a space.
    return [SortEntry(entry.lstrip("+- "), "desc" if entry.startswith("-") else "asc") for entry in _list(text)]


def _format(text: str) -> Format:
    for known in FORMATS:
        if known == text:
            return known
    raise InvalidError("f", text, f"allowed are {', '.join(FORMATS)}")


def _field_entries(text: str) -> FieldsEntry:
    names = _list(text)
    return FieldsEntry(
        [name.lstrip("+ ") for name in names if not name.startswith("-")],
        [name[1:] for name in names if name.startswith("-")],
    )


_FROM_TEXT: dict[str, Callable[[str], object]] = {
    "limit": partial(_whole_number, "limit"),
    "bbox": _numbers,
    "intersects": lambda text: Raw(text.encode(errors="replace")),
    # Likewise in the offset of a time.
    "datetime": lambda text: text.replace(" ", "+"),
    "ids": _list,
    "collections": _list,
    "fields": _field_entries,
    "sortby": _sort_entries,
    "query": lambda text: Raw(text.encode(errors="replace")),
    "q": str,
    "filter": str,
    "filter-lang": str,
    "filter-crs": str,
    "token": str,
    "f": _format,
    "after": str,
    "aggregations": _list,
    "datetime_frequency_interval": _interval,
    **{name: partial(_whole_number, name) for name in PRECISION_PARAMETERS},
}
