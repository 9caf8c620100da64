"""Requests: GET parameters and POST bodies become one typed search."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Raw

from satapi.errors import InvalidError, TooLargeError
from satapi.http import filters, nesting
from satapi.http.query import property_tests
from satapi.query import inventory, keyset, narrow
from satapi.query.rows import KEY_NAMES
from satapi.stac import fields as members
from satapi.stac import geometry, times
from satapi.stac.search import Fields, Search, SortKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from satapi.settings import Settings

T = TypeVar("T")


class SortEntry(msgspec.Struct):
    """An entry of sortby in a body (sort extension)."""

    field: str
    direction: str = "asc"


class FieldsEntry(msgspec.Struct):
    """The fields member of a body (fields extension)."""

    include: list[str] | None = None
    exclude: list[str] | None = None


class Asked(msgspec.Struct, kw_only=True):
    """The members of a search as they were sent: by name those of a POST body, and the parameters of a GET."""

    limit: int | None = None
    bbox: list[float] | None = None
    intersects: Raw | None = None
    datetime: str | None = None
    ids: list[str] | None = None
    collections: list[str] | None = None
    fields: FieldsEntry | None = None
    sortby: list[SortEntry] | None = None
    query: Raw | None = None
    filter: str | Raw | None = None
    filter_lang: str | None = msgspec.field(default=None, name="filter-lang")
    filter_crs: str | None = msgspec.field(default=None, name="filter-crs")
    token: str | None = None


SEARCH_PARAMETERS = Asked.__struct_encode_fields__

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
    "filter": Raw,
    "filter-lang": str,
    "filter-crs": str,
    "token": str,
}
_DECODERS: dict[str, msgspec.json.Decoder[object]] = {name: msgspec.json.Decoder(kind) for name, kind in _TYPES.items()}
_OBJECT = msgspec.json.Decoder(dict[str, Raw])


def pairs(request: Request, allowed: Sequence[str], settings: Settings) -> list[tuple[str, str]]:
    """The parameters of a GET in their order. Raises InvalidError for unknown and repeated ones."""
    found: list[tuple[str, str]] = []
    seen: set[str] = set()
    query: bytes = request.scope["query_string"]
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in allowed:
            if settings.unknown_parameters == "ignore":
                continue
            raise _unknown(name, value, allowed)
        if name in seen:
            raise InvalidError(name, value, "the parameter may be given once")
        seen.add(name)
        found.append((name, value))
    return found


def from_pairs(given: Sequence[tuple[str, str]], settings: Settings) -> Asked:
    """What the parameters of a GET ask for."""
    asked = Asked()
    for name, value in given:
        if name in {"intersects", "query"}:
            nesting.check(value.encode(errors="replace"), settings.nesting_max, name)
        setattr(asked, _attribute(name), _FROM_TEXT[name](value))
    return asked


def body_members(body: bytes, allowed: Sequence[str], settings: Settings) -> dict[str, Raw]:
    """The members of a POST body as JSON texts, without null ones. Raises InvalidError for unknown ones, bad JSON."""
    nesting.check(body, settings.nesting_max, "body")
    try:
        given = _OBJECT.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError(
            "body", body[:_SHOWN].decode(errors="replace"), f"{error}; allowed is a JSON object"
        ) from None
    if settings.unknown_parameters == "error":
        for name, value in given.items():
            if name not in allowed:
                raise _unknown(name, bytes(value).decode(errors="replace"), allowed)
    return {name: value for name, value in given.items() if name in allowed and bytes(value) != b"null"}


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


async def read_body(request: Request, settings: Settings) -> bytes:
    """The body of a request. Raises TooLargeError as soon as it is over the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > settings.body_max_bytes:
            raise TooLargeError("body", "a larger one", f"at most {settings.body_max_bytes} bytes are allowed")
    return bytes(body)


def search(asked: Asked, settings: Settings, collection_id: str | None = None) -> Search:
    """The search that is asked for, in all collections or in one. Raises InvalidError naming the parameter."""
    if asked.bbox is not None and asked.intersects is not None:
        raise InvalidError("bbox", ",".join(map(str, asked.bbox)), "it cannot be combined with intersects")
    sortby = _sortby(asked.sortby or ())
    area = None
    if asked.bbox is not None:
        area = geometry.parse_bbox(asked.bbox)
    elif asked.intersects is not None:
        area = geometry.parse_geometry(bytes(asked.intersects), points_max=settings.geometry_max_points)
    node = filters.tree(asked.filter, asked.filter_lang, asked.filter_crs, settings)
    if node is not None and area is None:
        area, node = narrow.narrowed(node, "filter")
    collections = asked.collections
    if collection_id is not None:
        # Clients name the collection of the path again.
        if collections and collection_id not in collections:
            raise InvalidError("collections", ",".join(collections), f"the path asks for {collection_id!r} alone")
        collections = [collection_id]
    return Search(
        limit=_limit(asked.limit, settings),
        collections=_names("collections", collections, settings.collections_max),
        ids=_names("ids", asked.ids, settings.ids_max),
        area=area,
        window=None if asked.datetime is None else times.parse_interval(asked.datetime),
        filter=node,
        tests=() if asked.query is None else property_tests(bytes(asked.query), settings.terms_max),
        sortby=sortby,
        fields=None if asked.fields is None else _fields(asked.fields),
        position=None if asked.token is None else keyset.decode(asked.token, sortby),
    )


def _limit(limit: int | None, settings: Settings) -> int:
    if limit is None:
        return min(settings.limit_default, settings.limit_max)
    if limit < 1:
        raise InvalidError(
            "limit", limit, f"allowed are whole numbers from 1; more than {settings.limit_max} is lowered"
        )
    return min(limit, settings.limit_max)


def _names(parameter: str, names: Sequence[str] | None, at_most: int) -> tuple[str, ...] | None:
    """Ids, each once; an empty list asks for nothing, as clients mean it who send all their members."""
    if not names:
        return None
    if len(names) > at_most:
        raise TooLargeError(parameter, f"{len(names)} ids", f"at most {at_most} are allowed")
    for name in names:
        if "\0" in name:
            raise InvalidError(parameter, name, "no id holds the character U+0000")
    return tuple(dict.fromkeys(names))


def _sortby(entries: Sequence[SortEntry]) -> tuple[SortKey, ...]:
    for entry in entries:
        if entry.direction not in {"asc", "desc"}:
            raise InvalidError("sortby", entry.direction, "allowed directions are asc and desc")
    keys = tuple(SortKey(inventory.short(entry.field), entry.direction == "desc") for entry in entries)
    if len(keys) > len(KEY_NAMES):
        raise TooLargeError("sortby", f"{len(keys)} fields", f"at most {len(KEY_NAMES)} are allowed")
    keyset.order(keys)
    return keys


def _fields(entry: FieldsEntry) -> Fields:
    return Fields(
        frozenset(path for name in entry.include or () for path in members.paths(name)),
        frozenset(path for name in entry.exclude or () for path in members.paths(name)),
    )


def _unknown(name: str, value: str, allowed: Sequence[str]) -> InvalidError:
    return InvalidError(name, value, f"there is no such parameter here; allowed are {', '.join(allowed)}")


_SHOWN = 200


# The values of GET parameters


def _plain(number: str) -> str:
    """The text, unless it is a number to Python alone. Raises ValueError."""
    if "_" in number or not number.isascii():
        raise ValueError(number)
    return number


def _whole_number(text: str) -> int:
    try:
        return int(_plain(text))
    except ValueError:
        raise InvalidError("limit", text, "allowed are whole numbers from 1") from None


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


def _field_entries(text: str) -> FieldsEntry:
    names = _list(text)
    return FieldsEntry(
        [name.lstrip("+ ") for name in names if not name.startswith("-")],
        [name[1:] for name in names if name.startswith("-")],
    )


_FROM_TEXT: dict[str, Callable[[str], object]] = {
    "limit": _whole_number,
    "bbox": _numbers,
    "intersects": lambda text: Raw(text.encode(errors="replace")),
    # Likewise in the offset of a time.
    "datetime": lambda text: text.replace(" ", "+"),
    "ids": _list,
    "collections": _list,
    "fields": _field_entries,
    "sortby": _sort_entries,
    "query": lambda text: Raw(text.encode(errors="replace")),
    "filter": str,
    "filter-lang": str,
    "filter-crs": str,
    "token": str,
}
