"""Files of documents in lines that are written in parts, so that one that was cut off can be gone on with.

A compressed file is a row of frames (gzip members), each of which holds whole lines: what follows the last whole one is
what an interruption left.
"""

from __future__ import annotations

import os
import zlib
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

import zstandard
from isal import isal_zlib

from satapi.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Compression = Literal["none", "gzip", "zstd"]

SUFFIXES: Mapping[Compression, str] = {"none": "", "gzip": ".gz", "zstd": ".zst"}

# Text that makes a part: large enough to compress well.
_PART_BYTES = 4 << 20

_BLOCK_BYTES = 1 << 16
_COMPRESSED_BYTES = 1 << 14

_ZSTD_LEVEL = 3
_GZIP_LEVEL = 2
_GZIP_WINDOW_BITS = 31


def compression(path: str) -> Compression:
    """How a file of this name is compressed."""
    found: list[Compression] = [name for name, suffix in SUFFIXES.items() if suffix and path.endswith(suffix)]
    return found[0] if found else "none"


class Lines:
    """Writes lines to an open file in parts; `bytes` counts what was added, before it is compressed."""

    def __init__(self, name: str, descriptor: int, compressed: Compression) -> None:
        self.bytes = 0
        self._name = name
        self._descriptor = descriptor
        self._compressed: Compression = compressed
        self._part: list[bytes] = []
        self._size = 0

    def write(self, line: bytes) -> None:
        """Add a line, given without its end. Raises ExportError."""
        self._part += (line, b"\n")
        self._size += len(line) + 1
        self.bytes += len(line) + 1
        if self._size >= _PART_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what was added. Raises ExportError."""
        if not self._part:
            return
        left = memoryview(_packed(b"".join(self._part), self._compressed))
        self._part, self._size = [], 0
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            raise ExportError(f"{self._name} cannot be written: {error.strerror}") from error


def _packed(text: bytes, compressed: Compression) -> bytes:
    match compressed:
        case "none":
            return text
        case "gzip":
            packer = isal_zlib.compressobj(level=_GZIP_LEVEL, wbits=_GZIP_WINDOW_BITS)
            return packer.compress(text) + packer.flush()
        case "zstd":
            return zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compress(text)


def cut(file: BinaryIO, compressed: Compression) -> bytes | None:
    """Take what an interruption left off the end of a file; gives its last line, None where no whole one is left."""
    match compressed:
        case "none":
            end, last = _last_line(file)
        case "gzip":
            end, last = _last_frame(file, partial(zlib.decompressobj, wbits=_GZIP_WINDOW_BITS))
        case "zstd":
            end, last = _last_frame(file, zstandard.ZstdDecompressor().decompressobj)
    file.seek(0)
    if end == 0 and not _BEGINNINGS[compressed].startswith(file.read(4)[: len(_BEGINNINGS[compressed])]):
        raise ExportError(f"{file.name} is no export that could be gone on with; it is left as it is")
    file.truncate(end)
    file.seek(end)
    return last


_BEGINNINGS: dict[Compression, bytes] = {"none": b"{", "gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}


def _last_line(file: BinaryIO) -> tuple[int, bytes | None]:
    """Where the last whole line ends, and the line."""
    end = _behind_newline(file, file.seek(0, os.SEEK_END))
    if end == 0:
        return 0, None
    start = _behind_newline(file, end - 1)
    file.seek(start)
    return end, file.read(end - 1 - start)


def _behind_newline(file: BinaryIO, end: int) -> int:
    """The place behind the last newline before `end`, 0 where there is none."""
    while end:
        start = max(0, end - _BLOCK_BYTES)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def _last_frame(file: BinaryIO, begin: Callable[[], _Unpacker]) -> tuple[int, bytes | None]:
    """Where the last whole frame ends, and its last line; the file is read from its start."""
    end, last = 0, None
    frame, text, read = begin(), b"", file.seek(0)
    try:
        while portion := file.read(_COMPRESSED_BYTES):
            read += len(portion)
            while portion:
                text = _without_lines_before(text + frame.decompress(portion))
                portion = frame.unused_data
                if frame.eof:
                    end, last, frame = read - len(portion), text.removesuffix(b"\n"), begin()
    except (zlib.error, zstandard.ZstdError):
        # It is whole as far as here.
        return end, last
    return end, last


def _without_lines_before(text: bytes) -> bytes:
    return text[text.rfind(b"\n", 0, -1) + 1 :]
