"""Filters: from the CQL2 tree to SQL conditions.

JSON values are compared as jsonb, whose order is null < text < number < boolean: a comparison with a number is the
range of numbers below or above it, so one index on the value serves every type and values of other types never match.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, assert_never

import msgspec

from satapi.cql2.ast import (
    And,
    CaseInsensitive,
    Comparison,
    ComparisonOperator,
    InList,
    IsNull,
    Like,
    Literal,
    Node,
    Not,
    Or,
    Property,
    Term,
)
from satapi.errors import InvalidError
from satapi.query.inventory import Column, column
from satapi.query.sql import Sql, join, sql
from satapi.stac.times import parse_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPERATORS: dict[ComparisonOperator, Sql] = {
    "=": sql("="),
    "<>": sql("<>"),
    "<": sql("<"),
    "<=": sql("<="),
    ">": sql(">"),
    ">=": sql(">="),
}

# All numbers lie from here to false; all texts lie below. PostgreSQL's numbers end at 131,072 digits.
LiteralValue = str | bool | int | Decimal | datetime

_LEAST_NUMBER = sql("'-9e131071'::jsonb")
_NULL = sql("'null'::jsonb")
_LEAST_BOOLEAN = sql("'false'::jsonb")
_FALSE = sql("false")


def conditions(nodes: Sequence[Node], parameter: str, *, ordered: bool) -> list[Sql]:
    """One condition a node, for AND; `ordered` says that an index on time gives the order and is to be kept to.

    Raises InvalidError for a value of a type that its column cannot be compared with.
    """
    return [_estimated(node, _compile(node, parameter), parameter, ordered=ordered) for node in nodes]


def _estimated(node: Node, condition: Sql, parameter: str, *, ordered: bool) -> Sql:
    """The condition as PostgreSQL should estimate it.

    Of a JSON member without an index it has no statistics: it guesses that half a percent match, plans for a handful
    of rows and sorts what are many. It takes a CASE to be true for a half, and keeps to the index of the order.
    """
    if not ordered and all(column(name, parameter).indexed for name in _names(node)):
        return condition
    return sql("case when {} then true else false end", condition)


def _names(node: Node) -> set[str]:
    match node:
        case And(arguments) | Or(arguments):
            return set[str]().union(*map(_names, arguments))
        case Not(argument):
            return _names(argument)
        case IsNull(Property(name)):
            return {name}
        case Comparison(_, left, right):
            return _term_names(left) | _term_names(right)
        case Like(value, pattern):
            return _term_names(value) | _term_names(pattern)
        case InList(value, options):
            return _term_names(value).union(*map(_term_names, options))


def _term_names(term: Term) -> set[str]:
    match term:
        case Property(name) | CaseInsensitive(Property(name)):
            return {name}
        case _:
            return set()


def _compile(node: Node, parameter: str) -> Sql:
    match node:
        case And(arguments):
            return sql("({})", join(" and ", (_compile(argument, parameter) for argument in arguments)))
        case Or(arguments):
            return sql("({})", join(" or ", (_compile(argument, parameter) for argument in arguments)))
        case Not(argument):
            return sql("not ({})", _compile(argument, parameter))
        case IsNull(Property(name)):
            return sql("{} is null", column(name, parameter).expression)
        case Comparison(operator, left, right):
            return _comparison(operator, left, right, parameter)
        case Like(value, pattern):
            return sql("{} like {}", _text(value, parameter), _text(pattern, parameter))
        case InList(value, options):
            if not options:
                return _FALSE
            equal = (_comparison("=", _matching(value, option), option, parameter) for option in options)
            return sql("({})", join(" or ", equal))
        case _:
            assert_never(node)


def _matching(value: Term, option: Term) -> Term:
    """Case matters to text alone: beside a number or boolean the property is taken as it is."""
    if isinstance(value, CaseInsensitive) and not isinstance(option, CaseInsensitive):
        return value.argument
    return value


def _comparison(operator: ComparisonOperator, left: Term, right: Term, parameter: str) -> Sql:
    match left, right:
        case CaseInsensitive(Property(name)), CaseInsensitive(Literal(str() as text)):
            subject = column(name, parameter)
            if subject.kind == "time":
                return _with_time(operator, subject, text, parameter)
            if subject.kind == "json" and operator == "<>":
                # What is no text differs from every text.
                sides = _text(left, parameter), _text(right, parameter)
                return sql("case when {} is not null then {} is distinct from {} end", subject.expression, *sides)
            return sql("{} {} {}", _text(left, parameter), _OPERATORS[operator], _text(right, parameter))
        case Property(name), Literal(value):
            subject = column(name, parameter)
            match subject.kind:
                case "time":
                    return _with_time(operator, subject, value, parameter)
                case "text":
                    if not isinstance(value, str):
                        raise InvalidError(f"{parameter}.{name}", value, f"{name} is compared with text")
                    return sql("{} {} {}::text", subject.expression, _OPERATORS[operator], value)
                case "json":
                    return _with_json(operator, subject, value)
        case _:
            raise InvalidError(parameter, operator, "a property is compared with a value")


def _with_time(operator: ComparisonOperator, subject: Column, value: object, parameter: str) -> Sql:
    if isinstance(value, str):
        try:
            value = parse_instant(value)
        except ValueError as error:
            raise InvalidError(f"{parameter}.{subject.name}", value, str(error)) from None
    if not isinstance(value, datetime):
        raise InvalidError(f"{parameter}.{subject.name}", value, f"{subject.name} is compared with an RFC 3339 time")
    return sql("{} {} {}::timestamptz", subject.expression, _OPERATORS[operator], value)


def _with_json(operator: ComparisonOperator, subject: Column, value: LiteralValue) -> Sql:
    compared = sql("{} {} {}::text::jsonb", subject.expression, _OPERATORS[operator], json_text(value))
    if operator in {"=", "<>"}:
        return compared
    is_text = isinstance(value, str | datetime)
    if operator in {"<", "<="}:
        # Nothing but null lies below the texts, and, by an old accident, the empty array.
        floor = _NULL if is_text else _LEAST_NUMBER
        return sql("({} and {} > {})", compared, subject.expression, floor)
    ceiling = _LEAST_NUMBER if is_text else _LEAST_BOOLEAN
    return sql("({} and {} < {})", compared, subject.expression, ceiling)


def json_text(value: object) -> str:
    """The JSON text of a literal; a number keeps every digit."""
    return str(value) if isinstance(value, Decimal) else msgspec.json.encode(value).decode()


def _text(term: Term, parameter: str) -> Sql:
    """A term as text, null where it is of another type; case-insensitive ones by Unicode's rules in every database."""
    match term:
        case CaseInsensitive(argument):
            return sql('lower({} collate "und-x-icu")', _text(argument, parameter))
        case Literal(value):
            return sql("{}::text", value)
        case Property(name):
            subject = column(name, parameter)
            match subject.kind:
                case "text":
                    return subject.expression
                case "time":
                    raise InvalidError(f"{parameter}.{name}", name, f"{name} is a time, compared by order or equality")
                case "json":
                    value = subject.expression
                    return sql("case when jsonb_typeof({}) = 'string' then {} #>> array[]::text[] end", value, value)
