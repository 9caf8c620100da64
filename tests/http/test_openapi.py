"""The API's description: valid in both versions, true to routes, structs and settings, and with a page to read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

import jsonschema_rs
import msgspec
import pytest
import schemathesis

from satapi import __version__
from satapi.http import documentation, feed, openapi, schemas
from satapi.http.asked import AGGREGATE_PARAMETERS, COLLECTION_PARAMETERS, SEARCH_PARAMETERS
from satapi.http.formats import FORMATS, MEDIA_TYPES
from satapi.http.routes import RESOURCES
from satapi.http.writing import with_writing
from satapi.settings import Settings
from satapi.stac import paths
from satapi.stac.links import OPENAPI_3_0, OPENAPI_3_1
from satapi.stac.search import Operator
from serving import BASE, in_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import httpx

Document = dict[str, object]

VERSIONS = get_args(openapi.Version)


def document(version: openapi.Version = "3.0", settings: Settings | None = None) -> Document:
    """The document as a client reads it."""
    made = openapi.document(RESOURCES, settings or Settings(), "https://stac.test/root", version)
    return msgspec.json.decode(msgspec.json.encode(made))


def nodes(value: object) -> Iterator[Document]:
    """All objects in a document."""
    if isinstance(value, dict):
        yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(below)


@pytest.fixture(scope="module")
def empty_catalog(make_database: Callable[[], str]) -> str:
    return make_database()


@pytest.fixture
async def client(empty_catalog: str) -> AsyncIterator[httpx.AsyncClient]:
    async with in_process(Settings(dsn=empty_catalog)) as client:
        yield client


@pytest.mark.parametrize("version", VERSIONS)
def test_the_document_is_valid(version: openapi.Version) -> None:
    described = document(version)
    schemathesis.openapi.from_dict(described).validate()
    assert described["openapi"].startswith(version + ".")
    for node in nodes(described):
        if "$ref" in node:
            _, section, kind, name = node["$ref"].split("/")
            assert name in described[section][kind]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_document_of_a_server_that_lets_clients_write_is_valid(version: openapi.Version) -> None:
    made = openapi.document(with_writing(RESOURCES), Settings(), "https://stac.test", version)
    described = msgspec.json.decode(msgspec.json.encode(made))
    schemathesis.openapi.from_dict(described).validate()
    for node in nodes(described):
        if "$ref" in node:
            _, section, kind, name = node["$ref"].split("/")
            assert name in described[section][kind]
    for path, item in described["paths"].items():
        for method, operation in item.items():
            if method in {"put", "patch"} or (method == "delete" and path.endswith("}")):
                assert "412" in operation["responses"]
                assert ("requestBody" in operation) == (method != "delete")


def test_the_schemas_of_3_1_are_json_schemas() -> None:
    for schema in document("3.1")["components"]["schemas"].values():
        jsonschema_rs.Draft202012Validator(schema | {"components": document("3.1")["components"]})


@pytest.mark.parametrize("version", VERSIONS)
def test_every_path_and_method_of_the_routes_is_described_once(version: openapi.Version) -> None:
    described = document(version)
    assert list(described["paths"]) == [resource.template for resource in RESOURCES]
    for resource, item in zip(RESOURCES, described["paths"].values(), strict=True):
        assert {method.upper() for method in item} - {"PARAMETERS"} == set(resource.methods) - {"HEAD", "OPTIONS"}
        names = [reference["$ref"].rpartition("/")[2] for reference in item.get("parameters", [])]
        assert names == re.findall(r"{(\w+)}", resource.template)
    operations = [
        operation for item in described["paths"].values() for name, operation in item.items() if name != "parameters"
    ]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert {tag for operation in operations for tag in operation["tags"]} == {tag["name"] for tag in described["tags"]}


def test_every_member_of_a_search_and_every_operator_is_described() -> None:
    components = document()["components"]
    body = components["schemas"]["Search"]["properties"]
    in_paths = {name for resource in RESOURCES for name in resource.path_parameters}
    of_collections = {f"collections.{name}" for name in (*COLLECTION_PARAMETERS, "type")}
    of_changes = {f"changes.{name}" for name in feed.PARAMETERS}
    aggregate = components["schemas"]["Aggregate"]["properties"]
    assert list(body) == list(SEARCH_PARAMETERS)
    assert list(aggregate) == list(AGGREGATE_PARAMETERS)
    assert all(member["description"] for member in (body | aggregate).values())
    assert set(components["parameters"]) == {
        *in_paths,
        "Prefer",
        "Last-Event-ID",
        *body,
        *aggregate,
        *of_collections,
        *of_changes,
    }
    assert list(components["schemas"]["Comparisons"]["properties"]) == list(get_args(Operator))


def test_the_parameters_of_ogc_api_features_are_as_it_defines_them() -> None:
    described = document()
    operation = described["paths"][paths.COLLECTION_ITEMS]["get"]
    assert [parameter["$ref"].rpartition("/")[2] for parameter in operation["parameters"]] == [
        *SEARCH_PARAMETERS,
        "Prefer",
    ]
    for name, schema in {
        "limit": {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 10},
        "bbox": {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
        "datetime": {"type": "string"},
    }.items():
        parameter = described["components"]["parameters"][name]
        given = {key: parameter[key] for key in ("name", "in", "required", "style", "explode")}
        assert given == {"name": name, "in": "query", "required": False, "style": "form", "explode": False}
        assert schema.items() <= parameter["schema"].items()


def test_every_search_is_described_with_its_formats() -> None:
    described = document()["paths"]
    for path, method in [("/search", "get"), ("/search", "post"), ("/items", "get")]:
        assert list(described[path][method]["responses"]["200"]["content"]) == [
            "application/geo+json",
            *MEDIA_TYPES.values(),
        ]
    assert document()["components"]["parameters"]["f"]["schema"]["enum"] == sorted(FORMATS)


def test_the_settings_limits_are_described() -> None:
    described = document(
        settings=Settings(limit_max=50, limit_default=60, ids_max=7, collections_max=3, title="Ours", description="All")
    )
    body = described["components"]["schemas"]["Search"]
    assert body["properties"]["limit"].items() >= {"maximum": 50, "default": 50}.items()
    assert body["properties"]["ids"]["maxItems"] == 7
    assert described["components"]["parameters"]["collections"]["schema"]["maxItems"] == 3
    assert body["additionalProperties"] is False
    assert described["info"] == {"title": "Ours", "description": "All", "version": __version__}
    tolerant = document(settings=Settings(unknown_parameters="ignore"))
    assert "additionalProperties" not in tolerant["components"]["schemas"]["Search"]


@pytest.mark.parametrize(
    ("schema", "in_3_0"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}),
        (
            {"anyOf": [{"$ref": "#/x"}, {"type": "null"}]},
            {"anyOf": [{"$ref": "#/x"}, {"type": "object", "nullable": True, "enum": [None]}]},
        ),
        ({"$ref": "#/x", "description": "y"}, {"allOf": [{"$ref": "#/x"}], "description": "y"}),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0, "exclusiveMinimum": True}),
        ({"const": "a"}, {"enum": ["a"]}),
        ({"type": "string", "examples": ["a", "b"]}, {"type": "string", "example": "a"}),
        (
            {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2, "maxItems": 2},
            {"items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "minItems": 2, "maxItems": 2},
        ),
        (
            {"type": "object", "properties": {"const": {"const": 1}}, "additionalProperties": {"const": 2}},
            {"type": "object", "properties": {"const": {"enum": [1]}}, "additionalProperties": {"enum": [2]}},
        ),
    ],
)
def test_a_schema_is_put_into_the_words_of_3_0(schema: schemas.Schema, in_3_0: schemas.Schema) -> None:
    assert schemas.to_3_0(schema) == in_3_0


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", OPENAPI_3_0),
        ("*/*", OPENAPI_3_0),
        ("application/json", OPENAPI_3_0),
        ("text/html", OPENAPI_3_0),
        ("application/vnd.oai.openapi+json", OPENAPI_3_0),
        (OPENAPI_3_0, OPENAPI_3_0),
        (OPENAPI_3_1, OPENAPI_3_1),
        ('Application/vnd.oai.openapi+json; Version="3.1"', OPENAPI_3_1),
        (f"{OPENAPI_3_1}, application/json;q=0.8", OPENAPI_3_1),
        (f"{OPENAPI_3_1}, {OPENAPI_3_0};q=0.9", OPENAPI_3_1),
        (f"{OPENAPI_3_1};q=0.5, {OPENAPI_3_0}", OPENAPI_3_0),
        (f"{OPENAPI_3_0}, {OPENAPI_3_1}", OPENAPI_3_0),
        (f"{OPENAPI_3_1};q=0", OPENAPI_3_0),
        (f"{OPENAPI_3_1};q=much", OPENAPI_3_0),
    ],
)
async def test_the_version_is_the_one_that_accept_asks_for(
    client: httpx.AsyncClient, accept: str, media_type: str
) -> None:
    answer = await client.get(paths.API, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == media_type
    assert "Accept" in re.split(r",\s*", answer.headers["Vary"])
    assert media_type.endswith(answer.json()["openapi"][:3])


async def test_the_document_says_where_the_api_is_for_its_client(client: httpx.AsyncClient) -> None:
    assert (await client.get(paths.API)).json()["servers"] == [{"url": BASE}]
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "example.com", "X-Forwarded-Prefix": "/stac"}
    answer = await client.get(paths.API, headers=proxied)
    assert answer.json()["servers"] == [{"url": "https://example.com/stac"}]


async def test_a_client_that_has_the_document_is_told_so(client: httpx.AsyncClient) -> None:
    tag = (await client.get(paths.API)).headers["ETag"]
    answer = await client.get(paths.API, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    other = await client.get(paths.API, headers={"If-None-Match": tag, "Accept": OPENAPI_3_1})
    assert other.status_code == 200


async def test_the_page_works_under_any_prefix_and_needs_no_other_server(client: httpx.AsyncClient) -> None:
    answer = await client.get(paths.API_HTML)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert re.findall(r"<script(?![^>]*src=)|\son\w+=|<style|\sstyle=", answer.text) == []
    addresses = re.findall(r'(?:href|src)="([^"]*)"', answer.text)
    assert "api" in addresses
    for address in addresses:
        assert re.match(r"api(\.assets/[\w.-]+)?$", address)
        found = await client.get(f"/{address}")
        assert found.status_code == 200


async def test_the_page_shows_the_title_as_text(empty_catalog: str) -> None:
    async with in_process(Settings(dsn=empty_catalog, title="<b>Ours & {theirs}</b>")) as client:
        assert "<title>&lt;b&gt;Ours &amp; {theirs}&lt;/b&gt;: the API</title>" in (await client.get("/api.html")).text


async def test_the_page_may_ask_the_api_at_its_public_address(empty_catalog: str) -> None:
    async with in_process(Settings(dsn=empty_catalog, url="https://example.com/stac/")) as client:
        policy = (await client.get(paths.API_HTML)).headers["Content-Security-Policy"]
        assert "connect-src 'self' https://example.com;" in policy


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("swagger-ui.css", "text/css; charset=utf-8"),
        ("api.js", "text/javascript; charset=utf-8"),
        ("api.css", "text/css; charset=utf-8"),
        ("favicon-32x32.png", "image/png"),
    ],
)
async def test_the_files_of_the_page_are_kept_by_clients_until_they_change(
    client: httpx.AsyncClient, name: str, media_type: str
) -> None:
    answer = await client.get(f"/api.assets/{name}")
    assert answer.headers["Content-Type"] == media_type
    assert re.fullmatch(r"public, max-age=\d+", answer.headers["Cache-Control"])
    again = await client.get(f"/api.assets/{name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert media_type.partition(";")[0] in documentation.ASSET_MEDIA_TYPES


@pytest.mark.parametrize("name", ["index.html", "swagger-ui.js.map", "..%2F__init__.py", "api.py", "%00"])
async def test_other_files_are_not_to_be_had(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/api.assets/{name}")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
