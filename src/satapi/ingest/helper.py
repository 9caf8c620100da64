"""The helper: a process that prepares and stores batches for a load, on a connection of its own.

It is told by messages over a socket; the documents lie in memory that it shares with the load. It ends with its load,
whatever ends that: then the socket is closed. `python -m satapi.ingest.helper SOCKET:MEMORY ...`, both as file
descriptors, is as many helpers.
"""

from __future__ import annotations

import asyncio
import gc
import mmap
import os
import socket
import sys
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

import asyncpg
import msgspec
import uvloop
from msgspec import Struct

from satapi.db.pool import connect
from satapi.errors import SatapiError
from satapi.ingest.rules import Rules
from satapi.ingest.store import Method
from satapi.ingest.writer import LocalWriter, OnError, Outcome, Prepared, of_items
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satapi.ingest.prepare import Row

# Collecting garbage that is not there took a twentieth of the time: a batch makes many objects, none in a circle.
_OBJECTS_BEFORE_COLLECTING = 200_000

# Searches come first, where processors are few.
_NICENESS = 10

_LENGTH_BYTES = 4


class Begin(Struct, tag=True, frozen=True):
    """The first message: which database, and how to store."""

    dsn: str
    settings: Settings
    method: Method
    on_error: OnError
    rules: Rules
    collection: str | None = None


class Documents(Struct, tag=True, frozen=True):
    """A batch to prepare: where each document ends in the shared memory, the first one beginning at 0."""

    ends: list[int]


class Store(Struct, tag=True, frozen=True):
    """What was prepared is to be stored."""


class Ready(Struct, tag=True, frozen=True):
    """The answer to the first message."""


class Failed(Struct, tag=True, frozen=True):
    """The answer where nothing came of it: why."""

    reason: str


Question = Begin | Documents | Store
Answer = Ready | Prepared | Outcome | Failed

_questions: msgspec.msgpack.Decoder[Question] = msgspec.msgpack.Decoder(Question)


async def send(stream: asyncio.StreamWriter, message: Question | Answer) -> None:
    """Send a message: its length, then msgpack. Raises OSError where the other side is gone."""
    encoded = msgspec.msgpack.encode(message)
    stream.write(len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded)
    await stream.drain()


async def receive(stream: asyncio.StreamReader) -> bytes:
    """Receive a message. Raises IncompleteReadError and OSError where the other side is gone."""
    return await stream.readexactly(int.from_bytes(await stream.readexactly(_LENGTH_BYTES), "big"))


async def help_load(channel: socket.socket, memory: int) -> None:
    """Answer messages until the load has no more."""
    reader, writer = await asyncio.open_connection(sock=channel)
    begin = _questions.decode(await receive(reader))
    if not isinstance(begin, Begin):
        raise TypeError(begin)
    try:
        connection = await connect(begin.dsn, begin.settings)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = f"The database cannot be connected to: {error or type(error).__name__}"
        await send(writer, Failed(reason))
        return
    try:
        await send(writer, Ready())
        local = LocalWriter(of_items(begin.rules, begin.collection), connection, begin.method, begin.on_error)
        shared = _Shared(memory)
        while True:
            await send(writer, await _answer(_questions.decode(await receive(reader)), local, shared))
    finally:
        await connection.close()


async def _answer(question: Question, local: LocalWriter[Row], shared: _Shared) -> Answer:
    try:
        match question:
            case Documents(ends):
                return await local.prepare(shared.read(ends))
            case Store():
                return await local.store()
            case Begin():
                return Ready()
    except (SatapiError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return Failed(str(error))


class _Shared:
    """The memory in which the load puts documents."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._mapped: mmap.mmap | None = None

    def read(self, ends: Sequence[int]) -> list[bytes]:
        """Copy the documents out of it."""
        if self._mapped is None or len(self._mapped) < ends[-1]:
            self._mapped = mmap.mmap(self._memory, 0, prot=mmap.PROT_READ)
        mapped = self._mapped
        return [mapped[start:end] for start, end in pairwise([0, *ends])]


def main(arguments: Sequence[str]) -> None:
    """Help until the load ends: in this process and, so that it starts but once, in copies of it."""
    os.nice(_NICENESS)
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTING)
    pairs = [tuple(map(int, argument.split(":"))) for argument in arguments]
    *others, mine = pairs
    copies: list[int] = []
    for other in others:
        if copy := os.fork():
            copies.append(copy)
        else:
            mine, copies = other, []
            break
    for channel, _ in pairs:
        # Nobody but its reader may hold a socket open: it could not see the end of its load.
        if channel != mine[0]:
            os.close(channel)
    channel, memory = mine
    # The end of the load is the end of its socket.
    with suppress(asyncio.IncompleteReadError, OSError):
        uvloop.run(help_load(socket.socket(fileno=channel), memory))
    for copy in copies:
        os.waitpid(copy, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
