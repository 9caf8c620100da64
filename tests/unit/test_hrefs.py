"""Hrefs that mean something elsewhere too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from satapi.errors import SourceError
from satapi.ingest.hrefs import absolute, resolved, without_links

if TYPE_CHECKING:
    from pathlib import Path

BASE = "https://example.com/a/b/item.json"


def document(*hrefs: str, own: str = "./item.json") -> bytes:
    assets = ",".join(f'"{at}":{{"href":{json.dumps(href)},"gsd":1.50}}' for at, href in enumerate(hrefs))
    return (
        f'{{"n":1e400,"links":[{{"rel":"self","href":"{own}"}},{{"rel":"x","href":"../x"}}],"assets":{{{assets}}}}}'
    ).encode()


def hrefs(raw: bytes) -> list[str]:
    return [asset["href"] for asset in json.loads(raw)["assets"].values()]


def test_relative_hrefs_are_made_absolute_and_nothing_else_changes() -> None:
    given = document("./a.tif", "/b.tif", "//cdn.example.com/c", "s3://bucket/d", "HTTP://x/e", "/vsicurl/f", "", "#g")
    made = absolute(given, BASE)
    assert hrefs(made) == [
        "https://example.com/a/b/a.tif",
        "https://example.com/b.tif",
        "https://cdn.example.com/c",
        *hrefs(given)[3:],
    ]
    assert json.loads(made)["links"][1]["href"] == "https://example.com/a/x"
    assert made.startswith(b'{"n":1e400,"links":[{"rel":"self",')
    assert made.count(b'"gsd":1.50') == 8


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b'{"assets":{"a":{"href":"./a"}}', b'{"assets":{"a":{"href":"./a"},"b":1}}']
)
def test_what_has_nothing_to_change_or_is_no_document_stays_as_it_is(raw: bytes) -> None:
    assert absolute(raw, BASE) is raw
    plain = b'{"assets": {"a": {"href": "https://x/y"}}, "links": [ ]}'
    assert absolute(plain, BASE) is plain


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("https://example.com/items/1/", "https://example.com/items/1/a.tif"),
        ("https://elsewhere.com/items/1/", "https://example.com/a/b/a.tif"),
        ("./item.json", "https://example.com/a/b/a.tif"),
    ],
)
def test_an_item_of_a_page_starts_from_itself_if_that_is_of_the_same_server(own: str, expected: str) -> None:
    assert hrefs(absolute(document("a.tif", own=own), BASE)) == [expected]


def test_hrefs_beside_a_file_become_paths(tmp_path: Path) -> None:
    made = absolute(document("./a.tif", "../b.tif", own=BASE), str(tmp_path / "c" / "item.json"))
    assert hrefs(made) == [str(tmp_path / "c" / "a.tif"), str(tmp_path / "b.tif")]


@pytest.mark.parametrize(
    ("base", "href", "target"),
    [
        (BASE, "./x.json#part", "https://example.com/a/b/x.json"),
        (BASE, "/etc/passwd", "https://example.com/etc/passwd"),
        (BASE, "http://other.com/y", "http://other.com/y"),
        ("/a/b/catalog.json", "../c/x.json", "/a/c/x.json"),
        ("/a/b/catalog.json", "/c/x.json", "/c/x.json"),
        ("/a/b/catalog.json", "file:///c/x%20y.json", "/c/x y.json"),
        ("/a/b/catalog.json", BASE, BASE),
    ],
)
def test_links_lead_to_urls_and_paths(base: str, href: str, target: str) -> None:
    assert resolved(base, href) == target


@pytest.mark.parametrize(
    ("base", "href"),
    [
        (BASE, "file:///etc/passwd"),
        (BASE, "FILE:/etc/passwd"),
        (BASE, "ftp://example.com/x"),
        (BASE, "s3://bucket/x"),
        ("/a/catalog.json", "s3://bucket/x"),
        ("/a/catalog.json", "file://server/x"),
    ],
)
def test_links_lead_nowhere_else(base: str, href: str) -> None:
    with pytest.raises(SourceError):
        resolved(base, href)


def test_links_of_some_relations_can_be_taken_away() -> None:
    raw = b'{"a": 1.0,"links":[{"rel":"x","href":"1"},{"rel":"y","href":"2"}]}'
    assert without_links(raw, lambda rel: rel == "z") is raw
    assert without_links(raw, lambda rel: rel == "x") == b'{"a":1.0,"links":[{"rel":"y","href":"2"}]}'
