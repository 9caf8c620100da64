"""Documents out of files, in memory that does not grow with the file."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

import msgspec
import zstandard
from isal import isal_zlib

from satapi.errors import InvalidError, LoadError
from satapi.ingest.extra import MISSING, has_parquet
from satapi.ingest.split import Document, Splitter, is_complete

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

__all__ = ["Document", "read", "split"]

_CHUNK_BYTES = 1 << 20
# Little compressed data can be much text, so it is taken in small portions.
_COMPRESSED_BYTES = 1 << 14
# How many lines tell what the file is, and how far they are looked for.
_HEAD_LINES = 2
_HEAD_BYTES = 4 << 20

_BOM = b"\xef\xbb\xbf"
_PARQUET = b"PAR1"
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW_BITS = 31
_ZSTD = b"\x28\xb5\x2f\xfd"


def read(source: str) -> Iterator[Document]:
    """Yield the items or collections of a file ("-" is standard input).

    It may hold one document, documents line by line or one after another, an array of them, or an object with
    `features` or `collections`; all that also compressed by gzip or zstd; or it is stac-geoparquet. Raises
    InvalidError, naming file and line, where no further document can be made out; a line that is no JSON is still
    yielded. Raises OSError.
    """
    with _opened(source) as chunks:
        yield from split(source, chunks)


def split(source: str, chunks: Iterator[bytes]) -> Iterator[Document]:
    """Yield the documents of the bytes of a file; everything is as in `read`."""
    first = next(chunks, b"")
    chunks = chain((first,), chunks)
    if first.startswith(_PARQUET):
        yield from _of_parquet(source, chunks)
        return
    splitter = Splitter(source, _without_bom(_decompressed(source, chunks)))
    if _has_lines(splitter.head(_HEAD_LINES, _HEAD_BYTES)):
        yield from splitter.lines()
    else:
        yield from splitter.documents()


@contextmanager
def _opened(source: str) -> Generator[Iterator[bytes]]:
    if source == "-":
        yield iter(partial(os.read, sys.stdin.fileno(), _CHUNK_BYTES), b"")
    else:
        with Path(source).open("rb", buffering=0) as file:
            yield iter(partial(file.read, _CHUNK_BYTES), b"")


def _has_lines(head: bytes) -> bool:
    """Tell documents in lines from documents over many lines; one of the first two lines may be broken."""
    first, _, rest = head.lstrip().partition(b"\n")
    if not first.startswith((b"{", b"[")):
        return True
    if is_complete(first):
        return first.startswith(b"{") and not _is_container(first)
    second, _, _ = rest.partition(b"\n")
    return is_complete(second) and not first.rstrip().endswith((b"[", b",", b":", b"{"))


def _of_parquet(source: str, chunks: Iterator[bytes]) -> Iterator[Document]:
    """Yield the items of stac-geoparquet, whose rows count as lines. Raises LoadError where none can be read."""
    if not has_parquet():
        raise LoadError(f"{source}: {MISSING}")
    # To import it takes 0.2 s, and few loads need it.
    from satapi.ingest.parquet_items import read  # noqa: PLC0415

    with tempfile.TemporaryFile() as spooled:
        # Its end tells where everything is.
        if is_here := Path(source).is_file():
            chunks = iter(())
        for chunk in chunks:
            spooled.write(chunk)
        for number, raw in enumerate(read(source, source if is_here else cast("BinaryIO", spooled)), 1):
            yield Document(source, number, raw)


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _is_container(raw: bytes) -> bool:
    return not _members.decode(raw).keys().isdisjoint(("features", "collections"))


def _without_bom(chunks: Iterator[bytes]) -> Iterator[bytes]:
    return chain((next(chunks, b"").removeprefix(_BOM),), chunks)


# Compression ------------------------------------------------------------------------------------------------------


# Its stub takes the class for an instance.
_IsalError = cast("type[Exception]", isal_zlib.IsalError)


class _Inflater(Protocol):
    """What both libraries give to decompress one frame (a gzip member)."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def _decompressed(source: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    first = next(chunks, b"")
    if first.startswith(_GZIP):
        return _inflated(source, chain((first,), chunks), partial(isal_zlib.decompressobj, wbits=_GZIP_WINDOW_BITS))
    if first.startswith(_ZSTD):
        return _inflated(source, chain((first,), chunks), zstandard.ZstdDecompressor().decompressobj)
    return chain((first,), chunks)


def _inflated(source: str, chunks: Iterator[bytes], begin: Callable[[], _Inflater]) -> Iterator[bytes]:
    frame = begin()
    try:
        for chunk in chunks:
            for at in range(0, len(chunk), _COMPRESSED_BYTES):
                portion = chunk[at : at + _COMPRESSED_BYTES]
                while portion:
                    if frame.eof:
                        frame = begin()
                    yield frame.decompress(portion)
                    portion = frame.unused_data
    except (_IsalError, zstandard.ZstdError) as error:
        raise InvalidError(source, "compressed data", f"it cannot be decompressed: {error}") from None
    if not frame.eof:
        raise InvalidError(source, "compressed data", "it ends too early, so the file is not whole")
