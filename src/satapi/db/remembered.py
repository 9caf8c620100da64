"""Remembered: what searches of collections found, which holds until a collection is written."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satapi.db.collections import Found

# What a page takes beside its collections.
_PAGE_BYTES = 1_000


class Remembered:
    """The pages that were asked for last, in so many bytes at most."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        # By the statement and its values, the one asked for last at the end.
        self._pages: OrderedDict[bytes, tuple[int, Found]] = OrderedDict()

    def get(self, key: bytes) -> tuple[int, Found] | None:
        """How often collections had been written then, and what was found."""
        if key in self._pages:
            self._pages.move_to_end(key)
        return self._pages.get(key)

    def keep(self, key: bytes, written: int, found: Found) -> None:
        """Remember it; what nobody has asked for the longest is forgotten."""
        forgotten = self._pages.pop(key, None)
        self._bytes += _size(found) - (0 if forgotten is None else _size(forgotten[1]))
        self._pages[key] = written, found
        while self._bytes > self._max_bytes:
            _, (_, forgotten_page) = self._pages.popitem(last=False)
            self._bytes -= _size(forgotten_page)


def _size(found: Found) -> int:
    return _PAGE_BYTES + sum(len(content) for _, content in found.collections)
