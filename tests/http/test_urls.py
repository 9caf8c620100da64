"""Public URLs, behind proxies of all kinds and in spite of clients that make headers up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx


async def root(client: httpx.AsyncClient, headers: dict[str, str], path: str = "/") -> str:
    page = (await client.get(path, headers=headers)).json()
    return next(link["href"] for link in page["links"] if link["rel"] == "root")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Host": "stac.example"}, "http://stac.example/"),
        ({"Host": "stac.example:80"}, "http://stac.example/"),
        ({"Host": "stac.example:8080"}, "http://stac.example:8080/"),
        ({"Host": "[::1]:8080"}, "http://[::1]:8080/"),
        ({"X-Forwarded-Proto": "https"}, "https://stac.test/"),
        ({"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "a.example, b.example"}, "https://a.example/"),
        ({"X-Forwarded-Proto": "HTTPS", "X-Forwarded-Host": "a.example:443"}, "https://a.example/"),
        ({"X-Forwarded-Host": "a.example", "X-Forwarded-Port": "8443"}, "http://a.example:8443/"),
        ({"X-Forwarded-Host": "a.example:81", "X-Forwarded-Port": "8443"}, "http://a.example:81/"),
        ({"X-Forwarded-Prefix": "/"}, "http://stac.test/"),
        ({"X-Forwarded-Prefix": "/a/b/"}, "http://stac.test/a/b/"),
        ({"Forwarded": "for=1.1.1.1"}, "http://stac.test/"),
        ({"Forwarded": "Proto=HTTPS; Host=a.example:443"}, "https://a.example/"),
        ({"Forwarded": 'host="[2001:db8::1]:8080"'}, "http://[2001:db8::1]:8080/"),
        ({"Forwarded": "host=a.example", "X-Forwarded-Host": "b.example"}, "http://a.example/"),
    ],
)
async def test_the_first_proxy_knows_the_public_address(
    client: httpx.AsyncClient, headers: dict[str, str], expected: str
) -> None:
    assert await root(client, headers) == expected


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "a.example/evil"},
        {"X-Forwarded-Host": "user@a.example"},
        {"X-Forwarded-Host": 'a.example","x":"'},
        {"X-Forwarded-Host": ""},
        {"X-Forwarded-Proto": "javascript"},
        {"X-Forwarded-Port": "80x"},
        {"X-Forwarded-Prefix": "//evil.example"},
        {"X-Forwarded-Prefix": "evil"},
        {"X-Forwarded-Prefix": "/a?b"},
        {"X-Forwarded-Prefix": '/a"b'},
        {"Forwarded": "host="},
        {"Forwarded": ";;=,"},
        {"Forwarded": 'host="a b";proto="x"'},
    ],
)
async def test_what_is_no_address_is_not_believed(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert await root(client, headers) == "http://stac.test/"


@pytest.mark.parametrize("host", ["[", "[::1", "a b", "a/b", "\u00e9"])
async def test_a_host_header_that_is_none_breaks_nothing(client: httpx.AsyncClient, host: str) -> None:
    response = await client.get("/", headers={"Host": host.encode("latin-1")})
    assert response.status_code in {200, 400}


async def test_links_of_pages_keep_the_public_address(client: httpx.AsyncClient) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.example", "X-Forwarded-Prefix": "/stac"}
    for path in ("/search?limit=1", "/items?limit=1", "/collections/landsat-8-l1/items?limit=1"):
        page = (await client.get(path, headers=headers)).json()
        links = {link["rel"]: link["href"] for link in page["links"]}
        assert links["self"] == f"https://a.example/stac{path}"
        assert links["next"].startswith(f"https://a.example/stac{path}&token=")
    posted = (await client.post("/search", json={"limit": 1}, headers=headers)).json()
    assert {link["href"] for link in posted["links"] if link["rel"] in {"self", "next"}} == {
        "https://a.example/stac/search"
    }


@pytest.mark.parametrize("prefix", ["/stac", "/stac/", "/collections"])
async def test_pages_under_a_root_path_lead_on(open_client: Callable[..., httpx.AsyncClient], prefix: str) -> None:
    client = await open_client(root_path=prefix)
    base = prefix.rstrip("/")
    url, found = f"http://stac.test{base}/collections/landsat-8-l1/items?limit=400", 0
    while url:
        page = (await client.get(url)).json()
        found += page["numberReturned"]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
        assert url is None or url.startswith(f"http://stac.test{base}/collections/landsat-8-l1/items?limit=400&token=")
    assert found == 1000
