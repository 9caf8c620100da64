"""The server does what its description says: whatever is sent, the answer is one that is described, and no failure."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import assume
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from satapi.http import openapi, shapes
from satapi.http.routes import RESOURCES
from satapi.ingest.sample import sample_collections, sample_items
from satapi.settings import Settings
from satapi.stac import paths, periods, tokens
from serving import collection, item, served, store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemathesis import Case, Response

    from serving import Served

Members = dict[str, object]

PART = periods.token(periods.Place(datetime(2024, 6, 1, tzinfo=UTC), ""), None)

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.allow_header_conformance,
]

# Longer ones are refused by the HTTP parser, before the application.
URL_MAX = 65_535


def described(examples: int, mode: str) -> schemathesis.BaseSchema:
    """The 3.0 document, for so many requests of each operation."""
    document = openapi.document(RESOURCES, Settings(), "http://localhost", "3.0")
    generation = {"deterministic": True, "max-examples": examples, "mode": mode, "allow-x00": mode == "all"}
    return schemathesis.openapi.from_dict(
        msgspec.json.decode(msgspec.json.encode(document)),
        config=schemathesis.Config.from_dict({"generation": generation}),
    )


ANYTHING = described(15, "all")
ALLOWED = described(60, "positive").include(path=[paths.SEARCH, paths.COLLECTION_ITEMS, paths.COLLECTIONS])


# How members that must make sense stand in the parameters of GET.
READ: dict[str, Callable[[str], object]] = {
    "bbox": lambda text: [float(number) for number in text.split(",")],
    "intersects": json.loads,
    "query": json.loads,
    "sortby": lambda text: [{"field": field} for field in text.split(",")],
}
WRITE: dict[str, Callable[[list], str]] = {
    "bbox": lambda numbers: ",".join(map(repr, numbers)),
    "intersects": json.dumps,
    "query": json.dumps,
    "sortby": lambda entries: ",".join(entry["field"] for entry in entries),
    "filter": lambda given: given if isinstance(given, str) else json.dumps(given),
}

FILTERS = (
    ("cql2-text", "eo:cloud_cover / 2 < 10 OR CASEI(platform) LIKE 'sentinel%'"),
    ("cql2-text", "S_WITHIN(geometry, BBOX(170,-10,-170,10)) AND T_AFTER(datetime, DATE('2020-01-01'))"),
    ("cql2-json", {"op": "in", "args": [{"property": "platform"}, ["a", 1, True, {"date": "2020-01-01"}]]}),
    ("cql2-json", True),
)

TEXTS = ("", "sentinel", '"surface reflectance", -radar', "+(optical OR radar) AND landsat")

UNSORTABLE = {*shapes.ItemMembers.__struct_fields__} - {"id", "collection"}

TIMES = (
    "2024-01-01T00:00:00Z",
    "2020-01-01T00:00:00Z/..",
    "/2024-06-01T00:00:00.5Z",
    "2020-01-01T00:00:00+02:00/2030-01-01T00:00:00Z",
)


def sensible(members: Members) -> Members:
    """The search with what only the words of the description ask for: where places lie and how times are written."""
    asked = json.loads(json.dumps(members).replace(r"\u0000", "0"))
    asked.pop("token", None)
    asked.pop("after", None)
    if "datetime" in asked:
        asked["datetime"] = TIMES[len(str(asked["datetime"])) % len(TIMES)]
    asked.pop("filter-lang", None)
    if "filter" in asked:
        asked["filter-lang"], asked["filter"] = FILTERS[len(str(asked["filter"])) % len(FILTERS)]
    if "q" in asked:
        asked["q"] = TEXTS[len(str(asked["q"])) % len(TEXTS)]
    if "query" in asked:
        # No time, and no member of an item beside its properties.
        asked["query"] = {f"own:{name}": tests for name, tests in asked["query"].items()}
    if "sortby" in asked:
        asked["sortby"] = [entry for entry in asked["sortby"] if entry["field"].lstrip("-+") not in UNSORTABLE]
    if "bbox" in asked:
        asked.pop("intersects", None)
        asked["bbox"] = box(asked["bbox"])
    elif "intersects" in asked:
        asked["intersects"] = geometry(asked["intersects"])
    return asked


def box(numbers: list[float]) -> list[float]:
    half = len(numbers) // 2
    west, south, *low = place(numbers[:half])
    east, north, *high = place(numbers[half:])
    return [west, min(south, north), *map(min, low, high), east, max(south, north), *map(max, low, high)]


def place(position: list[float]) -> list[float]:
    longitude, latitude, *height = position
    # Between numbers that are next to nothing GEOS finds no crossings.
    return [round(math.fmod(longitude, 180), 9), round(math.fmod(latitude, 90), 9), *height]


def geometry(given: Members) -> Members:
    """The geometry on the Earth, with closed rings."""
    match given["type"]:
        case "GeometryCollection":
            return given | {"geometries": [geometry(part) for part in given["geometries"][:3]]}
        case "Polygon" | "MultiPolygon":
            return given | {"coordinates": closed(places(given["coordinates"]))}
        case _:
            return given | {"coordinates": places(given["coordinates"])}


def places(coordinates: list) -> list:
    return [places(part) for part in coordinates] if isinstance(coordinates[0], list) else place(coordinates)


def closed(rings: list) -> list:
    """Closed rings: few and short ones, which cannot cross each other too often."""
    if isinstance(rings[0][0], list):
        return [closed(part) for part in rings[:2]]
    return [*rings[: min(5, len(rings) - 1)], rings[0]]


@pytest.fixture(scope="module")
def server(make_database: Callable[[], str]) -> Iterator[Served]:
    dsn = make_database()
    store(dsn, sample_collections(), sample_items())
    store(dsn, [collection("a"), collection("b")], [item("a", "twin"), item("b", "twin")])
    # Some requests ask to wait for changes.
    with served(dsn, changes_wait_max_s="1") as server:
        yield server


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def answered(case: Case, server: Served, session: requests.Session) -> Response:
    """The answer, which is checked against the description."""
    response = case.call(base_url=server.url, session=session)
    case.validate_response(response, checks=CHECKS)
    return response


@ANYTHING.parametrize()
def test_every_request_is_answered_as_described(case: Case, server: Served, session: requests.Session) -> None:
    sent = requests.Request(**case.as_transport_kwargs(base_url=server.url)).prepare()
    assume(len(str(sent.url)) <= URL_MAX)
    answered(case, server, session)


@ALLOWED.parametrize()
def test_a_search_that_keeps_to_the_description_is_answered(
    case: Case, server: Served, session: requests.Session
) -> None:
    if case.method == "POST":
        case.body = sensible(case.body) if isinstance(case.body, dict) else {}
    else:
        members = {name: READ.get(name, str)(value) for name, value in case.query.items()}
        case.query = {name: WRITE.get(name, str)(value) for name, value in sensible(members).items()}
        if case.path_parameters:
            case.path_parameters["collection_id"] = case.query["collections"] = "sentinel-2-l2a"
    response = answered(case, server, session)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (paths.COLLECTION, {"collection_id": "landsat-8-l1"}),
        (paths.COLLECTION_ITEMS, {"collection_id": "landsat-8-l1"}),
        (paths.ITEM, {"collection_id": "b", "item_id": "twin"}),
        (paths.ITEM_ANYWHERE, {"item_id": "twin"}),
        (paths.BROWSE, {"collection_id": "sentinel-2-l2a"}),
        (paths.BROWSE_PERIOD, {"collection_id": "a", "period": "2024-06"}),
        (paths.BROWSE_PART, {"collection_id": "a", "period": "2024-06-01", "part": PART}),
        (paths.GROUP, {"group": tokens.encode(["", None])}),
        (paths.API_ASSETS, {"name": "api.css"}),
    ],
)
def test_what_is_named_is_answered_as_described(
    server: Served, session: requests.Session, path: str, named: dict[str, str]
) -> None:
    case = ANYTHING[path.replace(":path", "")]["GET"].Case(path_parameters=named)
    response = answered(case, server, session)
    assert response.status_code == (300 if path == paths.ITEM_ANYWHERE else 200)
    if tag := response.headers.get("etag"):
        case.headers = {"If-None-Match": tag[0]}
        assert answered(case, server, session).status_code == 304
