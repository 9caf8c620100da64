"""What the tests of the API share: the sample data in one database, and clients of the application on it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import aggregates
import pytest
from hypothesis import HealthCheck, settings

import serving
from satapi.ingest.sample import sample_collections, sample_items
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from contextlib import AbstractAsyncContextManager

    import httpx

settings.register_profile(
    "satapi",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("satapi")


@pytest.fixture(scope="session")
def sample(cluster_dsn: str, template: str) -> str:
    """The DSN of a database with the sample data, for tests that only read."""
    serving.execute(cluster_dsn, f"create database sample template {template}")
    dsn = serving.sibling(cluster_dsn, "sample")
    serving.store(dsn, sample_collections(), list(sample_items()))
    serving.execute(dsn, "analyze items")
    return dsn


@pytest.fixture
async def client(sample: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API with the sample data and default settings."""
    async with serving.in_process(Settings(dsn=sample)) as client:
        yield client


@pytest.fixture
async def open_client(sample: str) -> AsyncIterator[Callable[..., Coroutine[None, None, httpx.AsyncClient]]]:
    """A function that gives a client for other settings, on the sample data unless they say where."""
    async with AsyncExitStack() as stack:

        async def open_client(**given: object) -> httpx.AsyncClient:
            return await stack.enter_async_context(serving.in_process(Settings(**{"dsn": sample, **given})))

        yield open_client


@pytest.fixture(scope="session")
def sample_server(sample: str) -> object:
    """A server process with the sample data."""
    with serving.served(sample) as server:
        yield server


@pytest.fixture(scope="session")
def few(cluster_dsn: str, template: str) -> str:
    """The DSN of a database with a few items of two collections, for tests that only read."""
    serving.execute(cluster_dsn, f"create database few template {template}")
    dsn = serving.sibling(cluster_dsn, "few")
    serving.store(dsn, map(serving.collection, ("a", "b", "empty")), aggregates.ITEMS)
    return dsn


@pytest.fixture
def client_of(few: str) -> Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]:
    """A function that gives a client for other settings, on these items."""
    return lambda **given: serving.in_process(Settings(**{"dsn": few, **given}))
