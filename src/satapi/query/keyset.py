"""Keysets: the order of a search, and the tokens that say where in it a page starts."""

from __future__ import annotations

import binascii
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from satapi.errors import InvalidError
from satapi.query.inventory import Column, Inventory
from satapi.query.sql import Sql, join, sql
from satapi.stac.search import Position, SortKey
from satapi.stac.times import format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Sequence


class Key(msgspec.Struct, frozen=True):
    """One column of an order."""

    column: Column
    descending: bool


class Order(msgspec.Struct, frozen=True):
    """The columns that order a search; they always hold collection and id, so no two items are equal in it.

    Missing values are last, in both directions; `backward` reads all of it from the other end.
    """

    keys: tuple[Key, ...]
    backward: bool = False

    @property
    def values(self) -> tuple[Key, ...]:
        """The keys whose values a token holds beside collection and id."""
        return tuple(key for key in self.keys if key.column.kind != "text")

    @property
    def is_by_time(self) -> bool:
        """Whether it is by datetime, then collection and id: what the time indexes hold."""
        match self.keys:
            case (
                Key(Column(name="datetime")),
                Key(Column(name="collection"), descending=False),
                Key(Column(name="id"), descending=False),
            ):
                return True
            case _:
                return False

    @property
    def is_straight(self) -> bool:
        """Whether it is by an indexed JSON property, then collection and id, all in one direction: as its index."""
        match self.keys:
            case (
                Key(Column(kind="json", indexed=True), first),
                Key(Column(name="collection"), second),
                Key(Column(name="id"), third),
            ):
                return first == second == third
            case _:
                return False


def order(sortby: Sequence[SortKey], inventory: Inventory, *, backward: bool = False) -> Order:
    """The order for the sort extension's keys, or the inventory's own without any. Raises InvalidError.

    Documents with equal values go in the direction of a first key that is a JSON property, as in its index.
    """
    keys = tuple(sortby) or inventory.order
    down = keys[0].descending and inventory.column(keys[0].field, "sortby").kind == "json"
    first: dict[str, Key] = {}
    for key in (*keys, *(SortKey(name, down) for name in inventory.key)):
        first.setdefault(key.field, Key(inventory.column(key.field, "sortby"), key.descending))
    return Order(tuple(first.values()), backward)


def sorted_by(key: Key, expression: Sql, *, backward: bool, nulls: bool = True) -> Sql:
    """One entry of an ORDER BY list; without `nulls` no value is missing, and an index is read either way."""
    direction = sql("{} desc", expression) if key.descending != backward else expression
    if not key.column.nullable or not nulls:
        return direction
    return sql("{} nulls first", direction) if backward else sql("{} nulls last", direction)


def after(order: Order, position: Position) -> Sql:
    """The condition that an item comes after the position, in reading direction."""
    values = _by_name(order, position)
    alternatives: list[Sql] = []
    equal: list[Sql] = []
    for key in order.keys:
        value = values[key.column.name]
        beyond = _beyond(key, value, backward=order.backward)
        if beyond is not None:
            alternatives.append(join(" and ", [*equal, beyond]))
        expression = key.column.expression
        equal.append(sql("{} is null", expression) if value is None else sql("{} = {}", expression, value))
    return sql("(({}))", join(") or (", alternatives))


def _beyond(key: Key, value: Sql | None, *, backward: bool) -> Sql | None:
    expression = key.column.expression
    if value is None:
        return sql("{} is not null", expression) if backward else None
    less = key.descending != backward
    condition = sql("{} < {}", expression, value) if less else sql("{} > {}", expression, value)
    if key.column.nullable and not backward:
        return sql("({} or {} is null)", condition, expression)
    return condition


def bound(order: Order, position: Position) -> Sql | None:
    """A weaker condition than `after` that an index on the first key can start from; None where there is none."""
    key = order.keys[0]
    value = _by_name(order, position)[key.column.name]
    if value is None:
        return None
    expression = key.column.expression
    return (
        sql("{} <= {}", expression, value) if key.descending != order.backward else sql("{} >= {}", expression, value)
    )


def values(order: Order, position: Position) -> tuple[Sql | None, ...]:
    """The values of the position, by the order's keys; None where one is missing."""
    by_name = _by_name(order, position)
    return tuple(by_name[key.column.name] for key in order.keys)


def _by_name(order: Order, position: Position) -> dict[str, Sql | None]:
    values: dict[str, Sql | None] = {
        "collection": sql("{}::text", position.collection),
        "id": sql("{}::text", position.id),
    }
    for key, text in zip(order.values, position.values, strict=True):
        if text is None:
            values[key.column.name] = None
        elif key.column.kind == "time":
            values[key.column.name] = sql("{}::timestamptz", parse_instant(text))
        else:
            values[key.column.name] = sql("{}::text::jsonb", text)
    return values


def position(values: Sequence[object], collection: str, identifier: str, before: int, *, backward: bool) -> Position:
    """The place of an item in the order, from the values of its row (times, and JSON texts) and how many precede it."""
    texts = tuple(format_instant(value) if isinstance(value, datetime) else value for value in values)
    return msgspec.convert(
        {"values": texts, "collection": collection, "id": identifier, "backward": backward, "before": before}, Position
    )


class _Token(msgspec.Struct, array_like=True):
    """What a token holds: the order that it belongs to, and a position in it."""

    order: int
    backward: bool
    values: tuple[str | None, ...]
    collection: str
    id: str
    before: Annotated[int, Meta(ge=0)] = 0


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Token)


def encode(sortby: Sequence[SortKey], inventory: Inventory, place: Position) -> str:
    """The opaque token of a position."""
    token = _Token(
        _signature(sortby, inventory), place.backward, place.values, place.collection, place.id, place.before
    )
    return urlsafe_b64encode(_ENCODER.encode(token)).rstrip(b"=").decode()


def decode(text: str, sortby: Sequence[SortKey], inventory: Inventory) -> Position:
    """The position of a token. Raises InvalidError for one that is not ours, or of another order."""
    allowed = "allowed is the token of a next or prev link, with the sortby of that link"
    try:
        token = _DECODER.decode(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
        if token.order != _signature(sortby, inventory) or "\0" in token.collection or "\0" in token.id:
            raise InvalidError("token", text, allowed)
        for key, value in zip(order(sortby, inventory).values, token.values, strict=True):
            _check(key, value)
    except (ValueError, UnicodeEncodeError, binascii.Error, msgspec.DecodeError, RecursionError):
        raise InvalidError("token", text, allowed) from None
    return Position(token.values, token.collection, token.id, token.backward, token.before)


def _check(key: Key, value: str | None) -> None:
    if value is None:
        if not key.column.nullable:
            raise ValueError("the value is missing")
    elif key.column.kind == "time":
        parse_instant(value)
    else:
        msgspec.json.decode(value)


def _signature(sortby: Sequence[SortKey], inventory: Inventory) -> int:
    keys = [(key.field, key.descending) for key in sortby or inventory.order]
    return zlib.crc32(msgspec.msgpack.encode((inventory.key, keys)))
