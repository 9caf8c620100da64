"""What the tests of transactions share: clients that may write, on a catalog of their own."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import serving
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx

ITEMS = "/collections/c/items"
OTHER = {"content-type": "text/csv"}
MERGE = {"content-type": "application/merge-patch+json"}
PATCH = {"content-type": "application/json-patch+json"}
JSON = {"content-type": "application/json"}

MADE = {"self", "root", "parent", "collection", "items"}


@asynccontextmanager
async def writing(dsn: str, **given: object) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of a server that lets everybody write; its answers are not compressed, which tags would show."""
    async with serving.in_process(Settings(**{"dsn": dsn, "writes": "open", **given})) as client:
        client.headers["accept-encoding"] = "identity"
        yield client


def given(answer: httpx.Response) -> dict[str, object]:
    """A document without the links of the server."""
    document = answer.json()
    return document | {"links": [link for link in document["links"] if link["rel"] not in MADE]}


def texts(document: object) -> bytes:
    """A document as a client may write it."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
