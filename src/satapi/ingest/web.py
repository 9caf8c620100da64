"""Documents of the web, asked for again where a server is busy or away, and never larger than is allowed."""

from __future__ import annotations

import random
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from threading import Event, Lock
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

import httpx
import msgspec

from satapi import __version__
from satapi.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from satapi.settings import Settings

_CHUNK_BYTES = 1 << 20
_ACCEPTED = "application/json, application/geo+json, */*;q=0.5"

# What a server says that may answer later: RFC 9110, 15.5.9 and 15.6; RFC 6585, 4; RFC 8470, 5.2.
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_FIRST_PAUSE_S = 0.25
_PAUSE_MAX_S = 30.0
# A server that says how long it wants to be left alone is believed, within reason.
_RETRY_AFTER_MAX_S = 600.0
_TOLD_PAUSE_S = 5.0


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to ask for: a URL by GET, or by POST where there is a body."""

    url: str
    body: dict[str, msgspec.Raw] | None = None


class Fetched(NamedTuple):
    """A document, and where it was found in the end."""

    url: str
    raw: bytes


class _AgainError(Exception):
    """No answer now, and what the server says about later, in seconds."""

    def __init__(self, reason: str, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


class Web:
    """Reads over HTTP from many threads; `headers` go to the server of the URL `trusted`, and to no other.

    `tell` gets a sentence where a server wants to be left alone for long.
    """

    def __init__(
        self, settings: Settings, headers: Mapping[str, str], trusted: str, tell: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._tell = tell
        self._told = 0.0
        self._headers = headers
        self._trusted = trusted
        self._is_closed = Event()
        self._lock = Lock()
        self._used = 0
        self._client: httpx.Client | None = None

    def close(self) -> None:
        """Ask for nothing any more; answers that are on their way are waited for by those who asked."""
        with self._lock:
            self._is_closed.set()
            is_used = self._used > 0
        if not is_used:
            self._end()

    def fetch(self, request: Request) -> Fetched:
        """One whole document. Raises SourceError."""
        with self._using(request.url):
            for attempt in count(1):
                try:
                    return self._once(request)
                except _AgainError as error:
                    if attempt == self._settings.source_attempts:
                        times = "" if attempt == 1 else f", {attempt} times"
                        raise SourceError(request.url, f"{error}{times}") from None
                    pause_s = min(_FIRST_PAUSE_S * 2 ** (attempt - 1), _PAUSE_MAX_S)
                    # Not all at once. No secret depends on it.
                    pause_s *= random.uniform(0.5, 1)  # noqa: S311
                    self._wait(request.url, error, max(pause_s, error.pause_s))
            raise AssertionError

    def chunks(self, url: str) -> Iterator[bytes]:
        """A file of any size, piece by piece. Raises SourceError."""
        try:
            with self._using(url), self._answered(Request(url)) as response:
                yield from response.iter_bytes(_CHUNK_BYTES)
        except _AgainError as error:
            raise SourceError(url, str(error)) from None

    @contextmanager
    def _using(self, url: str) -> Generator[None]:
        """Whoever is the last to use it when it has been closed, ends it."""
        with self._lock:
            if self._is_closed.is_set():
                raise SourceError(url, "it is not asked for any more")
            self._used += 1
        try:
            yield
        finally:
            with self._lock:
                self._used -= 1
                is_last = self._is_closed.is_set() and not self._used
            if is_last:
                self._end()

    def _end(self) -> None:
        if self._client is not None:
            self._client.close()

    def _wait(self, url: str, error: Exception, pause_s: float) -> None:
        # Of the many requests that wait for the same, one tells.
        if pause_s >= _TOLD_PAUSE_S and monotonic() >= self._told:
            self._told = monotonic() + pause_s
            self._tell(f"{url}: {error}; it is asked for again in {pause_s:.0f} seconds")
        if self._is_closed.wait(pause_s):
            raise SourceError(url, str(error))

    def _once(self, request: Request) -> Fetched:
        parts: list[bytes] = []
        size = 0
        with self._answered(request) as response:
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > self._settings.source_max_bytes:
                    raise SourceError(request.url, too_large(self._settings))
        return Fetched(str(response.url), b"".join(parts))

    @contextmanager
    def _answered(self, request: Request) -> Generator[httpx.Response]:
        """An answer that is a success."""
        content = None if request.body is None else msgspec.json.encode(request.body)
        kind = {} if content is None else {"Content-Type": "application/json"}
        try:
            with self._opened().stream(
                "GET" if content is None else "POST", request.url, content=content, headers=kind
            ) as response:
                if response.status_code in _AGAIN:
                    raise _AgainError(_status(response), _retry_after(response))
                if not response.is_success:
                    raise SourceError(request.url, _status(response))
                yield response
        except httpx.UnsupportedProtocol:
            raise SourceError(request.url, "it leads to what is neither http nor https") from None
        except httpx.TimeoutException:
            raise _AgainError(f"no answer in {self._settings.source_timeout_s:g} seconds") from None
        except httpx.TransportError as error:
            raise _AgainError(f"no answer: {error or type(error).__name__}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceError(request.url, f"no answer: {error or type(error).__name__}") from None

    def _opened(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = self._made()
            return self._client

    def _made(self) -> httpx.Client:
        requests = self._settings.source_requests
        return httpx.Client(
            follow_redirects=True,
            timeout=httpx.Timeout(self._settings.source_timeout_s, pool=None),
            limits=httpx.Limits(max_connections=requests, max_keepalive_connections=requests),
            headers={"User-Agent": f"satapi/{__version__}", "Accept": _ACCEPTED},
            event_hooks={"request": [self._authorize]},
        )

    def _authorize(self, request: httpx.Request) -> None:
        """Add the headers, or take them away where a redirect has led elsewhere."""
        trusted = httpx.URL(self._trusted)
        is_trusted = _origin(request.url) == _origin(trusted)
        for name, value in self._headers.items():
            if is_trusted:
                request.headers[name] = value
            else:
                request.headers.pop(name, None)


def too_large(settings: Settings) -> str:
    """Why a document is not read."""
    return f"it has more than the {settings.source_max_bytes:,} bytes that SATAPI_SOURCE_MAX_BYTES allows"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _status(response: httpx.Response) -> str:
    return f"{response.status_code} {response.reason_phrase}".rstrip()


def _retry_after(response: httpx.Response) -> float:
    """How long to wait, in seconds: RFC 9110, 10.2.3."""
    given = response.headers.get("Retry-After", "")
    try:
        pause = (
            float(given) if given.isdecimal() else (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds()
        )
    except (ValueError, TypeError):
        return 0.0
    return min(max(pause, 0.0), _RETRY_AFTER_MAX_S)
