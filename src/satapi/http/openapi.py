"""OpenAPI: the API's description, made of the URL table and the structs that it takes and gives."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, get_args

from satapi import __version__
from satapi.http import parameters, problems, schemas, shapes
from satapi.http.asked import Asked
from satapi.http.problems import Problem
from satapi.stac.links import GEOJSON, JSON

if TYPE_CHECKING:
    from collections.abc import Sequence

    import msgspec

    from satapi.http.resource import Operation, Resource
    from satapi.http.schemas import Schema
    from satapi.settings import Settings

Version = Literal["3.0", "3.1"]

_FULL_VERSIONS: dict[Version, str] = {"3.0": "3.0.3", "3.1": "3.1.0"}

_MEDIA_TYPES: dict[type[msgspec.Struct], str] = {shapes.Item: GEOJSON, shapes.ItemCollection: GEOJSON}

_ETAG: Schema = {"ETag": {"description": "The version of the document.", "schema": {"type": "string"}}}
_RETRY_AFTER: Schema = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}

# What the statuses beside 200 mean, with what the answer holds.
_CHOICES: Schema = {
    "description": "Several collections have an item of this id: links to each of them",
    "content": {JSON: {"schema": schemas.ref(shapes.Choices.__name__)}},
}
_NOT_MODIFIED: Schema = {"description": "The document is that of If-None-Match still", "headers": _ETAG}
_FAILURES: dict[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "A parameter is not allowed, or its value",
    HTTPStatus.NOT_FOUND: "What the path names does not exist",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is over one of the limits",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database cannot answer now",
    HTTPStatus.GATEWAY_TIMEOUT: "The database took longer than is allowed; the description says what would help",
}


def document(resources: Sequence[Resource], settings: Settings, base: str, version: Version) -> Schema:
    """The OpenAPI document of the resources; `base` is the public URL of the API."""
    convert = schemas.to_3_0 if version == "3.0" else _as_it_is
    return {
        "openapi": _FULL_VERSIONS[version],
        "info": {"title": settings.title, "description": settings.description, "version": __version__},
        "servers": [{"url": base}],
        "tags": [{"name": tag} for tag in dict.fromkeys(resource.tag for resource in resources)],
        "paths": {resource.template: _path_item(resource) for resource in resources},
        "components": {
            "schemas": {name: convert(schema) for name, schema in _schemas(resources, settings).items()},
            "parameters": {
                name: parameter.described(convert) for name, parameter in parameters.of_all(settings).items()
            },
            "responses": {str(status.value): _failure(status) for status in _FAILURES},
        },
    }


def _as_it_is(schema: Schema) -> Schema:
    return schema


def _operations(resources: Sequence[Resource]) -> list[Operation]:
    return [operation for resource in resources for operation in resource.operations.values()]


def _schemas(resources: Sequence[Resource], settings: Settings) -> dict[str, Schema]:
    given = [
        entry
        for operation in _operations(resources)
        for entry in (operation.gives if isinstance(operation.gives, tuple) else (operation.gives,))
        if not isinstance(entry, str)
    ]
    found = schemas.components(
        [*given, *get_args(shapes.ANY_GEOMETRY), shapes.Choices, shapes.Comparisons, shapes.Operation, Problem, Asked]
    )
    del found[Asked.__name__]
    item, collection = shapes.Item.__name__, shapes.Collection.__name__
    return found | {
        "Geometry": schemas.of(shapes.ANY_GEOMETRY),
        "Filter": schemas.of(shapes.ANY_FILTER),
        item: found[item] | {"required": list(shapes.ITEM_REQUIRED)},
        collection: found[collection] | {"required": list(shapes.COLLECTION_REQUIRED)},
        **parameters.bodies(settings),
    }


def _path_item(resource: Resource) -> Schema:
    operations = {
        method: _operation(method, operation, resource.tag) for method, operation in resource.operations.items()
    }
    if not resource.path_parameters:
        return dict(operations)
    return {"parameters": [_ref("parameters", name) for name in resource.path_parameters], **operations}


def _operation(method: str, operation: Operation, tag: str) -> Schema:
    described: Schema = {"operationId": operation.id, "summary": operation.summary, "tags": [tag]}
    if operation.takes:
        body: Schema = {"schema": schemas.ref(operation.takes), "example": parameters.BODY_EXAMPLES[operation.takes]}
        described["requestBody"] = {"content": {JSON: body}}
    given = (*(operation.parameters if method == "get" else ()), *operation.headers)
    if given:
        described["parameters"] = [_ref("parameters", name) for name in given]
    return described | {"responses": {str(status): _response(status, operation) for status in operation.statuses}}


def _response(status: int, operation: Operation) -> Schema:
    match status:
        case HTTPStatus.OK:
            answer: Schema = {"description": operation.summary, "content": _content(operation.gives)}
            return answer | ({"headers": _ETAG} if HTTPStatus.NOT_MODIFIED in operation.statuses else {})
        case HTTPStatus.MULTIPLE_CHOICES:
            return _CHOICES
        case HTTPStatus.NOT_MODIFIED:
            return _NOT_MODIFIED
        case _:
            return _ref("responses", str(status))


def _content(gives: type[msgspec.Struct] | tuple[str | type[msgspec.Struct], ...]) -> Schema:
    content: Schema = {}
    for entry in gives if isinstance(gives, tuple) else (gives,):
        if isinstance(entry, str):
            content[entry] = {}
        else:
            content[_MEDIA_TYPES.get(entry, JSON)] = {"schema": schemas.ref(entry.__name__)}
    return content


def _failure(status: HTTPStatus) -> Schema:
    answer: Schema = {
        "description": _FAILURES[status],
        "content": {problems.MEDIA_TYPE: {"schema": schemas.ref(Problem.__name__)}},
    }
    return answer | ({"headers": _RETRY_AFTER} if status is HTTPStatus.SERVICE_UNAVAILABLE else {})


def _ref(section: str, name: str) -> Schema:
    return {"$ref": f"#/components/{section}/{name}"}
