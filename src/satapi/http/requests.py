"""Requests: GET parameters and POST bodies become one typed search."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from msgspec import Raw

from satapi.cql2.ast import And
from satapi.errors import InvalidError, TooLargeError
from satapi.http import filters, nesting
from satapi.http.query import property_tests
from satapi.query import keyset, narrow
from satapi.query.inventory import short
from satapi.query.rows import KEY_NAMES
from satapi.stac import fields as members
from satapi.stac import freetext, geometry, times
from satapi.stac.search import Fields, Search, SortKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from satapi.cql2.ast import Node
    from satapi.http.asked import Asked, FieldsEntry, SortEntry
    from satapi.query.inventory import Inventory
    from satapi.settings import Settings
    from satapi.stac.freetext import FreeText

_OBJECT = msgspec.json.Decoder(dict[str, Raw])


class PageSize(NamedTuple):
    """How many documents are on a page when no limit is asked for, and at most."""

    default: int
    maximum: int


def items_page(settings: Settings) -> PageSize:
    """The sizes of pages of items."""
    return PageSize(min(settings.limit_default, settings.limit_max), settings.limit_max)


def collections_page(settings: Settings) -> PageSize:
    """The sizes of pages of collections."""
    most = settings.collections_limit_max
    return PageSize(min(settings.collections_limit_default, most), most)


def pairs(
    request: Request, allowed: Sequence[str], settings: Settings, is_property: Callable[[str], bool] | None = None
) -> list[tuple[str, str]]:
    """The parameters of a GET in their order, properties among them. Raises InvalidError for unknown, repeated ones."""
    found: list[tuple[str, str]] = []
    seen: set[str] = set()
    query: bytes = request.scope["query_string"]
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if (name, value) == ("f", "json") and name not in allowed:
            # Many clients ask every OGC API for it; what has no other format is JSON anyway.
            continue
        if name not in allowed and not (is_property is not None and is_property(name)):
            if settings.unknown_parameters == "ignore":
                continue
            raise _unknown(name, value, allowed)
        if name in seen:
            raise InvalidError(name, value, "the parameter may be given once")
        seen.add(name)
        found.append((name, value))
    return found


def body_members(body: bytes, allowed: Sequence[str], settings: Settings) -> dict[str, Raw]:
    """The members of a POST body as JSON texts, without null ones. Raises InvalidError for unknown ones, bad JSON."""
    # A filter counts its own levels, of which each is two of JSON, and a sum of many terms is one.
    nesting.check(body, 2 * (settings.nesting_max + settings.terms_max), "body")
    shown = body[:_SHOWN].decode(errors="replace")
    try:
        given = _OBJECT.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError("body", shown, f"{error}; allowed is a JSON object") from None
    except RecursionError:
        raise TooLargeError("body", shown, "it is nested too deeply") from None
    for name, value in given.items():
        if name != "filter":
            nesting.check(bytes(value), settings.nesting_max - 1, name)
    if settings.unknown_parameters == "error":
        for name, value in given.items():
            if name not in allowed:
                raise _unknown(name, bytes(value).decode(errors="replace"), allowed)
    return {name: value for name, value in given.items() if name in allowed and bytes(value) != b"null"}


async def read_body(request: Request, settings: Settings, *, is_bulk: bool = False) -> bytes:
    """The body of a request. Raises TooLargeError as soon as it is over the limit."""
    at_most = settings.bulk_max_bytes if is_bulk else settings.body_max_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > at_most:
            raise TooLargeError("body", "a larger one", f"at most {at_most} bytes are allowed")
    return bytes(body)


def search(
    asked: Asked,
    inventory: Inventory,
    settings: Settings,
    collection_id: str | None = None,
    also: Sequence[Node] = (),
    *,
    size: PageSize | None = None,
) -> Search:
    """The search that is asked for, in all collections or in one; `also` must hold besides its filter.

    `size` is that of a page of items unless given. Raises InvalidError naming the parameter.
    """
    if asked.bbox is not None and asked.intersects is not None:
        raise InvalidError("bbox", ",".join(map(str, asked.bbox)), "it cannot be combined with intersects")
    sortby = _sortby(asked.sortby or (), inventory)
    area = None
    if asked.bbox is not None:
        area = geometry.parse_bbox(asked.bbox)
    elif asked.intersects is not None:
        area = geometry.parse_geometry(bytes(asked.intersects), points_max=settings.geometry_max_points)
    node = filters.tree(asked.filter, asked.filter_lang, asked.filter_crs, settings)
    if node is not None and area is None:
        area, node = narrow.narrowed(node, "filter")
    tests = (*([] if node is None else [node]), *also)
    collections = asked.collections
    if collection_id is not None:
        # Clients name the collection of the path again.
        if collections and collection_id not in collections:
            raise InvalidError("collections", ",".join(collections), f"the path asks for {collection_id!r} alone")
        collections = [collection_id]
    return Search(
        limit=page_limit(asked.limit, size or items_page(settings)),
        collections=_names("collections", collections, settings.collections_max),
        ids=_names("ids", asked.ids, settings.ids_max),
        area=area,
        window=None if asked.datetime is None else times.parse_interval(asked.datetime),
        filter=And(tests) if len(tests) > 1 else tests[0] if tests else None,
        text=None if asked.q is None else _text(asked.q, settings),
        tests=() if asked.query is None else property_tests(bytes(asked.query), settings.terms_max),
        sortby=sortby,
        fields=None if asked.fields is None else _fields(asked.fields),
        position=None if asked.token is None else keyset.decode(asked.token, sortby, inventory),
    )


def _text(given: str | list[str], settings: Settings) -> FreeText | None:
    limits = freetext.Limits(
        characters=settings.q_max_characters, terms=settings.terms_max, nesting=settings.nesting_max
    )
    return freetext.parse(given, limits)


def page_limit(limit: int | None, size: PageSize) -> int:
    """How many documents a page may have. Raises InvalidError."""
    if limit is None:
        return size.default
    if limit < 1:
        raise InvalidError("limit", limit, f"allowed are whole numbers from 1; more than {size.maximum} is lowered")
    return min(limit, size.maximum)


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


def _sortby(entries: Sequence[SortEntry], inventory: Inventory) -> tuple[SortKey, ...]:
    for entry in entries:
        if entry.direction not in {"asc", "desc"}:
            raise InvalidError("sortby", entry.direction, "allowed directions are asc and desc")
    keys = tuple(SortKey(short(entry.field), entry.direction == "desc") for entry in entries)
    if len(keys) > len(KEY_NAMES):
        raise TooLargeError("sortby", f"{len(keys)} fields", f"at most {len(KEY_NAMES)} are allowed")
    keyset.order(keys, inventory)
    return keys


def _fields(entry: FieldsEntry) -> Fields:
    return Fields(
        frozenset(path for name in entry.include or () for path in members.paths(name)),
        frozenset(path for name in entry.exclude or () for path in members.paths(name)),
    )


def _unknown(name: str, value: str, allowed: Sequence[str]) -> InvalidError:
    return InvalidError(name, value, f"there is no such parameter here; allowed are {', '.join(allowed)}")


_SHOWN = 200
