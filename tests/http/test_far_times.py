"""Times at the ends of the years that there are, and far from each other: found, in order, on all pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import serving
from satapi.query import plan
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"
AREA = "bbox=0,40,20,60"


def _item(identifier: str, instant: str, **properties: object) -> dict[str, object]:
    return serving.item("c", identifier, properties={"datetime": instant, **properties})


@pytest.fixture(scope="module")
def ends(make_database: Callable[[], str]) -> str:
    """Items at the first and the last instant, and one that lasts from the first to the last."""
    dsn = make_database()
    items = [_item(f"{name}-{number}", at) for name, at in (("first", FIRST), ("last", LAST)) for number in range(5)]
    always = _item("always", "2000-01-01T00:00:00Z", start_datetime=FIRST, end_datetime=LAST)
    serving.store(dsn, [serving.collection("c")], [*items, always])
    return dsn


async def _ids(client: httpx.AsyncClient, href: str, rel: str = "next") -> list[str]:
    """The items of all pages, each in its order."""
    found: list[str] = []
    following = [href]
    while following:
        page = (await client.get(following[0])).json()
        assert page["features"], "an empty page comes only for an empty result"
        found += [feature["id"] for feature in page["features"]]
        assert len(found) < 1000, "pages lead on without end"
        following = [link["href"] for link in page["links"] if link["rel"] == rel]
    return found


@pytest.mark.parametrize("scope", ["", "&collections=c", f"&{AREA}", f"&{AREA}&collections=c"])
@pytest.mark.parametrize(("instant", "name"), [(FIRST, "first"), (LAST, "last")])
async def test_the_first_and_the_last_instant_are_found_by_time(ends: str, scope: str, instant: str, name: str) -> None:
    at_end = {f"{name}-{number}" for number in range(5)} | {"always"}
    async with serving.in_process(Settings(dsn=ends)) as client:
        for window in (instant, f"{instant}/{instant}"):
            assert set(await _ids(client, f"/search?datetime={window}{scope}&limit=2")) == at_end
        assert len(await _ids(client, f"/search?datetime={FIRST}/{LAST}{scope}&limit=2")) == 11
        assert await _ids(client, f"/search?datetime=2001-01-01T00:00:00Z/2002-01-01T00:00:00Z{scope}") == ["always"]
        query = f'query={{"datetime":{{"eq":"{instant}"}}}}'
        assert set(await _ids(client, f"/search?{query}{scope}&limit=2")) == at_end - {"always"}


@pytest.mark.parametrize("scope", ["", "&collections=c", f"&{AREA}"])
@pytest.mark.parametrize("order", ["", "&sortby=datetime", "&sortby=-datetime,-id", "&sortby=start_datetime"])
async def test_pages_go_through_the_first_and_the_last_instant(ends: str, scope: str, order: str) -> None:
    async with serving.in_process(Settings(dsn=ends)) as client:
        whole = (await client.get(f"/search?limit=100{scope}{order}")).json()["features"]
        expected = [feature["id"] for feature in whole]
        assert len(expected) == 11
        for limit in (1, 2, 3):
            assert await _ids(client, f"/search?limit={limit}{scope}{order}") == expected


_LONG_AGO = datetime(900, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def long_ago(make_database: Callable[[], str]) -> str:
    """Items a microsecond apart, and one so far away that floating-point seconds cannot tell them apart."""
    dsn = make_database()
    times = [_LONG_AGO + timedelta(microseconds=number) for number in range(40)]
    items = [_item(f"old-{number:02}", f"{time.isoformat()[:-6]}Z") for number, time in enumerate(times)]
    far = [_item("last", LAST), _item("first", FIRST)]
    # Loaded in no order.
    serving.store(dsn, [serving.collection("c")], [*items[::2], *far, *items[:0:-2]])
    # A search in the area reads by distance; the planner may sort nothing, as it would not in a large table.
    name = dsn.rpartition("/")[2].partition("?")[0]
    serving.execute(dsn, *(f"alter database {name} set enable_{way} = off" for way in ("seqscan", "sort")))
    return dsn


@pytest.mark.parametrize("descending", [True, False])
async def test_items_of_long_ago_keep_their_order_a_microsecond_apart(
    long_ago: str, monkeypatch: pytest.MonkeyPatch, *, descending: bool
) -> None:
    monkeypatch.setattr(plan, "BROAD_RATIO", 1e30)
    expected = ["first", *(f"old-{number:02}" for number in range(40)), "last"]
    if descending:
        expected.reverse()
    order = "-datetime" if descending else "datetime"
    async with serving.in_process(Settings(dsn=long_ago)) as client:
        for limit in (7, 42):
            assert await _ids(client, f"/search?{AREA}&limit={limit}&sortby={order}") == expected
        window = f"{(_LONG_AGO + timedelta(microseconds=3)).isoformat()[:-6]}Z/{LAST}"
        inside = [name for name in expected if name not in {"first", "old-00", "old-01", "old-02"}]
        assert await _ids(client, f"/search?{AREA}&limit=7&sortby={order}&datetime={window}") == inside
