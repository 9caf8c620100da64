"""Equalities: properties as parameters of a GET, such as ?eo:cloud_cover=10 (OGC API Features, part 3, clause 7.2)."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from satapi.cql2.ast import Comparison, InList, Literal, Or, Property
from satapi.cql2.instants import moment_of_text
from satapi.errors import InvalidError
from satapi.http import requests
from satapi.http.server import server
from satapi.query.inventory import ITEMS
from satapi.stac import queryables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from satapi.cql2.ast import Node
    from satapi.db.knowledge import Knowledge
    from satapi.stac.properties import Kind
    from satapi.stac.queryables import Schema

_SIMPLE: frozenset[Kind] = frozenset({"string", "integer", "number", "boolean"})
# A JSON number; the exponent is bounded as in filters, and Python reads no more than some thousand digits.
_NUMBER_MAX_CHARACTERS = 1_000
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)


async def parameters(request: Request, allowed: Sequence[str]) -> tuple[list[tuple[str, str]], list[Node]]:
    """The parameters of a GET, properties among them, and the tests that those make. Raises InvalidError."""
    here = server(request)

    def read(known: Knowledge) -> tuple[list[tuple[str, str]], list[Node]]:
        given = requests.pairs(request, allowed, here.settings, partial(is_simple, schemas=known.schemas))
        return given, [node(*pair, known.schemas) for pair in given if pair[0] not in allowed]

    memory = here.database.memory
    try:
        return read(await memory.knowledge(here.database))
    except InvalidError:
        # It may name a property, or have a value of a type, that an item has since a moment.
        return read(await memory.knowledge(here.database, newest=True))


def is_simple(name: str, schemas: Mapping[str, Schema]) -> bool:
    """Whether it is a known property with simple values, which a parameter can ask for."""
    return name in schemas and not queryables.kinds(name, schemas[name]).isdisjoint(_SIMPLE)


def node(name: str, value: str, schemas: Mapping[str, Schema]) -> Node:
    """That the property equals the value, as whatever the text can be. Raises InvalidError for another kind.

    An item may have a value of another kind since a moment: what is known of kinds refuses values, and compares none.
    """
    schema = schemas[name]
    if "\0" in value:
        raise InvalidError(name, value, "no text holds the character U+0000")
    # A plus that was not escaped arrives as a space.
    moment = moment_of_text(value.replace(" ", "+"))
    number: int | Decimal | None = None
    if len(value) <= _NUMBER_MAX_CHARACTERS and _NUMBER.fullmatch(value):
        number = int(value) if value.lstrip("-").isdigit() else Decimal(value)
    truth = {"true": True, "false": False}.get(value)
    kinds = queryables.kinds(name, schema)
    is_time, is_number = queryables.is_time(schema), bool(kinds & {"integer", "number"})
    is_text = "string" in kinds and (moment is not None or not is_time)
    if not (is_text or (is_number and number is not None) or ("boolean" in kinds and truth is not None)):
        allowed = "a time" if is_time else f"a value of the type {' or '.join(sorted(kinds & _SIMPLE))}"
        limit = f"; a number has at most {_NUMBER_MAX_CHARACTERS:,} characters" if is_number else ""
        raise InvalidError(name, value, f"allowed is {allowed}, as /queryables says{limit}")
    if name in ITEMS.texts:
        return Comparison("=", Property(name), Literal(value))
    if name in ITEMS.times and moment is not None:
        return Comparison("=", Property(name), Literal(moment))
    literals = tuple(Literal(each) for each in (value, number, truth) if each is not None)
    same = InList(Property(name), literals) if len(literals) > 1 else Comparison("=", Property(name), *literals)
    if moment is None or not is_time:
        return same
    return Or((same, Comparison("=", Property(name), Literal(moment))))
