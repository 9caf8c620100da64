"""Faults: what a schema finds wrong with a document, in sentences; bounded, however much is wrong."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, cast

from jsonschema_rs import ValidationErrorKind as Kind

from satapi.errors import DocumentError, Fault, InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jsonschema_rs import ValidationError, Validator

FAULTS_MAX = 20
"""Things that are told of one document, at most."""

# Telling takes 10 us a fault, and of each alternative those that it has: what is looked through has to be small.
_ENTRIES_MAX = 100
_SHOWN = 100
# Schemas with alternatives in alternatives are explained so deep.
_ALTERNATIVES_MAX = 8

Path = tuple[str | int, ...]


class _Found(NamedTuple):
    path: Path
    value: object
    allowed: str


def explained(
    validator: Validator,
    document: Mapping[str, object],
    schema: str,
    complete: Callable[[Mapping[str, object]], Mapping[str, object]],
) -> list[DocumentError]:
    """Why a document that is not valid is not: at least one reason, none of them twice."""
    found: dict[tuple[Path, str], DocumentError] = {}
    try:
        for error in validator.iter_errors(complete(_excerpt(document))):
            for each in _found(error):
                found.setdefault((each.path, each.allowed), _told(each))
                if len(found) == FAULTS_MAX:
                    return list(found.values())
    except RecursionError:
        where = "somewhere deep in it"
    else:
        where = f"beyond the first {_ENTRIES_MAX} entries of a list or the first members of an object"
    # What is not of its type at all is often none of several things, or all of them.
    told = {path for path, allowed in found if allowed != _SENTENCES["oneOf"]}
    found = {key: error for key, error in found.items() if key[1] != _SENTENCES["oneOf"] or key[0] not in told}
    return list(found.values()) or [fault((), _ABSENT, f"it is not as {schema} says, {where}")]


def merged(errors: Sequence[InvalidError]) -> DocumentError:
    """One error of several, the first of which gives it its parameter."""
    faults = [fault for error in errors for fault in _faults(error)]
    first = errors[0]
    return DocumentError(first.parameter, first.value, first.allowed, faults[:FAULTS_MAX])


def _faults(error: InvalidError) -> Sequence[Fault]:
    if isinstance(error, DocumentError) and error.faults:
        return error.faults
    return [Fault(_pointer(_path(error)), error.description)]


def _path(error: InvalidError) -> Path:
    """The place that the error of a column names."""
    return () if error.parameter == "document" else tuple(error.parameter.split("."))


def fault(path: Path, value: object, allowed: str) -> DocumentError:
    """What is wrong at a place of a document."""
    return _told(_Found(path, value, allowed))


def _told(found: _Found) -> DocumentError:
    name = _dotted(found.path) or "document"
    if isinstance(found.value, _Absent):
        error = InvalidError(name, None, found.allowed)
        reason = f"{name}: {found.allowed}"
    else:
        error = InvalidError(name, _shown(found.value), found.allowed)
        reason = error.description
    return DocumentError(name, error.value, found.allowed, [Fault(_pointer(found.path), reason)])


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


_NAME = re.compile(r"[\w:-]+")


def _dotted(path: Path) -> str:
    """A path as users read it: links[0].href."""
    written = ""
    for step in path:
        if isinstance(step, int):
            written += f"[{step}]"
        elif _NAME.fullmatch(step):
            written += f".{step}" if written else step
        else:
            written += f"[{_shown(step)!r}]"
    return written


def _pointer(path: Path) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


# Excerpts ---------------------------------------------------------------------------------------------------------


def _excerpt(document: Mapping[str, object]) -> Mapping[str, object]:
    """A document without most of what is long in it, so that no time is spent on what nobody reads."""
    return {name: _cut(value, _GEOMETRY if name == "geometry" else _OTHER) for name, value in document.items()}


class _Size(NamedTuple):
    """What is kept of a member: entries of each list; after so many values few of each, after as many more none."""

    entries: int
    values: int


_GEOMETRY = _Size(5, 50)
_OTHER = _Size(_ENTRIES_MAX, 1_500)
# As long as the longest box, and more members than any object of STAC must have.
_ENTRIES_MIN = 6
_MEMBERS_MIN = 20
_MEMBERS_MAX = 200


def _cut(value: object, size: _Size) -> object:
    left = size.values

    def at_most(many: int, few: int) -> int:
        return many if left > 0 else few if left > -size.values else 0

    def cut(value: object) -> object:
        nonlocal left
        left -= 1
        if isinstance(value, list):
            entries = cast("list[object]", value)
            return [cut(entry) for entry in entries[: at_most(size.entries, _ENTRIES_MIN)]]
        if isinstance(value, dict):
            members = cast("dict[str, object]", value)
            kept = islice(members.items(), at_most(_MEMBERS_MAX, _MEMBERS_MIN))
            return {name: cut(member) for name, member in kept}
        return value

    return cut(value)


# Sentences --------------------------------------------------------------------------------------------------------


class _Absent:
    """Stands for a value where the fault is that something is missing."""


_ABSENT = _Absent()


def _found(error: ValidationError, depth: int = 0) -> list[_Found]:
    """What an error says; of alternatives, what it says of the one that was meant."""
    path = tuple(error.instance_path)
    match error.kind:
        case Kind.AnyOf(context) | Kind.OneOfNotValid(context) if context and depth < _ALTERNATIVES_MAX:
            meant = min(context, key=lambda errors: _distance(errors, len(path)))
            return [found for each in meant for found in _found(each, depth + 1)]
        case Kind.Required(name):
            return [_Found((*path, name), _ABSENT, "it is required")]
        case kind:
            return [_Found(path, error.instance, _allowed(kind))]


def _distance(errors: Sequence[ValidationError], level: int) -> tuple[int, int]:
    """How far an alternative is from what was meant: one for another type of thing is further than any other."""
    return sum(_is_of_another_type(error, level) for error in errors), len(errors)


def _is_of_another_type(error: ValidationError, level: int) -> bool:
    path = error.instance_path
    match error.kind:
        case Kind.Constant() | Kind.Enum():
            return path[-1:] == ["type"]
        case Kind.Type(types):
            return len(path) <= level + 1 or types == ["null"]
        case Kind.OneOfNotValid():
            return len(path) == level + 1
        case _:
            return False


_NOUNS = {
    "null": "null",
    "boolean": "true or false",
    "number": "a number",
    "integer": "a whole number",
    "string": "text",
    "array": "an array",
    "object": "an object",
}
_IN_UTC = r"(\+00:00|Z)$"

# What a keyword of a schema allows, by its name; in braces is its value.
_SENTENCES = {
    "const": "it must be {}",
    "minimum": "it must be {} or more",
    "maximum": "it must be {} or less",
    "exclusiveMinimum": "it must be more than {}",
    "exclusiveMaximum": "it must be less than {}",
    "multipleOf": "it must be a multiple of {}",
    "pattern": "it must match the pattern {}",
    "minLength": "its characters must be at least {}",
    "maxLength": "its characters must be at most {}",
    "minItems": "its entries must be at least {}",
    "maxItems": "its entries must be at most {}",
    "minProperties": "its members must be at least {}",
    "maxProperties": "its members must be at most {}",
    "uniqueItems": "no two of its entries may be equal",
    "additionalProperties": "it must not have these members: {}",
    "falseSchema": "it must not be here",
    "not": "it must not be here, or not be this",
    "oneOf": "it is more than one of the things of which it must be one",
}


def _allowed(kind: Kind) -> str:
    match kind:
        case Kind.Type(types):
            return f"it must be {' or '.join(_NOUNS.get(name, name) for name in types)}"
        case Kind.Enum(options):
            return f"allowed are {', '.join(map(_shown, options))}"
        case Kind.AdditionalProperties(names) | Kind.UnevaluatedProperties(names):
            return _SENTENCES["additionalProperties"].format(", ".join(map(_shown, names)))
        case Kind.Pattern(pattern) if pattern == _IN_UTC:
            return "it must be a time in UTC, which ends with Z"
        case _:
            sentence = _SENTENCES.get(kind.name, f"it is not as the schema says with {kind.name!r}")
            return sentence.format(_shown(kind.value))
