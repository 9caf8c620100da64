"""Finding where each JSON document ends in a stream, without parsing it into values.

The exact way is a scan for brackets outside of strings. The quick way guesses from the last two documents what stands
between two of them, looks for that, and proves the guess: no proper beginning of a JSON object is a JSON object.
"""

from __future__ import annotations

import re
from itertools import chain
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

_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[^ \t\r\n,\]}]*")
# From the end of one document of an array into the first member of the next.
_BETWEEN = re.compile(rb'\s*,\s*\{\s*"[^"\\]*"')
# Guesses that are tried before the exact way is taken.
_GUESSES = 3
_SHOWN_BYTES = 60
# The members of an object that hold documents: of a FeatureCollection, and of what GET /collections gives.
_CONTAINING = (b'"features"', b'"collections"')

_any = msgspec.json.Decoder(msgspec.Raw)


Mark = bytes
"""Says where to go on reading, where a source can be gone on with."""


class Document(NamedTuple):
    """An item or a collection as it stands in a file; `line` is where it begins.

    Who goes on at `mark` reads it again, and none behind it is left out.
    """

    source: str
    line: int
    raw: bytes
    mark: Mark | None = None


def is_complete(raw: bytes) -> bool:
    """Whether this is one whole JSON value."""
    try:
        _any.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


class Splitter:
    """A stream of bytes and a position in it, from which offsets count."""

    def __init__(self, source: str, chunks: Iterator[bytes]) -> None:
        self._source = source
        self._chunks = chunks
        self._data = b""
        self._at = 0
        self._line = 1

    def head(self, lines: int, size: int) -> bytes:
        """Look ahead until so many lines are whole, but not further than about `size` bytes."""
        while self._data.count(b"\n") < lines and len(self._data) < size and self._more():
            pass
        return self._data

    def lines(self) -> Iterator[Document]:
        """Yield each line that is not blank."""
        rest = b""
        for chunk in chain([self._data[self._at :]], self._chunks, [b"\n"]):
            start = 0
            # Where lines are long, split takes ten times as long as find.
            while (end := chunk.find(b"\n", start)) >= 0:
                raw = rest + chunk[start:end]
                if raw and not raw.isspace():
                    yield Document(self._source, self._line, raw)
                self._line += 1
                rest, start = b"", end + 1
            rest += chunk[start:]

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
        between = b""
        following = self._next()
        while following != b"]":
            end = self._guessed(between) or self._end(0)
            line, raw = self._line, self._data[self._at : self._at + end]
            found = _BETWEEN.match(self._data, self._at + end)
            between = b"}" + found[0] if found else b""
            self._drop(end)
            yield Document(self._source, line, raw)
            following = self._next()
            if following == b",":
                self._drop(1)
                self._next()
            elif following != b"]":
                raise self._broken("',' or ']' is expected here")
        self._drop(1)

    def _object(self) -> Iterator[Document]:
        """Yield the object that begins here or, if it is a container, the documents in it."""
        line, contained = self._line, False
        offset = self._spaced(1)
        while self._byte(offset) != b"}":
            if self._byte(offset) != b'"':
                raise self._broken("a name is expected here", offset)
            end = self._end(offset)
            name = self._data[self._at + offset : self._at + end]
            offset = self._spaced(end)
            if self._byte(offset) != b":":
                raise self._broken("':' is expected here", offset)
            offset = self._spaced(offset + 1)
            if name in _CONTAINING and self._byte(offset) == b"[":
                self._drop(offset)
                yield from self._elements()
                offset, contained = 0, True
            else:
                offset = self._end(offset)
            offset = self._spaced(offset)
            if self._byte(offset) == b",":
                offset = self._spaced(offset + 1)
            elif self._byte(offset) != b"}":
                raise self._broken("',' or '}' is expected here", offset)
        raw = self._data[self._at : self._at + offset + 1]
        self._drop(offset + 1)
        if not contained:
            yield Document(self._source, line, raw)

    # Where things end ---------------------------------------------------------------------------------------------

    def _guessed(self, between: bytes) -> int:
        """The end of the object that begins here, if `between` stands after it; 0 if not."""
        tries = _GUESSES if between else 0
        found = self._at
        while tries:
            found = self._data.find(between, found)
            if found < 0:
                # The rest of it may come with the next chunk, but the last one of all has nothing after it.
                tries //= 2
                if not self._more():
                    return 0
                found = 0
            elif is_complete(self._data[self._at : found + 1]):
                return found + 1 - self._at
            else:
                tries -= 1
                found += 1
        return 0

    def _end(self, offset: int) -> int:
        """The end of the value that begins at the offset."""
        match self._byte(offset):
            case b"{" | b"[":
                return self._bracket_end(offset)
            case b'"':
                ending = _STRING
            case _:
                ending = _SCALAR
        while True:
            found = ending.match(self._data, self._at + offset)
            if found and found.end() > self._at + offset and (ending is _STRING or found.end() < len(self._data)):
                return found.end() - self._at
            if not self._more():
                if found and found[0]:
                    return found.end() - self._at
                raise self._broken("a value is expected here", offset)

    def _bracket_end(self, offset: int) -> int:
        depth, on = 0, offset
        while True:
            for found in _BRACKET.finditer(self._data, self._at + on):
                on = found.end() - self._at
                match found.lastindex:
                    case 1:
                        depth += 1
                    case 2:
                        depth -= 1
                        if not depth:
                            return on
                    case 3:
                        on -= 1
                        break
                    case _:
                        break
            if not self._more():
                raise self._broken("the file ends before what begins here does", offset)

    # The stream ---------------------------------------------------------------------------------------------------

    def _next(self) -> bytes:
        """Go on to what is no space and look at its first byte; empty at the end."""
        self._drop(self._spaced(0))
        return self._byte(0)

    def _byte(self, offset: int) -> bytes:
        while self._at + offset >= len(self._data) and self._more():
            pass
        return self._data[self._at + offset : self._at + offset + 1]

    def _spaced(self, offset: int) -> int:
        """Find the next offset at which there is no space."""
        while self._byte(offset).isspace():
            found = _SPACE.match(self._data, self._at + offset)
            offset = found.end() - self._at if found else offset
        return offset

    def _drop(self, size: int) -> None:
        self._line += self._data.count(b"\n", self._at, self._at + size)
        self._at += size

    def _more(self) -> bool:
        """Read on; what is before the position is forgotten."""
        for chunk in self._chunks:
            if chunk:
                self._data = self._data[self._at :] + chunk
                self._at = 0
                return True
        return False

    def _broken(self, allowed: str, offset: int = 0) -> InvalidError:
        self._drop(offset)
        shown = self._data[self._at : self._at + _SHOWN_BYTES].decode(errors="replace")
        return InvalidError(f"{self._source} line {self._line}", shown, f"{allowed}, so the file cannot be read on")
