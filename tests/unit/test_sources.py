"""Sources: which documents the name of a file, a folder, a pattern, a catalog or an API stands for."""

from __future__ import annotations

import gzip
import json
import os
import resource
import time
from typing import TYPE_CHECKING

import pystac
import pytest
import zstandard

import serving
from satapi.errors import SourceError
from satapi.ingest import crawl
from satapi.ingest.sources import Chosen, Document, Noun, Reading, documents
from satapi.settings import Settings
from web import Answer, Site, page_of, site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, object]


@pytest.fixture
def served() -> Iterator[Site]:
    with site() as one:
        yield one


def link(rel: str, href: str, **members: object) -> Json:
    return {"rel": rel, "href": href, **members}


def catalog(*links: Json, **members: object) -> Json:
    return {"type": "Catalog", "id": "c", "stac_version": "1.1.0", "description": "", "links": links, **members}


def found(*sources: str, noun: Noun = "items", **reading: object) -> list[str]:
    """The ids of the documents, and what is said of those that could not be read."""
    settings = Settings(source_attempts=2)
    given = documents(sources, noun, Reading(**{"settings": settings, **reading}))
    return [json.loads(one.raw)["id"] if isinstance(one, Document) else str(one) for one in given]


# Folders and patterns ---------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with items in every form, and what is none."""

    def item(identifier: str) -> bytes:
        return json.dumps(serving.item("c", identifier)).encode()

    files = {
        "b/1.json": item("b1"),
        "b/2.json": b"\xef\xbb\xbf" + item("b2"),
        "b/10.geojson": json.dumps({"type": "FeatureCollection", "features": [serving.item("c", "b10")]}).encode(),
        "b/collection.json": json.dumps(serving.collection("c")).encode(),
        "a/lines.ndjson": item("a1") + b"\n" + item("a2"),
        "a/lines.ndjson.zst": zstandard.compress(item("a3")),
        "a/lines.jsonl.gz": gzip.compress(item("a4")),
        "a/.hidden.json": b"no",
        "a/B1.tif": b"no",
        ".git/x.json": b"no",
        "catalog.json": json.dumps(catalog(link("child", "./b/collection.json"))).encode(),
        "c.json.bak": b"no",
        "z.json": json.dumps([serving.item("c", "z")]).encode(),
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_a_folder_is_read_with_all_below_it_and_says_what_it_leaves_out(folder: Path) -> None:
    told: list[str] = []
    assert found(str(folder), tell=told.append) == ["z", "a4", "a1", "a2", "a3", "b1", "b10", "b2"]
    left_out, others = told
    assert left_out == (
        f"{folder}: 2 files are left out, such as {folder}/c.json.bak; those that end in .json, .geojson, .ndjson, "
        ".jsonl, .parquet are read, and these with .gz or .zst"
    )
    assert others == f"{folder}: 2 files hold no items and are left out, such as {folder}/catalog.json"
    assert found(str(folder / "b"), noun="collections") == ["c"]


def test_a_pattern_is_the_files_that_match_it(folder: Path) -> None:
    assert found(str(folder / "b" / "*.json")) == ["b1", "b2"]
    assert found(str(folder / "**" / "[12].json")) == ["b1", "b2"]
    assert found(str(folder / "**" / "*.json"), noun="collections")[0] == "c"
    with pytest.raises(SourceError, match=r"\*.xml: there is no such file, and no file matches it as a pattern"):
        found(str(folder / "*.xml"))


def test_a_file_may_be_named_like_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "[1].json").write_text(json.dumps(serving.item("c", "1")))
    assert found(str(tmp_path / "[1].json")) == ["1"]


@pytest.mark.parametrize("name", ["s3://bucket/x.json", "ftp://example.com/x", "file:///etc/passwd"])
def test_other_urls_are_refused(name: str) -> None:
    with pytest.raises(SourceError, match="only files, http and https are read"):
        found(name)


# Catalogs of files ------------------------------------------------------------------------------------------------


def wide(folder: Path, kind: str) -> Path:
    """A catalog that pystac writes: 2 catalogs with 2 collections each, which have a collection and 3 items."""
    extent = pystac.Extent.from_dict(serving.collection("c")["extent"])
    root = pystac.Catalog("root", "of all")
    for at in range(2):
        middle = pystac.Catalog(f"m{at}", "of some")
        root.add_child(middle)
        for number in range(2):
            top = pystac.Collection(f"m{at}c{number}", "top", extent)
            low = pystac.Collection(f"{top.id}low", "low", extent)
            middle.add_child(top)
            top.add_child(low)
            for collection in (top, low):
                for item_number in range(3):
                    item = serving.item(collection.id, f"{collection.id}i{item_number}")
                    collection.add_item(pystac.Item.from_dict(item))
    root.normalize_and_save(str(folder), catalog_type=kind)
    return folder / "catalog.json"


COLLECTIONS = [f"m{at}c{number}{low}" for at in range(2) for number in range(2) for low in ("", "low")]
ITEMS = sorted(f"{collection}i{number}" for collection in COLLECTIONS for number in range(3))


@pytest.mark.parametrize("kind", [pystac.CatalogType.SELF_CONTAINED, pystac.CatalogType.ABSOLUTE_PUBLISHED])
def test_a_catalog_is_followed_to_each_item_and_collection(tmp_path: Path, kind: str) -> None:
    path = str(wide(tmp_path, kind))
    assert sorted(found(path)) == ITEMS
    assert found(path) == found(path)
    assert sorted(found(path, noun="collections")) == sorted(COLLECTIONS)


def test_a_collection_that_is_named_leads_to_its_items_and_is_itself_as_a_collection(tmp_path: Path) -> None:
    wide(tmp_path, pystac.CatalogType.SELF_CONTAINED)
    path = str(tmp_path / "m0" / "m0c0" / "collection.json")
    assert sorted(found(path)) == ITEMS[:6]
    assert found(path, noun="collections") == ["m0c0"]
    assert found(path, noun="collections", is_deep=True) == ["m0c0", "m0c0low"]


def test_each_document_is_read_once_however_often_and_however_it_is_linked(tmp_path: Path) -> None:
    item = tmp_path / "i.json"
    item.write_text(json.dumps(serving.item("c", "i", links=[link("item", "./i2.json")])))
    (tmp_path / "again.json").symlink_to(item)
    (tmp_path / "low.json").write_text(json.dumps(catalog(link("child", "../" + tmp_path.name + "/catalog.json"))))
    links = [
        link("child", "./low.json"),
        link("child", "./catalog.json"),
        *(
            link("item", href)
            for href in ("i.json", "./i.json", str(item), f"file://{item}", "again.json", "x/../i.json")
        ),
    ]
    root = tmp_path / "catalog.json"
    root.write_text(json.dumps(catalog(*links)))
    assert found(str(root)) == ["i"]
    assert found(str(root), str(root)) == ["i"]


def test_what_cannot_be_read_is_told_with_what_leads_there_and_the_rest_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "broken.json").write_text('{"type": "Feat')
    (tmp_path / "other.json").write_text('{"type": "Topology"}')
    (tmp_path / "links.json").write_text('{"type": "Catalog", "links": [1]}')
    (tmp_path / "large.json").write_text(json.dumps(serving.item("c", "large", text="x" * 10_000)))
    (tmp_path / "i.json").write_text(json.dumps(serving.item("c", "i")))
    names = ["missing", "pipe", "broken", "other", "links", "large", "i"]
    root = tmp_path / "catalog.json"
    links = [link("child" if name == "links" else "item", f"{name}.json") for name in names]
    root.write_text(
        json.dumps(catalog(*links, link("item", "s3://b/x.json"), link("item", "x.html", type="text/html")))
    )
    *told, last, bucket = found(str(root), settings=Settings(source_max_bytes=9_000))
    said = [
        "No such file or directory",
        "it is no file",
        "it is no JSON object of STAC",
        "it is no Catalog, Collection or item: its type is 'Topology'",
        "its links are no links: Expected `object`, got `int` - at `$[0]`",
        "it has more than the 9,000 bytes that SATAPI_SOURCE_MAX_BYTES allows",
    ]
    rels = ["item"] * 4 + ["child", "item"]
    assert told == [
        f"{tmp_path}/{name}.json: {text} (linked from {root} as '{rel}')"
        for name, text, rel in zip(names, said, rels, strict=False)
    ]
    assert (last, bucket.partition(" (")[0]) == ("i", "s3://b/x.json: only files, http and https are read")


def test_a_catalog_is_followed_only_so_deep(tmp_path: Path) -> None:
    for at in range(5):
        links = [link("child", f"{at + 1}.json"), link("item", f"i{at}.json")]
        (tmp_path / f"{at}.json").write_text(json.dumps(catalog(*links)))
        (tmp_path / f"i{at}.json").write_text(json.dumps(serving.item("c", f"i{at}")))
    (tmp_path / "5.json").write_text(json.dumps(catalog()))
    root = tmp_path / "0.json"
    items = found(str(root), settings=Settings(source_max_depth=3))
    assert sorted(items)[:3] == ["4.json: " + DEEP.format(tmp_path, "child"), "i0", "i1"]
    assert sorted(items)[3:] == ["i2", "i3.json: " + DEEP.format(tmp_path, "item")]


DEEP = "it is too deep; SATAPI_SOURCE_MAX_DEPTH allows 3 links (linked from {}/3.json as '{}')"


# Catalogs of the web ----------------------------------------------------------------------------------------------


def tree(site: Site, collections: int, items: int) -> list[str]:
    """Serve a catalog of collections, and give the ids of their items."""
    children = [link("child", f"./c{at}/collection.json") for at in range(collections)]
    site.put({"/catalog.json": catalog(*children)})
    for at in range(collections):
        links = [link("item", f"./i{number}.json") for number in range(items)]
        links += [link("parent", "../catalog.json"), link("root", "../catalog.json")]
        site.put({f"/c{at}/collection.json": serving.collection(f"c{at}", links=links)})
        site.put({f"/c{at}/i{number}.json": serving.item(f"c{at}", f"c{at}i{number}") for number in range(items)})
    return [f"c{at}i{number}" for at in range(collections) for number in range(items)]


def test_a_catalog_of_the_web_is_read_over_many_connections_in_order(served: Site) -> None:
    ids = tree(served, 3, 40)
    for answer in list(served.answers):
        served.answers[answer] = served.answers[answer]._replace(pause_s=0.02)
    given = found(served.url + "/catalog.json")
    assert sorted(given) == sorted(ids)
    assert [one for one in given if one.startswith("c0")] == ids[:40]
    assert len(served.asked) == len(set(served.paths())) == 124
    assert 8 <= served.most_at_once <= 16
    assert found(served.url + "/catalog.json", noun="collections") == ["c0", "c1", "c2"]


def test_a_long_way_is_told_of(served: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crawl, "_QUIET_S", 0)
    tree(served, 3, 2)
    told: list[str] = []
    found(served.url + "/catalog.json", tell=told.append)
    assert told[-1] == f"{served.url}/catalog.json: 10 documents are known so far"


def test_documents_that_are_not_there_are_told_and_those_that_redirect_are_read_once(served: Site) -> None:
    tree(served, 1, 3)
    served.answers["/c0/i0.json"] = Answer(status=404)
    served.answers["/c0/i1.json"] = Answer(status=302, headers={"Location": "/c0/i2.json"})
    served.answers["/c0/i2.json"] = [Answer(status=503), served.answers["/c0/i2.json"]]
    told, *items = sorted(found(served.url + "/catalog.json"), reverse=True)
    assert told == f"{served.url}/c0/i0.json: 404 Not Found (linked from {served.url}/c0/collection.json as 'item')"
    assert items == ["c0i2"]


def test_a_catalog_of_the_web_leads_to_no_file(served: Site, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(serving.item("c", "secret")))
    served.put({"/catalog.json": catalog(link("item", f"file://{secret}"), link("item", str(secret)))})
    told = found(served.url + "/catalog.json")
    assert len(told) == 2
    assert "a document of the web may lead to http and https only" in told[0]
    assert told[1].startswith(f"{served.url}{secret}: 404 Not Found")


def test_relative_hrefs_become_absolute_where_they_come_over_the_web(served: Site, tmp_path: Path) -> None:
    item = serving.item("c", "i", assets={"b": {"href": "./b.tif"}})
    served.put({"/x/catalog.json": catalog(link("item", "y/i.json")), "/x/y/i.json": item})
    (tmp_path / "i.json").write_text(json.dumps(item))

    def href(source: str, hrefs: str) -> str:
        (document,) = documents([source], "items", Reading(hrefs=hrefs))
        return json.loads(document.raw)["assets"]["b"]["href"]

    url = served.url + "/x/catalog.json"
    for source, hrefs, expected in [
        (url, "auto", f"{served.url}/x/y/b.tif"),
        (url, "absolute", f"{served.url}/x/y/b.tif"),
        (url, "given", "./b.tif"),
        (str(tmp_path / "i.json"), "auto", "./b.tif"),
        (str(tmp_path / "i.json"), "absolute", str(tmp_path / "b.tif")),
    ]:
        assert href(source, hrefs) == expected


def test_a_collection_of_an_api_is_read_by_its_items_alone(served: Site) -> None:
    links = [link("items", "/c/items", type="application/geo+json"), link("child", "/c/by-time"), link("item", "/c/1")]
    served.put({"/c": serving.collection("c", links=links)})
    items = [serving.item("c", f"i{at}") for at in range(5)]
    served.put({"/c/items": page_of(items, 2, "/c/items?at={}".format, 0)})
    served.put({f"/c/items?at={at}": page_of(items, 2, "?at={}".format, at) for at in (2, 4)})
    assert found(served.url + "/c", settings=Settings(source_max_depth=1)) == [f"i{at}" for at in range(5)]
    assert served.paths() == ["/c", "/c/items", "/c/items?at=2", "/c/items?at=4"]


def test_a_file_of_the_web_is_read_as_it_comes(served: Site) -> None:
    lines = b"\n".join(json.dumps(serving.item("c", f"i{at}")).encode() for at in range(3))
    for path, body in [
        ("/x.ndjson", lines),
        ("/x.ndjson.gz?key=1", gzip.compress(lines)),
        ("/x", b"[" + lines.replace(b"\n", b",") + b"]"),
        ("/lines", lines),
    ]:
        served.answers[path] = Answer(body)
        assert found(served.url + path) == ["i0", "i1", "i2"]
    assert found(served.url + "/x.ndjson", settings=Settings(source_max_bytes=10)) == ["i0", "i1", "i2"]
    with pytest.raises(SourceError, match="404"):
        found(served.url + "/y.ndjson")


def test_memory_does_not_grow_with_the_catalog(served: Site) -> None:
    item = json.dumps(serving.item("c", "i", text="x" * 200_000)).encode()
    served.put({"/catalog.json": catalog(*(link("item", f"./{at}.json") for at in range(1_000)))})
    served.answers |= {f"/{at}.json": Answer(item) for at in range(1_000)}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = 0
    for one in documents([served.url + "/catalog.json"], "items", Reading()):
        assert isinstance(one, Document)
        count += 1
    assert count == 1_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


def test_who_stops_reading_leaves_no_requests_behind(served: Site) -> None:
    tree(served, 1, 200)
    reading = documents([served.url + "/catalog.json"], "items", Reading())
    next(reading)
    reading.close()
    time.sleep(0.1)
    asked = len(served.asked)
    time.sleep(0.2)
    assert len(served.asked) == asked < 60


# APIs -------------------------------------------------------------------------------------------------------------

ITEM_SEARCH = "https://api.stacspec.org/v1.0.0/item-search"


def landing(*links: Json) -> Json:
    return catalog(link("data", "./collections"), *links, conformsTo=[ITEM_SEARCH])


def test_an_api_is_asked_for_a_part_by_get(served: Site) -> None:
    items = [serving.item("c", f"i{at}") for at in range(5)]
    query = "limit=2&collections=c%2Cd&bbox=1%2C2%2C3%2C4&datetime=2024&filter=a+%3E+1&filter-lang=cql2-text"
    served.put(
        {
            "/api": landing(link("search", "/api/search", method="POST"), link("search", "/api/search?v=1")),
            f"/api/search?v=1&{query}": page_of(items, 2, "/api/search?token={}".format, 0),
            "/api/search?token=2": page_of(items, 2, "/api/search?token={}".format, 2),
            "/api/search?token=4": page_of(items, 2, "/api/search?token={}".format, 4),
        }
    )
    chosen = Chosen(["c", "d"], "1,2,3,4", "2024", "a > 1")
    assert found(served.url + "/api", chosen=chosen, page_size=2) == [f"i{at}" for at in range(5)]


@pytest.mark.parametrize("merge", [True, False])
def test_an_api_is_asked_for_a_part_by_post(served: Site, *, merge: bool) -> None:
    items = [serving.item("c", f"i{at}") for at in range(5)]

    def search(asked: object) -> Answer:
        body = json.loads(asked.body)
        start = body.pop("token", 0)
        assert body == {"limit": 2, "collections": ["c"], "bbox": [1, 2, 3, 4]}
        page = page_of(items, 2, lambda _: "", start)
        for one in page["links"]:
            one |= {"href": "./search", "method": "POST", "merge": merge}
            one["body"] = {"token": start + 2} if merge else {**body, "token": start + 2}
        return Answer(page)

    served.put({"/": landing(link("search", "/search", method="POST"))})
    served.answers["/search"] = search
    assert found(served.url + "/", chosen=Chosen(["c"], "1,2,3,4"), page_size=2) == [f"i{at}" for at in range(5)]
    with pytest.raises(SourceError, match="bbox '1,x' is not"):
        found(served.url + "/", chosen=Chosen(bbox="1,x"))


def test_the_collections_of_an_api_are_read_without_the_links_of_what_it_can_do(served: Site) -> None:
    links = [link("license", "https://x"), link("aggregate", "/a"), link("http://opengis.net/rel/queryables", "/q")]
    collections = [serving.collection(name, links=links) for name in "abc"]
    first = {"collections": collections[:2], "links": [link("next", "?page=2")]}
    served.put({"/": landing(link("search", "/search"))})
    served.put({"/collections": first, "/collections?page=2": {"collections": collections[2:], "links": []}})
    assert found(served.url, noun="collections") == ["a", "b", "c"]
    assert found(served.url, noun="collections", chosen=Chosen(["b", "x"])) == ["b"]
    one, *_ = documents([served.url], "collections", Reading())
    assert json.loads(one.raw)["links"] == [link("license", "https://x")]


def test_a_page_that_was_found_in_a_browser_is_read_on(served: Site) -> None:
    items = [serving.item("c", f"i{at}") for at in range(3)]
    served.put({f"/items?at={at}": page_of(items, 1, "?at={}".format, at) for at in range(3)})
    assert found(served.url + "/items?at=1") == ["i1", "i2"]


def test_pages_in_a_circle_and_what_is_no_page_are_errors(served: Site) -> None:
    served.put({"/items": page_of([serving.item("c", "i")] * 2, 1, lambda _: "/items", 0)})
    with pytest.raises(SourceError, match="its pages lead in a circle"):
        found(served.url + "/items")
    served.put({"/": landing(link("search", "/search")), "/search?limit=250": {"code": "no"}})
    with pytest.raises(SourceError, match="it is no page of items or collections: its type is None"):
        found(served.url)


@pytest.mark.parametrize(
    "reading", [{"chosen": Chosen(bbox="1,2,3,4")}, {"must_be_api": True}], ids=["chosen", "resumed"]
)
def test_options_that_are_of_apis_are_refused_for_anything_else(served: Site, tmp_path: Path, reading: dict) -> None:
    tree(served, 1, 1)
    served.answers["/x.ndjson"] = Answer(b"")
    for source in (
        str(tmp_path),
        "-",
        served.url + "/catalog.json",
        served.url + "/x.ndjson",
        served.url + "/c0/i0.json",
    ):
        with pytest.raises(SourceError, match=r"only a (STAC API|load from a STAC API)"):
            found(source, **reading)
