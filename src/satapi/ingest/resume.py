"""Going on with a load from an API: a file says which page is the first that may not be stored whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from satapi.errors import LoadError
from satapi.ingest.pages import Chosen
from satapi.ingest.web import Request

if TYPE_CHECKING:
    from satapi.ingest.split import Mark


class _State(Struct, frozen=True):
    source: str
    chosen: Chosen
    go_on: Request


_state = msgspec.json.Decoder(_State)
_request = msgspec.json.Decoder(Request)


class Resume:
    """Where a load of one source stands, in a file that is there from its first batch until it is done."""

    def __init__(self, path: str, source: str, chosen: Chosen) -> None:
        self._path = Path(path)
        self._source = source
        self._chosen = chosen
        self._done = 0
        self._waiting: dict[int, Mark | None] = {}

    def begin(self) -> Request | None:
        """The page to go on with, None where nothing is there yet. Raises LoadError for a file of another load."""
        try:
            state = _state.decode(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LoadError(f"{self._path} cannot be read: {error.strerror}") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise LoadError(f"{self._path} does not say where a load is to go on; name another file") from None
        if (state.source, state.chosen) != (self._source, self._chosen):
            asked = msgspec.json.encode(state.chosen).decode()
            raise LoadError(
                f"{self._path} is of a load of {state.source} with {asked}; delete it, or name another file"
            )
        return state.go_on

    def stored(self, number: int, mark: Mark | None) -> None:
        """Note that a batch is stored: the load goes on with its last page, once all before it are stored too.

        Raises LoadError where that cannot be written.
        """
        self._waiting[number] = mark
        last: Mark | None = None
        while self._done + 1 in self._waiting:
            self._done += 1
            last = self._waiting.pop(self._done) or last
        if last is not None:
            self._write(_State(self._source, self._chosen, _request.decode(last)))

    def finish(self) -> None:
        """Forget it all: the load is done."""
        self._path.unlink(missing_ok=True)

    def _write(self, state: _State) -> None:
        new = self._path.with_name(self._path.name + ".new")
        try:
            with new.open("wb") as file:
                file.write(msgspec.json.encode(state))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        except OSError as error:
            raise LoadError(f"{self._path} cannot be written: {error.strerror}") from None
