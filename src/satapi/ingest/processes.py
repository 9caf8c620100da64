"""Processes that write for a load: each prepares and stores batches on a connection of its own."""

from __future__ import annotations

import asyncio
import mmap
import os
import signal
import socket
import sys
import tempfile
from contextlib import ExitStack, asynccontextmanager, suppress
from itertools import accumulate
from typing import IO, TYPE_CHECKING, TypeVar

import msgspec

from satapi.errors import LoadError
from satapi.ingest.helper import Answer, Begin, Documents, Failed, Question, Ready, Store, receive, send
from satapi.ingest.writer import Outcome, Prepared

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator, Coroutine, Sequence

AnswerT = TypeVar("AnswerT", Ready, Prepared, Outcome)

# Longer than closing a connection takes.
_END_TIMEOUT_S = 5

_ENVIRONMENT = {
    # numpy would start a thread for each core, which takes a hundredth of the time to see that there is nothing to do.
    "OPENBLAS_NUM_THREADS": "1",
    # glibc gives memory back after each batch, and asking for it again took a tenth of the time.
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
}

_ENDED = "A process of the load ended too early: it was killed, or told why on standard error"

_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


class HelpingWriter:
    """A writer in another process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, memory: int) -> None:
        self._reader = reader
        self._writer = writer
        self._memory = memory
        self._mapped: mmap.mmap | None = None

    async def begin(self, begin: Begin) -> None:
        """Have it connect to the database."""
        await self._ask(begin, Ready)

    async def prepare(self, raws: Sequence[bytes]) -> Prepared:
        """Have it prepare documents."""
        ends = list(accumulate(map(len, raws)))
        shared = self._shared(ends[-1])
        shared.seek(0)
        for raw in raws:
            shared.write(raw)
        return await self._ask(Documents(ends), Prepared)

    async def store(self) -> Outcome:
        """Have it store what it prepared."""
        return await self._ask(Store(), Outcome)

    async def end(self) -> None:
        """Have it end."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _ask(self, question: Question, expected: type[AnswerT]) -> AnswerT:
        try:
            await send(self._writer, question)
            answer = _answers.decode(await receive(self._reader))
        except (OSError, EOFError):
            raise LoadError(_ENDED) from None
        if isinstance(answer, Failed):
            raise LoadError(answer.reason)
        if not isinstance(answer, expected):
            raise TypeError(answer)
        return answer

    def _shared(self, size: int) -> mmap.mmap:
        if self._mapped is None or len(self._mapped) < size:
            os.ftruncate(self._memory, size)
            self._mapped = mmap.mmap(self._memory, size)
        return self._mapped


@asynccontextmanager
async def helping(begin: Begin, count: int) -> AsyncGenerator[list[HelpingWriter]]:
    """Writers in so many processes that live as long; raises LoadError when they do not start or cannot connect."""
    with ExitStack() as stack:
        channels = [socket.socketpair() for _ in range(count)]
        memories = [stack.enter_context(_memory()).fileno() for _ in range(count)]
        passed = [(theirs.fileno(), memory) for (_, theirs), memory in zip(channels, memories, strict=True)]
        starting = asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "satapi.ingest.helper"),
            *(f"{channel}:{memory}" for channel, memory in passed),
            pass_fds=[descriptor for pair in passed for descriptor in pair],
            env={**os.environ, **_ENVIRONMENT},
            stdin=asyncio.subprocess.DEVNULL,
            # So that Ctrl-C reaches the load alone.
            start_new_session=True,
        )
        process = await _started(starting)
        writers: list[HelpingWriter] = []
        try:
            for (ours, theirs), memory in zip(channels, memories, strict=True):
                theirs.close()
                writers.append(HelpingWriter(*await asyncio.open_connection(sock=ours), memory))
            await asyncio.gather(*(writer.begin(begin) for writer in writers))
            yield writers
            await _ended(process, writers)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await _ended(process, writers)
            raise


async def _started(starting: Coroutine[None, None, Process]) -> Process:
    """Start a process, which is killed where nobody wants it any more by the time that it is there."""
    coming = asyncio.ensure_future(starting)
    try:
        return await asyncio.shield(coming)
    except asyncio.CancelledError:
        process = await coming
        process.kill()
        await process.wait()
        raise


async def _ended(process: asyncio.subprocess.Process, writers: Sequence[HelpingWriter]) -> None:
    for writer in writers:
        await writer.end()
    await asyncio.wait_for(process.wait(), _END_TIMEOUT_S)


def _memory() -> IO[bytes]:
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("satapi"), "r+b")
    return tempfile.TemporaryFile()
