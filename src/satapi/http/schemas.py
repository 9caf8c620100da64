"""Schemas: JSON Schema of the API's structs, in the dialects of OpenAPI 3.1 and 3.0."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

Schema = dict[str, object]

_REF = "#/components/schemas/{name}"
_NULL: Schema = {"type": "null"}
# OpenAPI 3.0 has no type for it, and nullable only adds to a type.
_NULL_3_0: Schema = {"type": "object", "nullable": True, "enum": [None]}


def ref(kind: str) -> Schema:
    """A reference to the schema of a struct, by its name."""
    return {"$ref": _REF.format(name=kind)}


def of(kind: object) -> Schema:
    """The schema of a type, with references to the structs in it."""
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return schema


def components(kinds: Iterable[type[msgspec.Struct]]) -> dict[str, Schema]:
    """The schemas of structs and all structs in them by name, as OpenAPI 3.1 has them (JSON Schema 2020-12)."""
    _, found = msgspec.json.schema_components(kinds, ref_template=_REF)
    return {name: _tidy(schema) for name, schema in found.items()}


def _tidy(schema: Schema) -> Schema:
    """Without an empty list of required members, which OpenAPI 3.0 forbids, and without nulls for missing ones."""
    given = cast("dict[str, Schema]", schema["properties"])
    tidy = schema | {"properties": {name: _without_default_null(member) for name, member in given.items()}}
    if not tidy["required"]:
        del tidy["required"]
    return tidy


def _without_default_null(member: Schema) -> Schema:
    """A member that may be null because it may be missing is documented as one that may be missing."""
    if "default" not in member or member["default"] is not None:
        return member
    rest = {name: value for name, value in member.items() if name not in {"default", "anyOf"}}
    options = [option for option in cast("list[Schema]", member["anyOf"]) if option != _NULL]
    return rest | (options[0] if len(options) == 1 else {"anyOf": options})


def to_3_0(schema: Schema) -> Schema:
    """The same schema in the words of OpenAPI 3.0, which knows an older JSON Schema (OpenAPI 3.0.3, 4.7.24)."""
    converted: Schema = {}
    for keyword, value in schema.items():
        converted |= _keyword_3_0(keyword, value)
    if "$ref" in converted and len(converted) > 1:
        # What stands beside a reference is ignored.
        return {"allOf": [{"$ref": converted.pop("$ref")}], **converted}
    return converted


def _keyword_3_0(keyword: str, value: object) -> Schema:
    match keyword, value:
        case "anyOf", list():
            return _union_3_0(cast("list[Schema]", value))
        case "allOf" | "oneOf", list():
            return {keyword: [to_3_0(option) for option in cast("list[Schema]", value)]}
        case "prefixItems", list():
            return {"items": {"anyOf": [to_3_0(entry) for entry in cast("list[Schema]", value)]}}
        case "items", False:
            # Only beside prefixItems, whose number minItems and maxItems give too.
            return {}
        case "properties", dict():
            return {keyword: {name: to_3_0(member) for name, member in cast("dict[str, Schema]", value).items()}}
        case "items" | "additionalProperties" | "not", dict():
            return {keyword: to_3_0(cast("Schema", value))}
        case "exclusiveMinimum" | "exclusiveMaximum", _:
            return {keyword: True, keyword.replace("exclusiveM", "m"): value}
        case "const", _:
            return {"enum": [value]}
        case "examples", list():
            return {"example": cast("list[object]", value)[0]}
        case _:
            return {keyword: value}


def _union_3_0(options: list[Schema]) -> Schema:
    rest = [to_3_0(option) for option in options if option != _NULL]
    if len(rest) == len(options):
        return {"anyOf": rest}
    if len(rest) == 1 and "type" in rest[0] and "enum" not in rest[0]:
        return rest[0] | {"nullable": True}
    return {"anyOf": [*rest, _NULL_3_0]}
