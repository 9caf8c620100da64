"""Compression: which encoding a client gets, and bodies that it can read however they are cut."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from satapi.http.compression import Compression, chosen

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send


@pytest.mark.parametrize(
    ("accepted", "name"),
    [
        ("", None),
        ("identity", None),
        ("br", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0", "gzip"),
        ("gzip; q=0", None),
        ("gzip;q=0.000, *;q=0", None),
        ("gzip;q=0.001", "gzip"),
        ("*", "zstd"),
        ("*;q=0", None),
        ("zstd;q=0, *", "gzip"),
        ("identity;q=1, *;q=0", None),
        (",,;", None),
    ],
)
def test_the_best_encoding_that_the_client_takes_is_chosen(accepted: str, name: str | None) -> None:
    assert chosen(accepted) == name


async def answered(
    pieces: list[bytes], accepted: str, headers: dict[bytes, bytes], *, method: str = "GET"
) -> tuple[dict[bytes, bytes], list[bytes]]:
    """What a client gets of an application that sends these pieces."""

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(headers.items())})
        for number, piece in enumerate(pieces, 1):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    scope = {"type": "http", "method": method, "headers": [(b"accept-encoding", accepted.encode())]}
    await Compression(app, min_bytes=100)(scope, receive, send)
    start, *bodies = sent
    assert [body.get("more_body", False) for body in bodies] == [True] * (len(bodies) - 1) + [False]
    return dict(start["headers"]), [body["body"] for body in bodies]


_JSON = {b"content-type": b"application/json"}
_READERS = {
    "gzip": gzip.decompress,
    "zstd": lambda raw: zstandard.ZstdDecompressor().decompressobj().decompress(raw),
}


@settings(deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.sampled_from(["gzip", "zstd"]))
async def test_a_body_is_read_as_it_was_sent_however_it_is_cut(pieces: list[bytes], name: str) -> None:
    headers, bodies = await answered(pieces, name, {**_JSON, b"etag": b'"x"'})
    whole = b"".join(pieces)
    if len(pieces) == 1 and len(whole) < 100:
        assert b"content-encoding" not in headers
        assert b"".join(bodies) == whole
        return
    assert headers[b"content-encoding"] == name.encode()
    assert headers[b"etag"] == f'"x-{name}"'.encode()
    assert headers[b"vary"] == b"Accept-Encoding"
    assert _READERS[name](b"".join(bodies)) == whole


async def test_the_length_of_a_compressed_body_is_its_own_and_that_of_a_stream_is_not_told() -> None:
    body = b"a" * 1000
    headers, (sent,) = await answered([body], "gzip", {**_JSON, b"content-length": b"1000"})
    assert headers[b"content-length"] == str(len(sent)).encode()
    headers, _ = await answered([body, body], "gzip", {**_JSON, b"content-length": b"2000"})
    assert b"content-length" not in headers


async def test_a_body_that_is_sent_as_it_is_still_varies() -> None:
    headers, bodies = await answered([b"a" * 1000], "identity", {**_JSON, b"vary": b"Accept"})
    assert headers[b"vary"] == b"Accept, Accept-Encoding"
    assert bodies == [b"a" * 1000]


@pytest.mark.parametrize("headers", [{b"content-type": b"image/png"}, {**_JSON, b"content-encoding": b"br"}, {}])
async def test_what_is_compressed_already_is_left_alone(headers: dict[bytes, bytes]) -> None:
    assert await answered([b"a" * 1000], "gzip", headers) == (headers, [b"a" * 1000])


async def test_nothing_is_compressed_for_head() -> None:
    assert await answered([b"a" * 1000], "gzip", _JSON, method="HEAD") == (_JSON, [b"a" * 1000])
