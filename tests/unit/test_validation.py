"""Validation by JSON Schemas: it accepts and refuses what pystac does, says why, and ends whatever a document is."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING

import pystac
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from satapi.errors import DocumentError, InvalidError
from satapi.ingest.prepare import Row, prepare_collections, prepare_items
from satapi.ingest.validation import Checks, checks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Json = dict[str, object]

BAND: Json = {"name": "B04", "gsd": 10, "data_type": "uint16", "nodata": "nan", "description": "red"}
ITEM: Json = {
    "type": "Feature",
    "stac_version": "1.1.0",
    "stac_extensions": ["https://example.com/one/v1.0.0/schema.json"],
    "id": "one",
    "collection": "c",
    "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
    "bbox": [0, 0, 1, 1],
    "properties": {
        "datetime": "2020-01-01T00:00:00Z",
        "start_datetime": "2020-01-01T00:00:00Z",
        "end_datetime": "2020-01-02T00:00:00+00:00",
        "created": "2020-01-03T00:00:00Z",
        "title": "T",
        "platform": "p",
        "instruments": ["i"],
        "gsd": 10.5,
        "license": "CC-BY-4.0",
        "keywords": ["k"],
        "statistics": {"minimum": 1, "count": 3, "valid_percent": 99.5},
        "providers": [{"name": "n", "roles": ["host"], "url": "https://example.com"}],
        "own:thing": {"deep": [1, 2]},
    },
    "links": [
        {"rel": "self", "href": "https://example.com/one"},
        {"rel": "via", "href": "other", "method": "POST", "headers": {"a": ["b"], "c": "d"}, "body": 1, "title": "t"},
    ],
    "assets": {"a": {"href": "a.tif", "type": "image/tiff", "roles": ["data"], "bands": [BAND], "title": "A"}},
}
COLLECTION: Json = {
    "type": "Collection",
    "stac_version": "1.1.0",
    "id": "c",
    "title": "T",
    "description": "D",
    "license": "other",
    "keywords": ["k"],
    "providers": [{"name": "n"}],
    "extent": {
        "spatial": {"bbox": [[0, 0, 1, 1]]},
        "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
    },
    "summaries": {"gsd": {"minimum": 1, "maximum": 2}, "platform": ["a"], "x": {"type": "string"}},
    "item_assets": {"a": {"type": "image/tiff", "title": "A"}},
    "assets": {"a": {"href": "a.png"}},
    "links": [{"rel": "license", "href": "l"}],
}
ADDED: Json = {
    "bbox": [0, 0, 1, 1],
    "bands": [BAND],
    "gsd": -1,
    "href": "h",
    "roles": "data",
    "license": "a b",
    "created": "2020-01-01T00:00:00+01:00",
    "statistics": {},
    "collection": "c",
    "unit": 3,
    "datetime": None,
    "method": "get",
}
VALUES: list[object] = [None, True, 0, -1, 1.5, 2**70, "", "x", "2020-01-01T00:00:00Z", [], [1, 2], {}, {"a": 1}]


def places(value: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Each place in a document, but for that of its version."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [place for key, each in inner if key != "stac_version" for place in places(each, (*at, key))]
    return [at, *found] if at else found


@st.composite
def mutated(draw: st.DrawFn, document: Json) -> Json:
    """A document with a few changes, wherever they are."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, 3))):
        *parents, last = draw(st.sampled_from(places(document)))
        parent = document
        for step in parents:
            parent = parent[step]
        match draw(st.sampled_from(["remove", "set", "add"])):
            case "remove":
                del parent[last]
            case "set":
                parent[last] = copy.deepcopy(draw(st.sampled_from(VALUES)))
            case _:
                target = parent[last] if isinstance(parent[last], dict) else document
                name, value = draw(st.sampled_from(list(ADDED.items())))
                target[name] = copy.deepcopy(value)
    return document


PEER = JsonSchemaSTACValidator()
CHECKS = checks(None, is_strict=False)


def is_valid_to_pystac(document: Json, kind: pystac.STACObjectType) -> bool:
    try:
        PEER.validate_core(document, kind, "1.1.0")
    except pystac.STACValidationError:
        return False
    return True


def faults(document: object, found: Checks = CHECKS) -> list[tuple[str, str]]:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    (row,) = prepare_items([raw], {}, found.item)
    return told(row)


def collection_faults(document: object) -> list[tuple[str, str]]:
    (row,) = prepare_collections([json.dumps(document).encode()], CHECKS.collection)
    return told(row)


def told(row: object) -> list[tuple[str, str]]:
    if isinstance(row, DocumentError):
        assert row.faults
        return [(fault.pointer, fault.reason) for fault in row.faults]
    assert not isinstance(row, InvalidError)
    return []


@settings(max_examples=300, deadline=None)
@given(mutated(ITEM))
def test_an_item_is_valid_exactly_if_it_is_to_pystac(document: Json) -> None:
    served = {"links": [], **copy.deepcopy(document)}
    if "collection" in served and isinstance(served["links"], list):
        served["links"].append({"rel": "collection", "href": "c"})
    found = CHECKS.item(json.dumps(document).encode(), {})
    assert (not found) == is_valid_to_pystac(served, pystac.STACObjectType.ITEM), found


@settings(max_examples=300, deadline=None)
@given(mutated(COLLECTION))
def test_a_collection_is_valid_exactly_if_it_is_to_pystac(document: Json) -> None:
    found = CHECKS.collection(json.dumps(document).encode(), {})
    served = {"links": [], **document}
    assert (not found) == is_valid_to_pystac(served, pystac.STACObjectType.COLLECTION), found


@settings(max_examples=200, deadline=None)
@given(mutated({**ITEM, "stac_version": "1.0.0"}), mutated({**COLLECTION, "stac_version": "1.0.0"}))
def test_whatever_is_wrong_is_told_with_its_place(item: Json, collection: Json) -> None:
    for document, check in ((item, CHECKS.item), (collection, CHECKS.collection)):
        for error in check(json.dumps(document).encode(), {}):
            (fault,) = error.faults
            assert fault.pointer == "" or fault.pointer.startswith("/")
            assert fault.reason.startswith(error.parameter)


# Editions ---------------------------------------------------------------------------------------------------------


def with_properties(**properties: object) -> Json:
    return {**ITEM, "stac_version": "1.0.0", "properties": {**ITEM["properties"], **properties}}


@pytest.mark.parametrize(
    ("members", "is_allowed"),
    [
        ({}, True),
        ({"properties": {"datetime": "2020-01-01T00:00:00Z", "bands": 3, "nodata": [], "description": ""}}, True),
        ({"assets": {"a": {"href": "a", "bands": 3, "data_type": 3, "keywords": 3}}}, True),
        ({"links": [{"rel": "x", "href": "a", "method": 3, "headers": 4, "gsd": "x"}]}, True),
        ({"links": [{"rel": "x", "href": ""}]}, False),
        ({"links": [{"rel": "x", "href": "a", "title": 3}]}, False),
        ({"geometry": None}, False),
        ({"geometry": None, "bbox": None}, False),
        ({"bbox": [1, 2, 3, 4, 5]}, False),
        ({"stac_extensions": ["a", "a"]}, False),
        ({"assets": {"a": {"href": "a", "roles": "data"}}}, False),
        ({"assets": {"a": {}}}, False),
        ({"properties": {"datetime": "2020-01-01T00:00:00Z", "gsd": 0}}, False),
        ({"properties": {"datetime": "2020-01-01T00:00:00Z", "created": "yesterday"}}, False),
        ({"properties": {"datetime": "2020-01-01T00:00:00Z", "license": "a b"}}, False),
        ({"properties": {"datetime": "2020-01-01T00:00:00Z", "providers": [{"url": "u"}]}}, False),
    ],
)
def test_items_of_the_version_before_are_checked_by_what_it_says(members: Json, *, is_allowed: bool) -> None:
    document = {**ITEM, "stac_version": "1.0.0", **members}
    assert (faults(document) == []) == is_allowed


@pytest.mark.parametrize(
    ("members", "is_allowed"),
    [
        ({}, True),
        ({"item_assets": {"a": {"href": 3}}, "created": 3, "bands": 3}, True),
        ({"extent": {**COLLECTION["extent"], "spatial": {"bbox": [[0, 0, 1, 1], [0, 0, 1, 1]]}}}, True),
        ({"providers": [{"name": ""}]}, True),
        ({"providers": [{}]}, False),
        ({"description": ""}, False),
        ({"license": "a b"}, False),
        ({"keywords": "k"}, False),
        ({"summaries": {"a": []}}, False),
        ({"assets": {"a": {}}}, False),
        ({"links": [{"rel": "x"}]}, False),
        ({"extent": {"spatial": {"bbox": []}, "temporal": {"interval": [[None, None]]}}}, False),
        ({"extent": {"spatial": {"bbox": [[0, 0, 1, 1]]}, "temporal": {"interval": [[None]]}}}, False),
    ],
)
def test_collections_of_the_version_before_are_checked_by_what_it_says(members: Json, *, is_allowed: bool) -> None:
    document = {**COLLECTION, "stac_version": "1.0.0", **members}
    assert (collection_faults(document) == []) == is_allowed


def test_of_other_versions_items_are_checked_as_geojson_and_strictly_refused() -> None:
    strict = checks(None, is_strict=True)
    short = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}
    for version in ("0.9.0", "1.0.0-rc.1", "2.0.0"):
        document = {
            **ITEM,
            "stac_version": version,
            "stac_extensions": [],
            "properties": {"datetime": "2020-01-01T00:00:00Z"},
        }
        del document["bbox"]
        assert faults(document) == []
        assert [pointer for pointer, _ in faults({**document, "geometry": short})] == ["/geometry/coordinates/0"]
        ((pointer, reason),) = faults(document, strict)
        assert pointer == "/stac_version"
        assert "1.0.0 and 1.1.0" in reason


@pytest.mark.parametrize("version", [None, 1.1, ["1.1.0"]])
def test_a_version_is_text(version: object) -> None:
    assert [pointer for pointer, _ in faults({**ITEM, "stac_version": version})] == ["/stac_version"]


# Sentences --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"properties": {}}, ["properties.datetime: 'None' is not allowed; it may be null only beside"]),
        ({"assets": {"x": {}}}, ["assets.x.href: it is required"]),
        ({"assets": {"a.b/c~d": {}}}, ["assets['a.b/c~d'].href: it is required"]),
        ({"links": [{"rel": "x", "href": 1}]}, ["links[0].href: '1' is not allowed; it must be text"]),
        ({"bbox": None}, ["bbox: 'null' is not allowed; it must be an array"]),
        ({"geometry": None}, ["bbox: '[0, 0, 1, 1]' is not allowed; it must not be here"]),
        ({"stac_extensions": [1]}, ["stac_extensions[0]: '1' is not allowed; it must be text"]),
        (
            {"properties": {"datetime": "2020-01-01T00:00:00Z", "gsd": 0, "created": "x", "instruments": "i"}},
            [
                "properties.created: 'x' is not allowed; it must be a time in UTC, which ends with Z",
                "properties.gsd: '0' is not allowed; it must be more than 0",
                "properties.instruments: 'i' is not allowed; it must be an array",
            ],
        ),
    ],
)
def test_each_thing_that_is_wrong_is_a_sentence(members: Json, expected: Sequence[str]) -> None:
    found = [reason for _, reason in faults({**ITEM, **members})]
    assert len(found) == len(expected), found
    assert all(reason.startswith(sentence) for reason, sentence in zip(found, expected, strict=True)), found


def test_places_are_json_pointers() -> None:
    assert [pointer for pointer, _ in faults({**ITEM, "assets": {"a.b/c~d": {}}})] == ["/assets/a.b~1c~0d/href"]


def test_the_envelope_and_the_schemas_are_told_together() -> None:
    document = {**ITEM, "geometry": {"type": "Place"}, "assets": {"x": {}}, "links": [{"rel": "a"}]}
    assert {pointer for pointer, _ in faults(document)} == {"/geometry", "/links/0/href", "/assets/x/href"}
    del document["type"]
    assert next(pointer for pointer, _ in faults(document)) == "/type"


def test_of_very_many_faults_the_first_are_told() -> None:
    assert len(faults({**ITEM, "links": [{"rel": "x"}] * 1_000})) == 20


def test_what_is_wrong_far_behind_is_refused_all_the_same() -> None:
    ((pointer, reason),) = faults({**ITEM, "links": [{"rel": "x", "href": "y"}] * 500 + [{"rel": "x"}]})
    assert pointer == ""
    assert "beyond the first 100 entries" in reason


# Any document -----------------------------------------------------------------------------------------------------


def nested(depth: int, inner: object = 1, name: str | None = None) -> object:
    for _ in range(depth):
        inner = [inner] if name is None else {name: [inner]}
    return inner


def test_numbers_of_any_size_are_no_fault() -> None:
    raw = json.dumps({**ITEM, "n": 7}).encode()
    for number in (b"1E400", b"-1e999999", b"9" * 10_000, b"1." + b"3" * 1_000):
        assert faults(raw.replace(b'"n": 7', b'"n": ' + number)) == []
        for gsd in (b'"gsd": ' + number, b'"gsd": ' + number.removeprefix(b"-")):
            assert (faults(raw.replace(b'"gsd": 10.5', gsd)) == []) == (b"-" not in gsd)


@pytest.mark.parametrize("depth", [100, 400])
def test_deep_documents_are_checked(depth: int) -> None:
    assert faults({**ITEM, "own": nested(depth)}) == []
    assert faults({**ITEM, "own": nested(depth), "assets": {"a": {}}}) != []
    bands = nested(depth, {"name": 1}, "bands")
    assert faults({**ITEM, "assets": {"a": {"href": "a", **bands}}}) != []


def test_documents_that_are_too_deep_to_read_are_refused() -> None:
    raw = json.dumps({**ITEM, "own": 7}).encode().replace(b'"own": 7', b'"own": ' + b"[" * 10_000 + b"]" * 10_000)
    (row,) = prepare_items([raw], {}, CHECKS.item)
    assert isinstance(row, InvalidError)


@pytest.mark.parametrize(
    "members",
    [
        {"links": [{"rel": "x"}] * 40_000},
        {"assets": {str(number): {"bands": [{"name": 1}] * 5} for number in range(10_000)}},
        {"geometry": {"type": "MultiPoint", "coordinates": [[0, "x"]] * 60_000}},
        {"bbox": ["x"] * 200_000},
        {"stac_extensions": ["x"] * 100_000},
        {"properties": {"datetime": "2020-01-01T00:00:00Z", "providers": [{}] * 100_000}},
    ],
)
def test_a_document_with_very_much_that_is_wrong_is_refused_without_telling_all_of_it(members: Json) -> None:
    assert 1 <= len(faults({**ITEM, **members})) <= 20


# Extensions -------------------------------------------------------------------------------------------------------

TWO = "https://example.com/two/v1.0.0/schema.json"
ONE = "https://example.com/one/v1.0.0/schema.json"


def extension(**members: object) -> Json:
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": ONE + "#",
        "oneOf": [
            {
                "required": ["type"],
                "properties": {
                    "type": {"const": "Feature"},
                    "properties": {
                        "properties": {"one:share": {"type": "number", "maximum": 1}},
                        "patternProperties": {"^(?!one:)": {}},
                    },
                },
            },
            {"required": ["type", "one:all"], "properties": {"type": {"const": "Collection"}}},
        ],
        **members,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "one.json", extension())
    return tmp_path


def write(path: Path, schema: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(schema if isinstance(schema, str) else json.dumps(schema))


def shared(share: object) -> Json:
    return {**ITEM, "properties": {**ITEM["properties"], "one:share": share}}


def test_extensions_are_checked_by_schemas_of_a_folder(folder: Path) -> None:
    found = checks(str(folder), is_strict=False)
    assert faults(shared(0.5), found) == []
    assert faults(shared(2), found) == [
        ("/properties/one:share", "properties.one:share: '2' is not allowed; it must be 1 or less")
    ]
    assert faults({**shared(2), "stac_extensions": []}, found) == []
    assert faults(shared(2)) == []
    both = faults({**shared(2), "assets": {"a": {}}}, found)
    assert [pointer for pointer, _ in both] == ["/assets/a/href", "/properties/one:share"]
    (row,) = prepare_collections([json.dumps({**COLLECTION, "stac_extensions": [ONE]}).encode()], found.collection)
    assert [pointer for pointer, _ in told(row)] == ["/one:all"]


def test_an_extension_that_is_listed_often_is_checked_once(folder: Path) -> None:
    found = checks(str(folder), is_strict=False)
    document = {**shared(2), "stac_version": "0.9.0", "stac_extensions": [ONE] * 20}
    assert [pointer for pointer, _ in faults(document, found)] == ["/properties/one:share"]


def test_an_extension_without_a_schema_is_not_checked_and_strictly_refused(folder: Path) -> None:
    document = {**ITEM, "stac_extensions": [ONE, "https://example.com/two/v1.0.0/schema.json"]}
    assert faults(document, checks(str(folder), is_strict=False)) == []
    ((pointer, reason),) = faults(document, checks(str(folder), is_strict=True))
    assert pointer == "/stac_extensions/1"
    assert "no schema of this extension" in reason
    assert faults({**ITEM, "stac_extensions": [ONE]}, checks(str(folder), is_strict=True)) == []


def test_schemas_refer_to_those_of_stac_and_to_each_other_without_a_network(folder: Path) -> None:
    stac = "https://schemas.stacspec.org"
    refs = [
        f"{stac}/v1.0.0/item-spec/json-schema/item.json#/definitions/common_metadata",
        f"{stac}/v1.0.0/item-spec/json-schema/provider.json",
        f"{stac}/v1.1.0/item-spec/json-schema/bands.json",
        f"{stac}/v1.0.0/collection-spec/json-schema/collection.json#/definitions/summaries",
        "https://geojson.org/schema/Geometry.json",
        "../../parts/part.json#/definitions/part",
    ]
    write(
        folder / "deeper" / "part.json",
        {"$id": "https://example.com/parts/part.json", "definitions": {"part": {"type": "number"}}},
    )
    write(
        folder / "one.json",
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$id": ONE,
            "properties": {"properties": {"properties": {f"one:{at}": {"$ref": ref} for at, ref in enumerate(refs)}}},
        },
    )
    found = checks(str(folder), is_strict=False)
    wrong = {
        "one:0": {"gsd": "x"},
        "one:1": {"providers": 3},
        "one:2": {"bands": 3},
        "one:3": {"a": []},
        "one:4": 3,
        "one:5": "x",
    }
    for name, value in wrong.items():
        document = {**ITEM, "properties": {**ITEM["properties"], name: value}}
        assert [pointer.split("/")[2] for pointer, _ in faults(document, found)] == [name]


def test_a_folder_may_have_the_schemas_of_another_version_of_stac(folder: Path) -> None:
    uri = "https://schemas.stacspec.org/v2.0.0/item-spec/json-schema/item.json"
    write(folder / "item.json", {"$id": uri, "required": ["novel"]})
    assert faults({**ITEM, "stac_version": "2.0.0"}, checks(str(folder), is_strict=True)) == [
        ("/novel", "novel: it is required")
    ]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("{", "it is no JSON object"),
        ("[]", "it is no JSON object"),
        ('{"type": "object"}', "it has no $id"),
        ({"$id": TWO, "type": "banana"}, "no schema that can be used"),
        ({"$id": TWO, "pattern": "("}, "no schema that can be used"),
        ({"$id": TWO, "$ref": "#/definitions/nothing"}, "nothing"),
        ({"$id": ONE}, "it has the $id of"),
    ],
)
def test_a_schema_that_cannot_be_used_is_named(folder: Path, schema: object, reason: str) -> None:
    write(folder / "two.json", schema)
    with pytest.raises(InvalidError, match="SATAPI_SCHEMAS") as failed:
        checks(str(folder), is_strict=False)
    assert ("two.json" in failed.value.value, reason in failed.value.allowed) == (True, True), str(failed.value)


def test_a_schema_that_refers_to_another_that_is_not_there_is_told_with_its_name(folder: Path) -> None:
    write(folder / "two.json", {"$id": TWO, "$ref": "https://example.com/elsewhere.json"})
    with pytest.raises(InvalidError, match=r"https://example\.com/elsewhere\.json"):
        checks(str(folder), is_strict=False)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="there is no such folder"):
        checks(str(tmp_path / "none"), is_strict=False)


def test_a_pattern_that_backtracks_without_end_refuses_the_value(folder: Path) -> None:
    write(folder / "one.json", extension(oneOf=[{"properties": {"id": {"pattern": r"^(?=(a+)+$)b|^(\w+\s?)*\1$"}}}]))
    assert faults({**ITEM, "id": "a" * 5_000 + "!"}, checks(str(folder), is_strict=False)) != []


def test_a_row_of_a_checked_item_is_that_of_an_unchecked_one() -> None:
    raw = json.dumps(ITEM).encode()
    (plain,), (checked,) = prepare_items([raw]), prepare_items([raw], {}, CHECKS.item)
    assert isinstance(plain, Row)
    assert plain == checked
