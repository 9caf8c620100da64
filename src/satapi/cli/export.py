"""`satapi export`: the catalog into files, with progress and a report on standard error."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import typer
import uvloop

from satapi.cli.database import catalog, say
from satapi.cli.progress import plain_times
from satapi.errors import ExportError
from satapi.http import asked, requests
from satapi.ingest import export
from satapi.ingest.extra import MISSING, has_parquet
from satapi.ingest.lines import SUFFIXES, Compression, Lines, compression, cut
from satapi.ingest.prepare import identify
from satapi.ingest.read import read
from satapi.query.inventory import ITEMS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterable

    import asyncpg

    from satapi.ingest.parquet import Writer
    from satapi.ingest.read import Document
    from satapi.settings import Settings
    from satapi.stac.search import Search

COLLECTIONS_FILE = "collections.ndjson"
ITEMS_FILES = {compressed: "items.ndjson" + suffix for compressed, suffix in SUFFIXES.items()}


class Chosen(msgspec.Struct, frozen=True):
    """What of the items to export: members of a search as they are given to the command; None is everything."""

    collections: list[str] | None = None
    ids: list[str] | None = None
    bbox: str | None = None
    datetime: str | None = None
    filter: str | None = None

    def search(self, settings: Settings) -> Search:
        """The search for it. Raises InvalidError."""
        texts = {"bbox": self.bbox, "datetime": self.datetime, "filter": self.filter}
        members = asked.from_pairs([(name, text) for name, text in texts.items() if text is not None], settings)
        members.collections, members.ids = self.collections, self.ids
        return requests.search(members, ITEMS, settings)


class Exported(msgspec.Struct):
    """What an export wrote so far; `bytes` are of lines before they are compressed, `seconds` wall-clock."""

    collections: int = 0
    items: int = 0
    bytes: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        counts = [f"{self.collections:,} collections"] * (self.collections > 0) + [f"{self.items:,} items"]
        rate = self.items / self.seconds if self.seconds else 0
        return f"{' and '.join(counts)}, {self.bytes / 1e6:,.1f} MB in {self.seconds:.1f} s ({rate:,.0f}/s)"


def export_items(
    dsn: str | None, file: str, chosen: Chosen, *, is_parquet: bool, resume: bool, overwrite: bool, json: bool
) -> None:
    """Write the chosen items to a file, "-" for standard output. Raises ExportError, InvalidError and NotFoundError."""

    async def write(run: _Run, settings: Settings) -> None:
        search = chosen.search(settings)
        await export.check(run.connection, chosen.collections or ())
        if is_parquet:
            await _write_parquet(run, search, file, overwrite=overwrite)
            return
        with _opened(file, resume=resume, overwrite=overwrite) as (lines, after):
            await run.items(search, lines, after)

    _export(dsn, write, json=json, is_piped=file == "-")


async def _write_parquet(run: _Run, search: Search, file: str, *, overwrite: bool) -> None:
    """Read the items, and then write the file, which is there when it is whole."""
    if not has_parquet():
        raise ExportError(MISSING)
    # To import it takes 0.2 s, and few exports need it.
    from satapi.ingest.parquet import Writer  # noqa: PLC0415

    _check_free(file, overwrite=overwrite)
    with Writer() as writer:
        await run.parquet(search, writer)
        if missing := writer.mixed_nulls:
            say(f"Nulls of members that other items lack are left out, as Parquet has it: {', '.join(missing)}")
        _write_pieces(file, map(run.counted, writer.pieces()))


def _check_free(file: str, *, overwrite: bool) -> None:
    if file != "-" and Path(file).is_file() and not overwrite:
        raise ExportError(f"{file} exists; --overwrite replaces it")


def _write_pieces(file: str, pieces: Iterable[bytes]) -> None:
    """Write a file, which is there when it is whole."""
    with _explained(file):
        if file == "-":
            sys.stdout.buffer.writelines(pieces)
            sys.stdout.flush()
            return
        new = Path(file + ".new")
        with new.open("wb") as target:
            target.writelines(pieces)
            target.flush()
            os.fsync(target.fileno())
        new.replace(file)


def export_collections(dsn: str | None, file: str, names: list[str] | None, *, overwrite: bool, json: bool) -> None:
    """Write collections to a file, "-" for standard output. Raises ExportError and NotFoundError."""

    async def write(run: _Run, _: Settings) -> None:
        await export.check(run.connection, names or ())
        with _opened(file, resume=False, overwrite=overwrite) as (lines, _after):
            await run.collections(names, lines)

    _export(dsn, write, json=json, is_piped=file == "-")


def export_all(
    dsn: str | None,
    folder: str,
    names: list[str] | None,
    *,
    compressed: Compression,
    resume: bool,
    overwrite: bool,
    json: bool,
) -> None:
    """Write collections and their items to files in a folder. Raises ExportError and NotFoundError."""

    async def write(run: _Run, settings: Settings) -> None:
        await export.check(run.connection, names or ())
        items = _prepared(Path(folder), compressed, resume=resume, overwrite=overwrite)
        path = Path(folder) / COLLECTIONS_FILE
        await _replace_collections(run, names, path, read(str(path)) if resume and path.exists() else ())
        with _opened(str(items), resume=resume, overwrite=overwrite) as (lines, after):
            await run.items(Chosen(names).search(settings), lines, after)

    _export(dsn, write, json=json, is_piped=False)


def _prepared(folder: Path, compressed: Compression, *, resume: bool, overwrite: bool) -> Path:
    """The file of the items in the folder, which is made; files of another export are in the way, or removed."""
    with _explained(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        there = [path for name in ITEMS_FILES.values() if (path := folder / name).exists()]
        if overwrite:
            for path in there:
                path.unlink()
        elif resume:
            return there[0] if there else folder / ITEMS_FILES[compressed]
        elif there or (folder / COLLECTIONS_FILE).exists():
            raise _in_the_way(there[0] if there else folder / COLLECTIONS_FILE)
    return folder / ITEMS_FILES[compressed]


async def _replace_collections(run: _Run, names: list[str] | None, path: Path, before: Iterable[Document]) -> None:
    """Write the collections; those of an export that is gone on with stay, since their items are in its file."""
    new = path.with_suffix(".new")
    with _opened(str(new), resume=False, overwrite=True) as (lines, _):
        written = await run.collections(names, lines)
        for document in before:
            if identify(document.raw) not in written:
                lines.write(document.raw)
    with _explained(str(path)):
        new.replace(path)


def _export(
    dsn: str | None, write: Callable[[_Run, Settings], Coroutine[None, None, None]], *, json: bool, is_piped: bool
) -> None:
    """Run an export in one snapshot, and report, on standard error where standard output has the documents."""

    async def run() -> Exported:
        async with found.connected() as connection, export.snapshot(connection):
            one = _Run(connection)
            await write(one, found.settings)
            return one.report

    with catalog(dsn) as found:
        report = uvloop.run(run())
    typer.echo(msgspec.json.encode(report) if json else str(report), err=is_piped)


class _Run:
    """One export over a connection in a snapshot, and what it has done so far."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.report = Exported()
        self._begun = perf_counter()
        self._is_due = plain_times()

    async def collections(self, names: list[str] | None, lines: Lines) -> set[str]:
        """Write collections, and give their ids."""
        written: set[str] = set()
        async for identifier, line in export.collections(self.connection, names):
            lines.write(line)
            written.add(identifier)
        self.report.collections += len(written)
        self._count(lines.bytes)
        return written

    async def items(self, search: Search, lines: Lines, after: export.Key) -> None:
        """Write the items behind a key."""
        async for some in export.items(self.connection, search, after):
            before = lines.bytes
            for line in some:
                lines.write(line)
                self.report.items += 1
            self._count(lines.bytes - before)
            if self._is_due():
                say(str(self.report))

    async def parquet(self, search: Search, writer: Writer) -> None:
        """Read the items for a Parquet file."""
        async for some in export.items(self.connection, search, export.FIRST):
            for line in some:
                writer.add(line)
            self.report.items = writer.items
            self._count(0)
            if self._is_due():
                say(f"{writer.items:,} items are read")

    def counted(self, piece: bytes) -> bytes:
        """A piece of what is written, which is counted."""
        self._count(len(piece))
        return piece

    def _count(self, more: int) -> None:
        self.report.bytes += more
        self.report.seconds = perf_counter() - self._begun


@contextmanager
def _opened(path: str, *, resume: bool, overwrite: bool) -> Generator[tuple[Lines, export.Key]]:
    """A file to write lines to, and the item that it ends with."""
    if path == "-":
        lines = Lines("standard output", sys.stdout.fileno(), "none")
        yield lines, export.FIRST
        lines.flush()
        return
    with _file(Path(path), resume=resume, overwrite=overwrite) as file:
        last = _last(path, file) if resume else None
        lines = Lines(path, file.fileno(), compression(path))
        yield lines, export.FIRST if last is None else last
        lines.flush()
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            with _explained(path):
                os.fsync(file.fileno())


def _file(path: Path, *, resume: bool, overwrite: bool) -> BinaryIO:
    with _explained(str(path)):
        if not resume and not overwrite and path.is_file():
            raise _in_the_way(path)
        return path.open("r+b" if resume and path.exists() else "wb", buffering=0)


def _last(path: str, file: BinaryIO) -> export.Key | None:
    with _explained(path):
        line = cut(file, compression(path))
    try:
        return None if line is None else _KEY.decode(line)
    except msgspec.DecodeError as error:
        raise ExportError(f"{path} cannot be gone on with: its last line is no item ({error})") from None


_KEY = msgspec.json.Decoder(export.Key)


def _in_the_way(path: Path) -> ExportError:
    return ExportError(f"{path} exists; --overwrite replaces it, and --resume goes on with items that were cut off")


@contextmanager
def _explained(path: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror}") from error
