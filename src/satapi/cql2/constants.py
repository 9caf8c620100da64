"""Constants: the numbers, dates and timestamps of CQL2 text."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from satapi.cql2.ast import Literal
from satapi.cql2.instants import parse_date, parse_timestamp

if TYPE_CHECKING:
    from satapi.cql2.lexer import Cursor


def number(cursor: Cursor, sign: str) -> Literal:
    """The number that is here, after its sign: whole ones are integers, others keep all their digits."""
    token = cursor.advance()
    cursor.budget.number(token.value)
    written = sign + token.value
    return Literal(int(written) if token.value.isdigit() else Decimal(written))


def instant(cursor: Cursor, kind: str) -> Literal:
    """The date or timestamp whose text is here. Raises InvalidError."""
    token = cursor.token
    if token.kind != "text":
        cursor.fail(f"the text of a {kind}")
    try:
        value = parse_date(token.value) if kind == "date" else parse_timestamp(token.value)
    except ValueError as error:
        cursor.fail(f"a {kind}: {error}")
    cursor.advance()
    return Literal(value)
