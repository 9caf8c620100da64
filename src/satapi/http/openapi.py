"""OpenAPI: the API's description, made of the URL table and the structs that it takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, get_args

from satapi import __version__
from satapi.http import drafts, geometries, parameters, problems, schemas, shapes
from satapi.http.asked import Asked
from satapi.http.problems import Problem
from satapi.stac.links import GEOJSON, JSON

if TYPE_CHECKING:
    from collections.abc import Sequence

    import msgspec

    from satapi.http.parameters import Parameter
    from satapi.http.resource import Operation, Resource
    from satapi.http.schemas import Schema
    from satapi.settings import Settings

Version = Literal["3.0", "3.1"]

_FULL_VERSIONS: dict[Version, str] = {"3.0": "3.0.3", "3.1": "3.1.0"}

_MEDIA_TYPES: dict[type[msgspec.Struct], str] = {shapes.Item: GEOJSON, shapes.ItemCollection: GEOJSON}

_ETAG: Schema = {"ETag": {"description": "The version of the document.", "schema": {"type": "string"}}}
_LOCATION: Schema = {"Location": {"description": "Where it is.", "schema": {"type": "string"}}}
_RETRY_AFTER: Schema = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}

# What the statuses beside 200 mean, with what the answer holds.
_CHOICES: Schema = {
    "description": "Several collections have an item of this id: links to each of them",
    "content": {JSON: {"schema": schemas.ref(shapes.Choices.__name__)}},
}
_NOT_MODIFIED: Schema = {"description": "The document is that of If-None-Match still", "headers": _ETAG}
_DONE: Schema = {"description": "It is done, and nothing of it is shown"}
_FAILURES: dict[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "A parameter is not allowed, or its value",
    HTTPStatus.NOT_FOUND: "What the path names does not exist",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is over one of the limits",
    HTTPStatus.GONE: "Changes since the token are not kept; the description says how to start anew",
    HTTPStatus.CONFLICT: "What is to be made exists already, or other writers are at it",
    HTTPStatus.PRECONDITION_FAILED: "The document is not the version that is meant",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is of a media type that is not read here",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The body is JSON, but not a valid document",
    HTTPStatus.PRECONDITION_REQUIRED: "If-Match must say which version is meant",
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
                name: parameter.described(convert) for name, parameter in _parameters(resources, settings).items()
            },
            "responses": {
                str(status.value): _failure(status) for status in _FAILURES if status in _statuses(resources)
            },
        },
    }


def _as_it_is(schema: Schema) -> Schema:
    return schema


def _operations(resources: Sequence[Resource]) -> list[Operation]:
    return [operation for resource in resources for operation in resource.operations.values()]


def _is_writing(resources: Sequence[Resource]) -> bool:
    return any(resource.delete is not None for resource in resources)


def _parameters(resources: Sequence[Resource], settings: Settings) -> dict[str, Parameter]:
    return parameters.of_all(settings) | (drafts.parameters() if _is_writing(resources) else {})


def _statuses(resources: Sequence[Resource]) -> set[int]:
    return {status for operation in _operations(resources) for status in operation.statuses}


def _schemas(resources: Sequence[Resource], settings: Settings) -> dict[str, Schema]:
    given = [
        entry
        for operation in _operations(resources)
        for entry in (operation.gives if isinstance(operation.gives, tuple) else (operation.gives,))
        if not isinstance(entry, str)
    ]
    found = schemas.components(
        [
            *given,
            *get_args(geometries.ANY_GEOMETRY),
            shapes.Choices,
            shapes.Comparisons,
            shapes.Operation,
            Problem,
            Asked,
        ]
    )
    del found[Asked.__name__]
    item, collection = shapes.Item.__name__, shapes.Collection.__name__
    return (
        found
        | (drafts.taken() if _is_writing(resources) else {})
        | {
            "Geometry": schemas.of(geometries.ANY_GEOMETRY),
            "Filter": schemas.of(shapes.ANY_FILTER),
            item: found[item] | {"required": list(shapes.ITEM_REQUIRED)},
            collection: found[collection] | {"required": list(shapes.COLLECTION_REQUIRED)},
            **parameters.bodies(settings),
        }
    )


def _path_item(resource: Resource) -> Schema:
    operations = {
        method: _operation(method, operation, resource.tag) for method, operation in resource.operations.items()
    }
    if not resource.path_parameters:
        return dict(operations)
    return {"parameters": [_ref("parameters", name) for name in resource.path_parameters], **operations}


def _operation(method: str, operation: Operation, tag: str) -> Schema:
    described: Schema = {"operationId": operation.id, "summary": operation.summary, "tags": [tag]}
    is_writing = isinstance(operation.takes, Mapping)
    if isinstance(operation.takes, Mapping):
        content = {media_type: {"schema": schemas.ref(name)} for media_type, name in operation.takes.items()}
        described["requestBody"] = {"required": True, "content": content}
    elif operation.takes:
        body: Schema = {"schema": schemas.ref(operation.takes), "example": parameters.BODY_EXAMPLES[operation.takes]}
        described["requestBody"] = {"content": {JSON: body}}
    given = (*(operation.parameters if is_writing or method != "post" else ()), *operation.headers)
    if given:
        described["parameters"] = [_ref("parameters", name) for name in given]
    return described | {"responses": {str(status): _response(status, operation) for status in operation.statuses}}


def _response(status: int, operation: Operation) -> Schema:
    match status:
        case HTTPStatus.OK:
            answer: Schema = {"description": operation.summary, "content": _content(operation.gives)}
            return answer | ({"headers": _ETAG} if HTTPStatus.NOT_MODIFIED in operation.statuses else {})
        case HTTPStatus.CREATED:
            made: Schema = {"description": operation.summary, "content": _content(operation.gives)}
            return made | {"headers": _ETAG | _LOCATION}
        case HTTPStatus.NO_CONTENT:
            return _DONE
        case HTTPStatus.MULTIPLE_CHOICES:
            return _CHOICES
        case HTTPStatus.NOT_MODIFIED:
            return _NOT_MODIFIED
        case _:
            return _ref("responses", str(status))


def _content(gives: type[msgspec.Struct] | tuple[str | type[msgspec.Struct], ...]) -> Schema:
    options: dict[str, list[Schema]] = {}
    for entry in gives if isinstance(gives, tuple) else (gives,):
        if isinstance(entry, str):
            options[entry] = []
        else:
            options.setdefault(_MEDIA_TYPES.get(entry, JSON), []).append(schemas.ref(entry.__name__))
    return {media_type: _any_of(given) for media_type, given in options.items()}


def _any_of(options: list[Schema]) -> Schema:
    match options:
        case []:
            return {}
        case [schema]:
            return {"schema": schema}
        case _:
            return {"schema": {"anyOf": options}}


def _failure(status: HTTPStatus) -> Schema:
    answer: Schema = {
        "description": _FAILURES[status],
        "content": {problems.MEDIA_TYPE: {"schema": schemas.ref(Problem.__name__)}},
    }
    return answer | ({"headers": _RETRY_AFTER} if status is HTTPStatus.SERVICE_UNAVAILABLE else {})


def _ref(section: str, name: str) -> Schema:
    return {"$ref": f"#/components/{section}/{name}"}
