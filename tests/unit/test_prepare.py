"""What is stored of a document, and which documents are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from satapi.errors import InvalidError
from satapi.ingest.prepare import identify, prepare_collection, prepare_item, prepare_items

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, object]

ITEM: Json = {
    "type": "Feature",
    "stac_version": "1.1.0",
    "id": "one",
    "collection": "c",
    "geometry": {"type": "Point", "coordinates": [5, 50]},
    "bbox": [5, 50, 5, 50],
    "properties": {"datetime": "2020-01-01T00:00:00Z"},
    "links": [],
    "assets": {},
}


def item(**changes: object) -> bytes:
    return json.dumps(ITEM | changes, separators=(",", ":")).encode()


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in ITEM.items() if key != name}).encode()


texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
links = st.lists(
    st.fixed_dictionaries(
        {"rel": st.sampled_from(["self", "root", "parent", "collection", "license", "via"]) | texts, "href": texts}
    ),
    max_size=6,
)
MADE = {"self", "root", "parent", "collection"}


@st.composite
def items(draw: st.DrawFn) -> Json:
    """Any valid item, its members in any order."""
    extra = st.dictionaries(texts.filter(lambda name: name not in ITEM), values, max_size=5)
    properties = st.dictionaries(texts.filter(lambda name: not name.endswith("datetime")), values, max_size=5)
    document = ITEM | draw(extra)
    document |= {"links": draw(links), "properties": {"datetime": "2020-01-01T00:00:00Z"} | draw(properties)}
    return {name: document[name] for name in draw(st.permutations(sorted(document)))}


spacings = st.sampled_from([(",", ":"), (", ", ": "), (",\n", ":"), (" , ", " : ")])


@given(items(), spacings, st.booleans())
def test_content_says_what_the_item_said_in_the_same_order_with_its_own_links_last(
    document: Json,
    spacing: tuple[str, str],
    ascii_only: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    raw = json.dumps(document, separators=spacing, ensure_ascii=ascii_only).encode()
    expected = {name: value for name, value in document.items() if name != "links"}
    expected["links"] = [link for link in document["links"] if link["rel"] not in MADE]
    content = prepare_item(raw).content
    stored = json.loads(content)
    assert stored == expected
    assert json.dumps(stored) == json.dumps(expected)  # the order of members too
    assert content.endswith(b"]}" if expected["links"] else b'"links":[]}')


@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?", fullmatch=True),
    st.sampled_from([b"%b", b" %b", b"\n%b "]),
)
def test_the_text_of_numbers_is_kept(number: str, spaced: bytes) -> None:
    row = prepare_item(
        item(n="N", properties={"datetime": "2020-01-01T00:00:00Z", "n": "N"}).replace(b'"N"', spaced % number.encode())
    )
    assert row.content.count(b'"n":%b' % number.encode()) == 2
    assert msgspec.json.decode(row.properties, type=dict[str, msgspec.Raw])["n"] == msgspec.Raw(number.encode())


def test_spaces_between_tokens_go_and_those_in_text_stay() -> None:
    row = prepare_item(json.dumps(ITEM | {"title": 'a , b : [ c ] "d": { e }'}, indent=3).encode())
    assert row.content == item(title='a , b : [ c ] "d": { e }').replace(b'"links":[],', b"").replace(
        b'{ e }"}', b'{ e }","links":[]}'
    )
    assert row.properties == b'{"datetime":"2020-01-01T00:00:00Z"}'


def test_real_items_come_back_as_they_were_given(shared_data: Path) -> None:
    count = 0
    for path in (shared_data / "stac").iterdir():
        given = json.loads(path.read_bytes())
        for document in given["features"] if isinstance(given, dict) else given:
            stored = json.loads(prepare_item(json.dumps(document).encode()).content)
            document["links"] = [link for link in document["links"] if link["rel"] not in MADE]
            assert stored == document
            count += 1
    assert count == 16


@pytest.mark.parametrize("name", ["type", "id", "geometry", "properties", "collection", "assets"])
def test_a_missing_member_is_named(name: str) -> None:
    with pytest.raises(InvalidError, match=f"the member '{name}' is required"):
        prepare_item(without(name))


def test_links_may_be_missing() -> None:
    assert json.loads(prepare_item(without("links")).content)["links"] == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"type": "Collection"}, "type"),
        ({"id": 5}, "id"),
        ({"id": ""}, "id"),
        ({"id": "a\0b"}, "id"),
        ({"collection": None}, "collection"),
        ({"collection": ""}, "collection"),
        ({"properties": None}, "properties"),
        ({"properties": []}, "properties"),
        ({"assets": []}, "assets"),
        ({"links": {}}, "links"),
        ({"links": [5]}, "links"),
        ({"links": [{"href": "a"}]}, "links"),
        ({"links": [{"rel": 1, "href": "a"}]}, "links"),
        ({"geometry": 5}, "geometry"),
        ({"geometry": {"coordinates": [0, 0]}}, "geometry"),
        ({"geometry": {"type": "Feature", "geometry": None}}, "geometry"),
    ],
)
def test_a_member_of_the_wrong_kind_is_named(changes: Json, named: str) -> None:
    with pytest.raises(InvalidError) as raised:
        prepare_item(item(**changes))
    assert raised.value.parameter == named


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "truncated"),
        (b"no json", "malformed"),
        (b'{"id": "x"', "truncated"),
        (b"[1]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (item()[:-1] + b',"x":01}', "invalid number"),
        (item()[:-1] + b"} {", "trailing characters"),
        (item(title="\xff").replace(b"\\u00ff", b"\xff"), "UTF-8"),
        (item(title="T").replace(b"T", b"\\ud83d", 1).replace(b'"\\ud83d', b'"\\ud83d'), "surrogate"),
        (item(title=[]).replace(b'"title":[]', b'"title":' + b"[" * 100_000 + b"]" * 100_000), "nested too deeply"),
    ],
)
def test_what_is_no_document_is_refused_with_the_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(InvalidError, match=reason):
        prepare_item(raw)


@pytest.mark.parametrize("half", [b"\\ud800", b"\\uDFFF", b"x\\udc00\\ud800x"])
def test_half_a_surrogate_pair_is_no_text(half: bytes) -> None:
    with pytest.raises(InvalidError, match="surrogate"):
        prepare_item(item(title="T").replace(b'"T"', b'"' + half + b'"'))


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (rb"a\u0000b", rb"a\ufffdb"),
        (rb"\u0000\u0000", rb"\ufffd\ufffd"),
        (rb"\\u0000", rb"\\u0000"),
        (rb"\\\u0000", rb"\\\ufffd"),
        (rb"\\\\u0000\n\u0000", rb"\\\\u0000\n\ufffd"),
        (rb"\ud83d\ude00", rb"\ud83d\ude00"),
    ],
)
def test_a_null_character_is_replaced_for_filters_and_kept_in_the_content(given: bytes, stored: bytes) -> None:
    raw = item(properties={"datetime": "2020-01-01T00:00:00Z", "t": "T"}).replace(b'T"}', given + b'"}')
    row = prepare_item(raw)
    assert row.properties == b'{"datetime":"2020-01-01T00:00:00Z","t":"' + stored + b'"}'
    assert b'"t":"' + given + b'"' in row.content


@pytest.mark.parametrize("identity", ["a/b", "100%", "ü 漢字 \U0001f6f0", " ", "?#&", "e\u0301", "'\"\\"])
def test_an_id_may_be_any_text(identity: str) -> None:
    row = prepare_item(item(id=identity, collection=identity))
    assert row.key == (identity, identity)


def test_many_items_are_prepared_in_order_each_with_its_row_or_its_reason() -> None:
    raws = [item(id="1"), b"{}", item(id="3", geometry=None), item(geometry={"type": "Point"}), item(id="5")]
    first, second, third, fourth, fifth = prepare_items(raws)
    assert (first.id, third.id, fifth.id) == ("1", "3", "5")
    assert third.geometry is None
    assert shapely.from_wkb(fifth.geometry).equals(shapely.Point(5, 50))
    assert isinstance(second, InvalidError)
    assert isinstance(fourth, InvalidError)
    assert prepare_items([]) == []


def test_a_collection_is_stored_as_given_without_the_links_that_the_server_makes() -> None:
    rels = ["self", "license", "items", "root", "parent", "item", "child"]
    document = {
        "type": "Collection",
        "links": [{"rel": rel, "href": "x"} for rel in rels],
        "id": "c",
        "extent": {"x": 1.0},
    }
    row = prepare_collection(json.dumps(document).encode())
    assert row.key == ("c",)
    kept = b'{"rel":"license","href":"x"}'
    assert row.content == b'{"type":"Collection","id":"c","extent":{"x":1.0},"links":[%b]}' % kept


@pytest.mark.parametrize(
    ("changes", "named"), [({"type": "Catalog"}, "type"), ({"id": 1}, "id"), ({"links": 1}, "links")]
)
def test_a_bad_collection_is_refused(changes: Json, named: str) -> None:
    with pytest.raises(InvalidError) as raised:
        prepare_collection(json.dumps({"type": "Collection", "id": "c", "links": []} | changes).encode())
    assert raised.value.parameter == named


@pytest.mark.parametrize(
    ("raw", "found"),
    [(b'{"id": "x"}', "x"), (b'{"id": 1}', None), (b"{}", None), (b"]", None), (b"", None), (b'{"id": "\xff"}', None)],
)
def test_the_id_of_a_bad_document_is_found_if_there_is_one(raw: bytes, found: str | None) -> None:
    assert identify(raw) == found
