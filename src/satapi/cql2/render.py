"""Rendering: a tree as CQL2 text and as CQL2 JSON; what is parsed of either is the same tree."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, assert_never

import msgspec

from satapi.cql2 import forms, geojson, instants, wkt
from satapi.cql2.ast import (
    AccentInsensitive,
    And,
    Arithmetic,
    Array,
    ArrayTest,
    Between,
    BoundingBox,
    CaseInsensitive,
    Comparison,
    Expression,
    Function,
    Geometry,
    GeometryCollection,
    InList,
    Interval,
    IsNull,
    Like,
    Literal,
    Node,
    Not,
    Or,
    Property,
    Spatial,
    Temporal,
)
from satapi.cql2.lexer import CONTROLS
from satapi.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from satapi.cql2.ast import ArithmeticOperator, Bound, Scalar, Term

# How tightly operators bind, as in the parser.
_OR, _AND, _NOT, _PREDICATE, _SUM, _PRODUCT, _POWER, _FACTOR = range(8)

_CALCULATIONS: dict[ArithmeticOperator, tuple[int, int, int]] = {
    # of the whole, of its left and of its right operand
    "+": (_SUM, _SUM, _PRODUCT),
    "-": (_SUM, _SUM, _PRODUCT),
    "*": (_PRODUCT, _PRODUCT, _POWER),
    "/": (_PRODUCT, _PRODUCT, _POWER),
    "%": (_PRODUCT, _PRODUCT, _POWER),
    "div": (_PRODUCT, _PRODUCT, _POWER),
    "^": (_POWER, _FACTOR, _POWER),
}

_SPECIAL = re.compile("[\\\\'\a\b\t\n\v\f\r]")
_WRITTEN = {"\\": r"\\", "'": "''", **{control: f"\\{letter}" for letter, control in CONTROLS.items()}}
# A pair is an escape of the pattern's own: of a letter or a quote it would be read as an escape of the text.
_PIECE = re.compile(r"\\[\s\S]|[\s\S]")
_INEXPRESSIBLE = frozenset({"\\", *(f"\\{letter}" for letter in ("'", *CONTROLS))})

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def to_text(node: Node) -> str:
    """The tree as text. Raises InvalidError for a pattern in it that escapes a quote or one of the letters abfnrtv."""
    return _text(node, _OR)


def _text(expression: Expression, least: int) -> str:
    """An expression where an operator stands that binds so tightly: in parentheses if its own binds less."""
    written, level = _written(expression)
    return f"({written})" if level < least else written


def _list(expressions: Iterable[Expression], least: int = _OR) -> str:
    return ", ".join(_text(expression, least) for expression in expressions)


def _written(expression: Expression) -> tuple[str, int]:
    match expression:
        case And(arguments):
            return " AND ".join(_text(argument, _NOT) for argument in arguments), _AND
        case Or(arguments):
            return " OR ".join(_text(argument, _AND) for argument in arguments), _OR
        case Not(argument):
            return f"NOT {_text(argument, _NOT)}", _NOT
        case Comparison(operator, left, right):
            return f"{_text(left, _SUM)} {operator} {_text(right, _SUM)}", _PREDICATE
        case Between(value, low, high):
            return f"{_text(value, _SUM)} BETWEEN {_text(low, _SUM)} AND {_text(high, _SUM)}", _PREDICATE
        case Like(value, pattern):
            return f"{_text(value, _SUM)} LIKE {_pattern(pattern)}", _PREDICATE
        case InList(value, options):
            return f"{_text(value, _SUM)} IN ({_list(options, _SUM)})", _PREDICATE
        case IsNull(value):
            return f"{_text(value, _SUM)} IS NULL", _PREDICATE
        case Arithmetic(operator, left, right):
            level, of_left, of_right = _CALCULATIONS[operator]
            return f"{_text(left, of_left)} {operator} {_text(right, of_right)}", level
        case _:
            return _factor(expression), _FACTOR


def _factor(expression: Expression) -> str:
    match expression:
        case Spatial(operator, left, right) | Temporal(operator, left, right) | ArrayTest(operator, left, right):
            return f"{operator.upper()}({_list([left, right])})"
        case CaseInsensitive(argument):
            return f"CASEI({_text(argument, _OR)})"
        case AccentInsensitive(argument):
            return f"ACCENTI({_text(argument, _OR)})"
        case Function(name, arguments):
            return f"{name}({_list(arguments)})"
        case Array(elements):
            return f"({_list(elements)})"
        case Interval(start, end):
            return f"INTERVAL({_bound(start)}, {_bound(end)})"
        case Property(name):
            return _name(name)
        case Literal(value):
            return _scalar(value)
        case Geometry() | GeometryCollection() | BoundingBox():
            return wkt.render(expression)
        case _:
            raise TypeError(expression)


def _name(name: str) -> str:
    if forms.IDENTIFIER.fullmatch(name) and name.lower() not in forms.RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def _bound(bound: Bound) -> str:
    match bound:
        case None:
            return "'..'"
        case Literal(date() as value):
            return f"'{instants.written(value)}'"
        case _:
            return _text(bound, _SUM)


def _scalar(value: Scalar) -> str:
    match value:
        case str():
            return "'" + _SPECIAL.sub(lambda found: _WRITTEN[found[0]], value) + "'"
        case bool():
            return "TRUE" if value else "FALSE"
        case date():
            kind = "TIMESTAMP" if hasattr(value, "hour") else "DATE"
            return f"{kind}('{instants.written(value)}')"
        case _:
            return str(value)


def _pattern(pattern: Term) -> str:
    match pattern:
        case CaseInsensitive(argument):
            return f"CASEI({_pattern(argument)})"
        case AccentInsensitive(argument):
            return f"ACCENTI({_pattern(argument)})"
        case Literal(str() as value):
            return "'" + _PIECE.sub(_written_piece, value) + "'"
        case _:
            raise TypeError(pattern)


def _written_piece(found: re.Match[str]) -> str:
    piece = found[0]
    if piece in _INEXPRESSIBLE:
        raise InvalidError("filter", piece, "CQL2 text has no way to write a backslash before it in a pattern")
    return piece if piece.startswith("\\") else _WRITTEN.get(piece, piece)


def to_json(node: Node) -> bytes:
    """The tree as JSON."""
    return _ENCODER.encode(_document(node))


def _operation(operator: str, *arguments: object) -> dict[str, object]:
    return {"op": operator, "args": arguments}


def _documents(expressions: Iterable[Expression]) -> list[object]:
    return [_document(expression) for expression in expressions]


def _document(expression: Expression) -> object:
    match expression:
        case And(arguments):
            return _operation("and", *_documents(arguments))
        case Or(arguments):
            return _operation("or", *_documents(arguments))
        case Not(argument):
            return _operation("not", _document(argument))
        case Between(value, low, high):
            return _operation("between", *_documents((value, low, high)))
        case Like(value, pattern):
            return _operation("like", *_documents((value, pattern)))
        case InList(value, options):
            return _operation("in", _document(value), _documents(options))
        case IsNull(value):
            return _operation("isNull", _document(value))
        case (
            Comparison(operator, left, right)
            | Arithmetic(operator, left, right)
            | Spatial(operator, left, right)
            | Temporal(operator, left, right)
            | ArrayTest(operator, left, right)
        ):
            return _operation(operator, *_documents((left, right)))
        case _:
            return _term_document(expression)


def _term_document(expression: Expression) -> object:
    match expression:
        case CaseInsensitive(argument):
            return _operation("casei", _document(argument))
        case AccentInsensitive(argument):
            return _operation("accenti", _document(argument))
        case Function(name, arguments):
            return _operation(name, *_documents(arguments))
        case Array(elements):
            return _documents(elements)
        case Interval(start, end):
            return {"interval": [_bound_document(start), _bound_document(end)]}
        case Property(name):
            return {"property": name}
        case Literal(value):
            return _scalar_document(value)
        case BoundingBox():
            return geojson.box_document(expression)
        case Geometry() | GeometryCollection():
            return geojson.document(expression)
        case _:
            raise TypeError(expression)


def _bound_document(bound: Bound) -> object:
    match bound:
        case None:
            return ".."
        case Literal(date() as value):
            return instants.written(value)
        case _:
            return _document(bound)


def _scalar_document(value: Scalar) -> object:
    match value:
        case bool() | str():
            return value
        case int():
            # An integer of any size.
            return Decimal(value)
        case Decimal():
            return value
        case date():
            return {"timestamp" if hasattr(value, "hour") else "date": instants.written(value)}
        case _:
            assert_never(value)
