"""Equalities: properties as parameters of a GET, such as ?eo:cloud_cover=10 (OGC API Features, part 3, clause 7.2)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from satapi.cql2.ast import Comparison, Literal, Or, Property
from satapi.cql2.instants import moment_of_text
from satapi.errors import InvalidError
from satapi.stac import queryables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from satapi.cql2.ast import Node
    from satapi.stac.properties import Kind
    from satapi.stac.queryables import Schema

_SIMPLE: frozenset[Kind] = frozenset({"string", "integer", "number", "boolean"})
# A JSON number; the exponent is bounded as in filters, and Python reads no more than some thousand digits.
_NUMBER_MAX_CHARACTERS = 1_000
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)


def is_simple(name: str, schemas: Mapping[str, Schema]) -> bool:
    """Whether it is a known property with simple values, which a parameter can ask for."""
    return name in schemas and not queryables.kinds(name, schemas[name]).isdisjoint(_SIMPLE)


def node(name: str, value: str, schemas: Mapping[str, Schema]) -> Node:
    """That the property equals the value, as each of the kinds that it has. Raises InvalidError where it is of none."""
    schema = schemas[name]
    kinds = queryables.kinds(name, schema)
    literals: list[Literal] = []
    if "string" in kinds:
        if "\0" in value:
            raise InvalidError(name, value, "no text holds the character U+0000")
        # A plus that was not escaped arrives as a space.
        moment = moment_of_text(value.replace(" ", "+")) if queryables.is_time(schema) else None
        literals += [Literal(value)] if moment is None and not queryables.is_time(schema) else []
        literals += [] if moment is None else [Literal(moment)]
    is_number = bool(kinds & {"integer", "number"})
    if is_number and len(value) <= _NUMBER_MAX_CHARACTERS and _NUMBER.fullmatch(value):
        literals.append(Literal(int(value) if value.lstrip("-").isdigit() else Decimal(value)))
    if "boolean" in kinds and value in {"true", "false"}:
        literals.append(Literal(value == "true"))
    if not literals:
        allowed = (
            "a time" if queryables.is_time(schema) else f"a value of the type {' or '.join(sorted(kinds & _SIMPLE))}"
        )
        limit = f"; a number has at most {_NUMBER_MAX_CHARACTERS:,} characters" if is_number else ""
        raise InvalidError(name, value, f"allowed is {allowed}, as /queryables says{limit}")
    tests = tuple(Comparison("=", Property(name), literal) for literal in literals)
    return tests[0] if len(tests) == 1 else Or(tests)
