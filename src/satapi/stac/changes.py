"""Changes: what a change of the catalog is, and the places in the order of changes, written as tokens."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

import msgspec

Kind = Literal["item", "collection"]
Operation = Literal["insert", "update", "delete"]

_TOKEN = re.compile(r"([0-9a-f]{16})-(\d{1,18})-(\d{1,9})", re.ASCII)
_BITS = 64


class Place(msgspec.Struct, frozen=True, order=True):
    """A place in a feed: behind all rows before `number`, and the first `index` ids of that one."""

    feed: int
    number: int = 0
    index: int = 0

    @property
    def token(self) -> str:
        """The place as a text."""
        return f"{self.feed % (1 << _BITS):016x}-{self.number}-{self.index}"


class Change(msgspec.Struct, frozen=True):
    """A change of an item or a collection, whose id is then `collection` too; `place` is the one behind it."""

    place: Place
    time: datetime
    kind: Kind
    operation: Operation
    collection: str
    id: str


def place(token: str) -> Place:
    """The place of a token. Raises ValueError for what is none."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise ValueError(token)
    feed = int(found[1], 16)
    signed = feed - (1 << _BITS) if feed >> (_BITS - 1) else feed
    return Place(signed, int(found[2]), int(found[3]))
