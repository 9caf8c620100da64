"""The times `created` and `updated`: kept where the operator wants it, with Last-Modified and conditions on it."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from writers import ITEMS, MERGE, given, texts, writing

import serving
from satapi.http import conditions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import httpx

ITEM = f"{ITEMS}/i"
LINES = {"content-type": "application/x-ndjson"}
OLD = "2020-05-06T07:08:09.5Z"
# In whole seconds, rounded up.
OLD_DATE = "Wed, 06 May 2020 07:08:10 GMT"
FORMS = [OLD_DATE, "Wednesday, 06-May-20 07:08:10 GMT", "Wed May  6 07:08:10 2020"]
BEFORE = "Wed, 06 May 2020 07:08:09 GMT"
NO_DATES = ["yesterday", "", "2020-05-06T07:08:10Z", "Wed, 06 May 2020 07:08:10 +0100", f"{BEFORE}, {BEFORE}"]


@pytest.fixture(scope="module")
def catalog(make_database: Callable[[], str]) -> str:
    return make_database()


@pytest.fixture
async def client(catalog: str) -> AsyncIterator[httpx.AsyncClient]:
    serving.execute(catalog, "delete from items", "delete from collections")
    serving.store(catalog, [serving.collection("c")])
    async with writing(catalog, timestamps="maintain") as client:
        yield client


def times(answer: httpx.Response, kind: str = "item") -> tuple[str, str]:
    assert answer.status_code in {200, 201}, answer.text
    document = answer.json()
    held = document["properties"] if kind == "item" else document
    return held["created"], held["updated"]


def is_now(text: str) -> bool:
    return text.endswith("Z") and abs(datetime.now(UTC) - datetime.fromisoformat(text)) < timedelta(minutes=1)


async def test_without_the_setting_an_item_comes_back_as_it_was_given(catalog: str) -> None:
    serving.execute(catalog, "delete from items", "delete from collections")
    serving.store(catalog, [serving.collection("c")])
    async with writing(catalog) as client:
        for item in (
            serving.item("c", "i"),
            serving.item("c", "i", properties={"created": OLD, "updated": OLD}),
        ):
            answer = (
                await client.put(ITEM, json=item)
                if item["properties"].get("created")
                else await client.post(ITEMS, json=item)
            )
            assert given(answer) == item
        read = await client.get(ITEM)
        assert not {"last-modified", "cache-control"} & read.headers.keys()
        ignored = {"If-Unmodified-Since": BEFORE}
        assert (await client.put(ITEM, json=serving.item("c", "i"), headers=ignored)).status_code == 200


async def test_a_new_item_has_both_times_and_keeps_the_first(client: httpx.AsyncClient) -> None:
    created, updated = times(await client.post(ITEMS, json=serving.item("c", "i")))
    assert created == updated
    assert is_now(created)
    changed = await client.put(ITEM, json=serving.item("c", "i", properties={"n": 1}))
    again = times(changed)
    assert (again[0], again[1] > updated) == (created, True)
    patched = times(
        await client.patch(ITEM, json={"properties": {"n": 2, "created": None, "updated": OLD}}, headers=MERGE)
    )
    assert (patched[0], patched[1] > again[1]) == (created, True)
    assert times(await client.get(ITEM)) == patched


async def test_what_came_with_a_creation_keeps_it_and_nobody_says_when_it_was_updated(
    client: httpx.AsyncClient,
) -> None:
    item = serving.item("c", "i", properties={"updated": OLD, "created": OLD})
    created, updated = times(await client.post(ITEMS, json=item))
    assert (created, is_now(updated)) == (OLD, True)
    again = await client.put(ITEM, json=serving.item("c", "i", properties={"created": "2021-01-01T00:00:00Z", "n": 1}))
    assert times(again)[0] == OLD


async def test_what_does_not_change_keeps_its_times(client: httpx.AsyncClient) -> None:
    made = await client.post(ITEMS, json=serving.item("c", "i"))
    for answer in (
        await client.put(ITEM, json=serving.item("c", "i")),
        await client.put(ITEM, json=made.json()),
        await client.put(ITEM, json=serving.item("c", "i", properties={"created": OLD, "updated": OLD})),
        await client.patch(ITEM, json={}, headers=MERGE),
        await client.patch(ITEM, json={"properties": {"updated": OLD}}, headers=MERGE),
    ):
        if answer.json()["properties"].keys() == made.json()["properties"].keys():
            assert answer.json() == made.json()
    bulk = {"items": {"i": serving.item("c", "i")}, "method": "upsert"}
    assert (await client.post("/collections/c/bulk_items", json=bulk)).json()["unchanged"] == 1
    lines = await client.post(f"{ITEMS}?method=upsert", content=texts(serving.item("c", "i")), headers=LINES)
    assert lines.json()["unchanged"] == 1
    assert (await client.get(ITEM)).json() == made.json()


async def test_several_items_have_times_and_their_columns(client: httpx.AsyncClient) -> None:
    features = [serving.item("c", name) for name in "ab"]
    await client.post(ITEMS, json={"type": "FeatureCollection", "features": features})
    await client.post("/collections/c/bulk_items", json={"items": {"d": serving.item("c", "d")}})
    await client.post(ITEMS, content=texts(serving.item("c", "e")), headers=LINES)
    found = (await client.get("/search?sortby=%2Bcreated")).json()["features"]
    assert [item["id"] for item in found] == ["a", "b", "d", "e"]
    assert all(is_now(item["properties"]["created"]) for item in found)
    upserted = {"items": {"a": serving.item("c", "a", title="t")}, "method": "upsert"}
    assert (await client.post("/collections/c/bulk_items", json=upserted)).json()["updated"] == 1
    latest = (await client.get("/search?sortby=-updated&limit=1")).json()["features"][0]
    assert (latest["id"], latest["properties"]["created"]) == ("a", found[0]["properties"]["created"])
    assert latest["properties"]["updated"] > found[3]["properties"]["updated"]


async def test_collections_have_times_of_their_own(client: httpx.AsyncClient) -> None:
    created, updated = times(await client.post("/collections", json=serving.collection("d")), "collection")
    assert created == updated
    assert is_now(created)
    same = times(await client.put("/collections/d", json=serving.collection("d")), "collection")
    assert same == (created, updated)
    patched = times(await client.patch("/collections/d", json={"title": "t"}), "collection")
    assert (patched[0], patched[1] > updated) == (created, True)
    await client.post("/collections", json=[serving.collection("e", created=OLD)])
    held = times(await client.get("/collections/e"), "collection")
    assert (held[0], is_now(held[1])) == (OLD, True)


async def test_a_document_that_was_stored_without_times_gets_that_of_its_next_change(
    catalog: str, client: httpx.AsyncClient
) -> None:
    serving.store(catalog, [], [serving.item("c", "i")])
    unchanged = await client.patch(ITEM, json={}, headers=MERGE)
    assert given(unchanged) == serving.item("c", "i")
    changed = (await client.patch(ITEM, json={"properties": {"n": 1}}, headers=MERGE)).json()["properties"]
    assert is_now(changed["updated"])
    assert "created" not in changed


async def test_many_who_change_one_item_give_it_ever_later_times(client: httpx.AsyncClient) -> None:
    first = times(await client.post(ITEMS, json=serving.item("c", "i")))
    seen: list[tuple[int, str]] = []

    async def changes(own: int) -> None:
        for n in range(6):
            answer = await client.patch(ITEM, json={"properties": {f"n{own}_{n}": n}}, headers=MERGE)
            assert times(answer)[0] == first[0]
            seen.append((len(answer.json()["properties"]), times(answer)[1]))

    await asyncio.gather(*(changes(own) for own in range(6)))
    in_order = [updated for _, updated in sorted(seen)]
    assert all(one < other for one, other in itertools.pairwise([first[1], *in_order]))


# Conditions ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def dated(catalog: str, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client of an item and a collection that were changed long ago."""
    held = serving.collection("d", updated=OLD)
    serving.store(catalog, [held], [serving.item("c", "i", properties={"updated": OLD})])
    return client


@pytest.mark.parametrize("path", [ITEM, "/items/i", "/collections/d"])
async def test_the_time_of_a_version_is_told_and_saves_sending_it(dated: httpx.AsyncClient, path: str) -> None:
    read = await dated.get(path)
    assert read.headers["last-modified"] == OLD_DATE
    assert read.headers["cache-control"] == "no-cache"
    for form in FORMS:
        known = await dated.get(path, headers={"If-Modified-Since": form})
        assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", read.headers["etag"])
    for since in (BEFORE, *NO_DATES):
        assert (await dated.get(path, headers={"If-Modified-Since": since})).status_code == 200
    both = {"If-Modified-Since": OLD_DATE, "If-None-Match": '"other"'}
    assert (await dated.get(path, headers=both)).status_code == 200
    assert (await dated.head(path)).headers["last-modified"] == OLD_DATE


async def test_the_time_of_a_version_is_not_told_while_another_may_get_the_same(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.post(ITEMS, json=serving.item("c", "i"))
    assert "last-modified" not in (await client.get(ITEM)).headers
    monkeypatch.setattr(conditions, "_SETTLED", timedelta(seconds=-2))
    assert "last-modified" in (await client.get(ITEM)).headers


def change(client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]) -> httpx.Request:
    whole = serving.item("c", "i", title="t") if path == ITEM else serving.collection("d", title="t")
    body = {"PUT": whole, "PATCH": {"title": "t"}, "DELETE": None}[method]
    return client.build_request(method, path, json=body, headers=headers)


@pytest.mark.parametrize("path", [ITEM, "/collections/d"])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_what_was_changed_since_is_left_as_it_is(dated: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await dated.send(change(dated, method, path, {"If-Unmodified-Since": BEFORE}))
    assert (answer.status_code, answer.json()["code"]) == (412, "PreconditionFailed")
    assert OLD_DATE in answer.json()["detail"]
    assert (await dated.get(path)).headers["last-modified"] == OLD_DATE
    done = await dated.send(change(dated, method, path, {"If-Unmodified-Since": OLD_DATE}))
    assert done.status_code == (204 if method == "DELETE" else 200)
    if method != "DELETE":
        late = await dated.send(change(dated, method, path, {"If-Unmodified-Since": OLD_DATE}))
        assert late.status_code == 412


@pytest.mark.parametrize("since", NO_DATES)
async def test_what_is_no_date_is_as_if_it_were_not_there(dated: httpx.AsyncClient, since: str) -> None:
    assert (await dated.send(change(dated, "PATCH", ITEM, {"If-Unmodified-Since": since}))).status_code == 200


async def test_each_form_of_a_date_is_read(dated: httpx.AsyncClient) -> None:
    before = [FORMS[0].replace(":10 ", ":09 "), FORMS[1].replace(":10 ", ":09 "), FORMS[2].replace(":10 ", ":09 ")]
    for form in before:
        assert (await dated.send(change(dated, "PATCH", ITEM, {"If-Unmodified-Since": form}))).status_code == 412
    for form in FORMS:
        request = dated.build_request("PATCH", ITEM, json={}, headers={"If-Unmodified-Since": form})
        assert (await dated.send(request)).status_code == 200


async def test_a_tag_counts_more_than_a_time(dated: httpx.AsyncClient) -> None:
    tag = (await dated.get(ITEM)).headers["etag"]
    stale = {"If-Match": '"other"', "If-Unmodified-Since": OLD_DATE}
    assert (await dated.send(change(dated, "PATCH", ITEM, stale))).status_code == 412
    right = {"If-Match": tag, "If-Unmodified-Since": BEFORE}
    assert (await dated.send(change(dated, "PATCH", ITEM, right))).status_code == 200


async def test_a_document_without_a_time_is_changed_whatever_the_condition(
    catalog: str, client: httpx.AsyncClient
) -> None:
    for name, updated in (("a", None), ("b", "soon"), ("d", 3), ("e", "9999-12-31T23:59:59.9Z")):
        serving.store(
            catalog, [], [serving.item("c", name, properties={} if updated is None else {"updated": updated})]
        )
        read = await client.get(f"{ITEMS}/{name}")
        assert (read.status_code, "last-modified" in read.headers) == (200, False)
        answer = await client.delete(f"{ITEMS}/{name}", headers={"If-Unmodified-Since": BEFORE})
        assert answer.status_code == 204
