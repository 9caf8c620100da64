"""Items: single ones by collection and id, or by id alone, whatever they are called and hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import verbatim

import serving
from satapi.ingest.sample import sample_items
from satapi.settings import Settings
from satapi.stac import paths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import httpx

ODD_IDS = (
    "s/l/a/s/h",
    "a%2Fb",
    "%",
    "a/",
    "/",
    "//",
    "../..",
    "\U0001f6f0",
    "?x=1#y",
    "'\"\\",
    "\x7f",
    "{item_id}",
    "x" * 1000,
)


@pytest.fixture(scope="module")
def stored(make_database: Callable[[], str]) -> str:
    dsn = make_database()
    huge = {"blob": "x" * 1_500_000}
    items = [
        *(serving.item("c/d e", identifier) for identifier in ODD_IDS),
        serving.item("one", "once"),
        serving.item("one", "huge", properties=huge),
        serving.item(
            "one",
            "period",
            properties={
                "datetime": None,
                "start_datetime": "2020-01-01T00:00:00Z",
                "end_datetime": "2020-12-31T00:00:00Z",
            },
        ),
        serving.item(
            "one",
            "linked",
            links=[
                {"rel": "self", "href": "https://elsewhere/self"},
                {"rel": "derived_from", "href": "https://elsewhere/source"},
                {"rel": "collection", "href": "https://elsewhere/collection"},
            ],
        ),
    ]
    serving.store(dsn, [serving.collection(name) for name in ("c/d e", "one")], items)
    return dsn


@pytest.fixture
async def client(stored: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving.in_process(Settings(dsn=stored)) as client:
        yield client


def links(document: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in document["links"]}


async def test_every_sample_item_comes_back_as_it_was_given_apart_from_links(
    open_client: Callable[..., httpx.AsyncClient],
) -> None:
    client = await open_client()
    for raw in list(sample_items())[::200]:
        given = msgspec.json.decode(raw)
        response = await client.get(paths.item(given["collection"], given["id"]))
        assert response.headers["content-type"] == "application/geo+json"
        assert verbatim(response.content) == verbatim(raw)


@pytest.mark.parametrize("identifier", ODD_IDS)
async def test_an_item_of_any_id_is_reached_by_its_links(client: httpx.AsyncClient, identifier: str) -> None:
    found = (await client.post("/search", json={"ids": [identifier], "collections": ["c/d e"]})).json()["features"]
    assert [item["id"] for item in found] == [identifier]
    response = await client.get(links(found[0])["self"])
    assert response.status_code == 200
    assert response.json() == found[0]
    assert (await client.get(links(found[0])["collection"])).json()["id"] == "c/d e"
    anywhere = await client.get(paths.ITEMS + "/" + paths.segment(identifier))
    assert anywhere.json() == found[0]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
async def test_an_item_that_there_is_not_is_404_whatever_its_id(stored: str, identifier: str) -> None:
    async with serving.in_process(Settings(dsn=stored)) as client:
        response = await client.get(paths.item("one", identifier + " is not there"))
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"


async def test_an_id_with_a_nul_does_not_exist(client: httpx.AsyncClient) -> None:
    for path in ("/items/%00", "/collections/%00", "/collections/one/items/%00", "/collections/%00/items"):
        assert (await client.get(path)).status_code in {400, 404}


async def test_bytes_in_a_path_that_are_no_text_are_no_fault_of_the_server(client: httpx.AsyncClient) -> None:
    for path in ("/items/%ff", "/collections/%ed%a0%80", "/collections/one/items/%c3"):
        assert (await client.get(path)).status_code == 404


async def test_a_slash_in_an_id_need_not_be_escaped(client: httpx.AsyncClient) -> None:
    assert (await client.get("/collections/c%2Fd e/items/a/")).status_code == 404
    assert (await client.get("/items/s/l/a/s/h")).json()["id"] == "s/l/a/s/h"


async def test_a_slash_at_the_end_of_a_path_does_not_matter(client: httpx.AsyncClient) -> None:
    for path in (
        "/search",
        "/collections",
        "/collections/one",
        "/collections/one/items",
        "/collections/one/items/once",
    ):
        plain, slashed = await client.get(path), await client.get(path + "/")
        assert slashed.status_code == 200
        assert slashed.json()["links"] is not None
        assert plain.json() == slashed.json()


async def test_links_of_the_server_replace_those_that_were_given_and_others_stay(client: httpx.AsyncClient) -> None:
    item = (await client.get("/collections/one/items/linked")).json()
    assert [link["rel"] for link in item["links"]] == ["derived_from", "self", "parent", "collection", "root"]
    base = serving.BASE
    assert links(item) == {
        "derived_from": "https://elsewhere/source",
        "self": f"{base}/collections/one/items/linked",
        "parent": f"{base}/collections/one",
        "collection": f"{base}/collections/one",
        "root": f"{base}/",
    }


async def test_an_item_over_a_megabyte_is_found(client: httpx.AsyncClient) -> None:
    item = (await client.get("/collections/one/items/huge")).json()
    assert (await client.get("/search?ids=huge")).json()["features"] == [item]


async def test_an_item_with_a_period_is_found_inside_it(client: httpx.AsyncClient) -> None:
    for when in ("2020-06-01T00:00:00Z", "2020-12-31T00:00:00Z/2021-01-01T00:00:00Z", "../2020-01-01T00:00:00Z"):
        found = (await client.get("/search", params={"datetime": when})).json()["features"]
        assert [item["id"] for item in found] == ["period"]
    assert (await client.get("/search?datetime=2021-01-01T00:00:00Z/2022-01-01T00:00:00Z")).json()["features"] == []


async def test_a_tag_names_the_bytes_of_an_item_and_saves_sending_them_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/collections/one/items/once", headers={"Accept-Encoding": "identity"})
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await client.get("/collections/one/items/once", headers={"If-None-Match": known, "Accept-Encoding": ""})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    changed = await client.get("/collections/one/items/once", headers={"If-None-Match": '"other"'})
    assert changed.status_code == 200
    other = await client.get("/collections/one/items/linked")
    assert other.headers["etag"] != tag


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
async def test_a_tag_of_a_compressed_item_saves_sending_it_again(client: httpx.AsyncClient, encoding: str) -> None:
    asked = {"Accept-Encoding": encoding}
    first = await client.get("/collections/one/items/huge", headers=asked)
    assert first.headers["content-encoding"] == encoding
    plain = await client.get("/collections/one/items/huge", headers={"Accept-Encoding": "identity"})
    assert first.headers["etag"] != plain.headers["etag"]
    again = await client.get("/collections/one/items/huge", headers={**asked, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    # What the client would have got (RFC 9110, 15.4.5).
    assert again.headers["etag"] == first.headers["etag"]
    assert "Accept-Encoding" in again.headers["vary"]
