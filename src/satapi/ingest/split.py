"""Finding where each JSON document ends in a stream, without parsing it into values.

The exact way is a scan for brackets outside of strings. The quick way guesses from the last two documents what stands
between two of them, looks for that, and proves the guess: no proper beginning of a JSON object is a JSON object.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from satapi.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Skips what is no bracket, strings as a whole; then: opening, closing, a string whose end is not here yet, or the end.
_BRACKET = re.compile(
    rb"""
    (?: [^"{}\[\]]++ | "(?: [^"\\]++ | \\. )*+" )*+
    (?: ([{\[]) | ([}\]]) | (") | \Z )
    """,
    re.VERBOSE | re.DOTALL,
)
_OPENING, _CLOSING, _UNENDED = 1, 2, 3

_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[^ \t\r\n,\]}]*")
# From the end of one document of an array into the first member of the next.
_BETWEEN = re.compile(rb'\s*,\s*\{\s*"[^"\\]*"')
# Guesses that are tried before the exact way is taken.
_GUESSES = 3
_SHOWN_BYTES = 60

_any = msgspec.json.Decoder(msgspec.Raw)


class Document(NamedTuple):
    """An item or a collection as it stands in a file; `line` is where it begins."""

    source: str
    line: int
    raw: bytes


def is_complete(raw: bytes) -> bool:
    """Whether this is one whole JSON value."""
    try:
        _any.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


class Splitter:
    """A stream of bytes and a position in it; offsets count from the position."""

    def __init__(self, source: str, chunks: Iterator[bytes]) -> None:
        self._source = source
        self._chunks = chunks
        self._data = b""
        self._at = 0
        self._line = 1

    def head(self, size: int) -> bytes:
        """Look ahead until two lines are whole, but not further than about `size` bytes."""
        while self._data.count(b"\n") < 2 and len(self._data) < size and self._more():  # noqa: PLR2004
            pass
        return self._data

    def lines(self) -> Iterator[Document]:
        """Yield each line that is not blank."""
        going = True
        while going:
            *whole, rest = self._data[self._at :].split(b"\n")
            self._data, self._at = rest, 0
            going = self._more()
            for raw in whole if going else [*whole, rest]:
                if raw and not raw.isspace():
                    yield Document(self._source, self._line, raw)
                self._line += 1

    def documents(self) -> Iterator[Document]:
        """Yield the documents of all values up to the end: of arrays, of containers, or the objects themselves."""
        while following := self._next():
            if following == b"[":
                yield from self._elements()
            elif following == b"{":
                yield from self._object()
            else:
                raise self._broken("an object or an array is expected here")

    def _elements(self) -> Iterator[Document]:
        """Yield the elements of the array that begins here."""
        self._drop(1)
        between = None
        if self._next() == b"]":
            self._drop(1)
            return
        while True:
            self._next()
            end = self._guessed(between) or self._end(0)
            line, raw = self._line, self._data[self._at : self._at + end]
            found = _BETWEEN.match(self._data, self._at + end)
            between = found and b"}" + found[0]
            self._drop(end)
            yield Document(self._source, line, raw)
            following = self._next()
            if following not in (b",", b"]"):
                raise self._broken("',' or ']' is expected here")
            self._drop(1)
            if following == b"]":
                return

    def _object(self) -> Iterator[Document]:
        """Yield the object that begins here, or the documents it contains."""
        offset, opened, contained = 1, self._line, False
        while (following := self._byte(offset := self._spaced(offset))) != b"}":
            if following == b",":
                offset = self._spaced(offset + 1)
            name_end = self._string_end(offset)
            ...
