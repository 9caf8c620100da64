"""Reading from the web: what is tried again, what is followed, and what is not read."""

from __future__ import annotations

import gzip
import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from satapi.errors import SourceError
from satapi.ingest.web import Fetched, Request, Web
from satapi.settings import Settings
from web import Answer, Site, site

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def served() -> Iterator[Site]:
    with site() as one:
        yield one


def fetch(url: str, *, headers: dict[str, str] | None = None, body: dict | None = None, **settings: object) -> Fetched:
    web = Web(Settings(**{"source_attempts": 3, **settings}), headers or {}, url, lambda _: None)
    try:
        return web.fetch(Request(url, body))
    finally:
        web.close()


@pytest.mark.parametrize("status", [0, 408, 425, 429, 500, 502, 503, 504])
def test_a_server_that_is_busy_is_asked_again(served: Site, status: int) -> None:
    served.answers["/x"] = [Answer(status=status), Answer(status=status), Answer({"a": 1})]
    assert fetch(served.url + "/x") == Fetched(served.url + "/x", b'{"a": 1}')
    assert len(served.asked) == 3


@pytest.mark.parametrize(("status", "said"), [(503, "503 Service Unavailable, 3 times"), (0, "no answer: .*, 3 times")])
def test_a_server_that_stays_busy_is_an_error_in_the_end(served: Site, status: int, said: str) -> None:
    served.answers["/x"] = Answer(status=status)
    with pytest.raises(SourceError, match=f"^{served.url}/x: {said}$"):
        fetch(served.url + "/x")
    assert len(served.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_what_is_refused_is_not_asked_for_again(served: Site, status: int) -> None:
    served.answers["/x"] = Answer(status=status)
    with pytest.raises(SourceError, match=f"/x: {status} "):
        fetch(served.url + "/x")
    assert len(served.asked) == 1


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_server_is_left_alone_for_as_long_as_it_says(served: Site, form: str) -> None:
    # Dates have whole seconds.
    until = datetime.now(UTC) + timedelta(seconds=2)
    pause = "1" if form == "seconds" else format_datetime(until, usegmt=True)
    served.answers["/x"] = [Answer(status=429, headers={"Retry-After": pause}), Answer(b"{}")]
    begun = time.monotonic()
    fetch(served.url + "/x")
    assert time.monotonic() - begun >= 0.9


def test_an_answer_that_does_not_come_is_asked_for_again(served: Site) -> None:
    served.answers["/x"] = [Answer(b"late", pause_s=1), Answer(b"{}")]
    assert fetch(served.url + "/x", source_timeout_s=0.3).raw == b"{}"
    served.answers["/x"] = Answer(b"late", pause_s=1)
    with pytest.raises(SourceError, match=r"no answer in 0.3 seconds, 2 times"):
        fetch(served.url + "/x", source_timeout_s=0.3, source_attempts=2)


def test_a_body_that_breaks_off_is_asked_for_again(served: Site) -> None:
    served.answers["/x"] = [Answer(b'{"a"', headers={"Content-Length": "100", "Connection": "close"}), Answer(b"{}")]
    assert fetch(served.url + "/x", source_timeout_s=0.5).raw == b"{}"


def test_nobody_at_home_is_an_error_that_says_so() -> None:
    with pytest.raises(SourceError, match=r"127.0.0.1:1/x: no answer: .*refused"):
        fetch("http://127.0.0.1:1/x", source_attempts=1)


def test_redirects_are_followed_but_not_to_files_or_for_ever(served: Site) -> None:
    served.answers["/a"] = Answer(status=302, headers={"Location": "/b/c"})
    served.answers["/b/c"] = Answer(b"{}")
    assert fetch(served.url + "/a").url == served.url + "/b/c"
    served.answers["/file"] = Answer(status=302, headers={"Location": "file:///etc/hostname"})
    with pytest.raises(SourceError, match="neither http nor https"):
        fetch(served.url + "/file")
    served.answers["/round"] = Answer(status=302, headers={"Location": "/round"})
    with pytest.raises(SourceError, match=r"/round: no answer: .*redirects"):
        fetch(served.url + "/round")


def test_a_document_that_is_too_large_is_not_read_however_small_it_is_on_its_way(served: Site) -> None:
    served.answers["/x"] = Answer(b" " * 1_000)
    assert len(fetch(served.url + "/x", source_max_bytes=1_000).raw) == 1_000
    packed = Answer(gzip.compress(b" " * 1_001), headers={"Content-Encoding": "gzip"})
    for answer in (Answer(b" " * 1_001), packed):
        served.answers["/x"] = answer
        with pytest.raises(SourceError, match="more than the 1,000 bytes that SATAPI_SOURCE_MAX_BYTES allows"):
            fetch(served.url + "/x", source_max_bytes=1_000)


def test_a_body_is_posted(served: Site) -> None:
    served.answers["/search"] = lambda asked: Answer({"method": asked.method, "body": json.loads(asked.body)})
    answer = fetch(served.url + "/search", body={"limit": msgspec.Raw(b"1.0")})
    assert json.loads(answer.raw) == {"method": "POST", "body": {"limit": 1.0}}


def test_headers_go_to_the_server_that_was_named_and_to_no_other(served: Site) -> None:
    with site() as other:
        other.answers["/x"] = Answer(b"{}")
        served.answers["/same"] = Answer(status=307, headers={"Location": "/x"})
        served.answers["/x"] = Answer(b"{}")
        served.answers["/other"] = Answer(status=307, headers={"Location": other.url + "/x"})
        for path in ("/same", "/other"):
            fetch(served.url + path, headers={"X-Key": "secret", "Authorization": "Bearer secret"})
        assert [asked.headers.get("X-Key") for asked in served.asked] == ["secret"] * 3
        assert "secret" not in str(other.asked)
        assert len(other.asked) == 1
