"""Comparisons of the CQL2 tree as SQL.

JSON values are compared as jsonb, whose order is null < text < number < boolean: a comparison with a number is the
range of numbers below or above it, so one index on the value serves every type and values of other types never match.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from satapi.cql2.ast import AccentInsensitive, CaseInsensitive, ComparisonOperator, Literal, Property, Term
from satapi.cql2.forms import is_pattern
from satapi.cql2.instants import moment_of_text
from satapi.errors import InvalidError
from satapi.query.constants import json_text
from satapi.query.sql import Sql, join, sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satapi.query.terms import Terms

OPERATORS: dict[str, Sql] = {
    "=": sql("="),
    "<>": sql("<>"),
    "<": sql("<"),
    "<=": sql("<="),
    ">": sql(">"),
    ">=": sql(">="),
}
_EQUALITIES: dict[str, Sql] = {"=": sql("is not distinct from"), "<>": sql("is distinct from")}
MIRRORED: dict[ComparisonOperator, ComparisonOperator] = {
    "=": "=",
    "<>": "<>",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
}
# All numbers lie from here to false; all texts lie below. PostgreSQL's numbers end at 131,072 digits.
_LEAST_NUMBER = sql("'-9e131071'::jsonb")
_NULL = sql("'null'::jsonb")
_LEAST_BOOLEAN = sql("'false'::jsonb")
_GREATEST_BOOLEAN = sql("'true'::jsonb")
_FALSE, _TRUE = sql("false"), sql("true")


def comparison(terms: Terms, operator: ComparisonOperator, left: Term, right: Term) -> Sql:
    """A comparison of two values. Raises InvalidError for kinds that no comparison is of."""
    kinds = terms.kind(left), terms.kind(right)
    if "instant" in kinds:
        return _with_instant(terms, operator, left, right)
    match left, right:
        case Property(), Literal(value) if kinds[0] == "json":
            return _ranged(operator, terms.json(left), value)
        case Literal(value), Property() if kinds[1] == "json":
            return _ranged(MIRRORED[operator], terms.json(right), value)
        case _:
            pass
    if operator in _EQUALITIES and kinds == ("json", "text") and is_pattern(right):
        # What is no text differs from every text.
        known, one, other = terms.json(_unfolded(left)), terms.of_kind("text", left), terms.of_kind("text", right)
        return sql("case when {} is not null then {} {} {} end", known, one, _EQUALITIES[operator], other)
    if "json" in kinds:
        return _with_json(terms, operator, left, right)
    if kinds[0] != kinds[1] or kinds[0] not in {"text", "number", "boolean"}:
        raise terms.mismatch(right, kinds[0], beside=left)
    one, other = (terms.of_kind(kinds[0], each) for each in (left, right))
    if kinds[0] == "text" and operator not in {"=", "<>"}:
        other = sql('{} collate "C"', other)
    return sql("{} {} {}", one, OPERATORS[operator], other)


def membership(terms: Terms, value: Term, options: Sequence[Term]) -> Sql:
    """Whether a value equals one of the options; the value is read once where that is possible. Raises InvalidError."""
    if not options:
        return _FALSE
    one = _json_membership(terms, value, options) or _folded_membership(terms, value, options)
    return one or sql("({})", join(" or ", (comparison(terms, "=", value, option) for option in options)))


def _json_membership(terms: Terms, value: Term, options: Sequence[Term]) -> Sql | None:
    """A JSON property among literals."""
    literals = [
        option.value for option in options if isinstance(option, Literal) and not isinstance(option.value, date)
    ]
    if len(literals) < len(options) or not isinstance(value, Property) or terms.kind(value) != "json":
        return None
    return sql("{} = any({}::text[]::jsonb[])", terms.json(value), [json_text(literal) for literal in literals])


def _folded_membership(terms: Terms, value: Term, options: Sequence[Term]) -> Sql | None:
    """A JSON property without regard to case among texts; what is no text differs from every text."""
    texts = [
        option.argument.value
        for option in options
        if isinstance(option, CaseInsensitive)
        and isinstance(option.argument, Literal)
        and isinstance(option.argument.value, str)
    ]
    if len(texts) < len(options) or not isinstance(value, CaseInsensitive) or not isinstance(value.argument, Property):
        return None
    if terms.kind(value) != "json":
        return None
    return sql(
        "case when {} is not null then "
        "coalesce({} = any(array(select cql2_casei(given) from unnest({}::text[]) as given)), false) end",
        terms.json(value.argument),
        terms.of_kind("text", value),
        texts,
    )


def _unfolded(term: Term) -> Term:
    return _unfolded(term.argument) if isinstance(term, CaseInsensitive | AccentInsensitive) else term


def _with_instant(terms: Terms, operator: ComparisonOperator, left: Term, right: Term) -> Sql:
    """A comparison with a time: what says no time in an item differs from all times."""
    one, other = _as_instant(terms, left, right), _as_instant(terms, right, left)
    compared = sql("{} {} {}", one, OPERATORS[operator], other)
    open_sides = [each for each in (left, right) if terms.kind(each) == "json"]
    if not open_sides:
        return compared
    sides = ((left, one), (right, other))
    known = join(
        " and ",
        (sql("{} is not null", terms.json(term) if terms.kind(term) == "json" else found) for term, found in sides),
    )
    return sql("case when {} then coalesce({}, {}) end", known, compared, _TRUE if operator == "<>" else _FALSE)


def _as_instant(terms: Terms, term: Term, beside: Term) -> Sql:
    text = term.argument if isinstance(term, CaseInsensitive) else term
    if isinstance(text, Literal) and isinstance(text.value, str):
        instant = moment_of_text(text.value)
        if instant is None:
            allowed = "allowed beside a time are RFC 3339 times and dates"
            raise InvalidError(terms.parameter_of(beside), text.value, allowed)
        return terms.of_kind("instant", Literal(instant))
    if terms.kind(term) not in {"instant", "json"}:
        raise terms.mismatch(term, "instant", beside=beside)
    return terms.of_kind("instant", term)


def _with_json(terms: Terms, operator: ComparisonOperator, left: Term, right: Term) -> Sql:
    """A comparison of what only the item knows the kind of: texts, numbers and booleans have an order."""
    for term in (left, right):
        if terms.kind(term) in {"geometry", "array", "interval"}:
            raise terms.mismatch(term, "a value")
    one, other = terms.json(left), terms.json(right)
    compared = sql("{} {} {}", one, OPERATORS[operator], other)
    if operator in {"=", "<>"}:
        return compared
    # What is equal is also not less and not greater, where there is no order.
    unordered = sql("{} = {}", one, other) if operator in {"<=", ">="} else _FALSE
    return sql(
        "case when jsonb_typeof({}) = jsonb_typeof({}) and jsonb_typeof({}) in ('string', 'number', 'boolean') "
        "then {} when {} is not null and {} is not null then {} end",
        *(one, other, one),
        compared,
        *(one, other, unordered),
    )


def _ranged(operator: ComparisonOperator, subject: Sql, value: object) -> Sql:
    """A JSON value against a literal, as ranges of jsonb."""
    compared = sql("{} {} {}::text::jsonb", subject, OPERATORS[operator], json_text(value))
    if operator in {"=", "<>"}:
        return compared
    below = operator in {"<", "<="}
    match value:
        case bool():
            floor, ceiling = sql("{} >= {}", subject, _LEAST_BOOLEAN), sql("{} <= {}", subject, _GREATEST_BOOLEAN)
        case str():
            # Nothing but null lies below the texts, and, by an old accident, the empty array.
            floor, ceiling = sql("{} > {}", subject, _NULL), sql("{} < {}", subject, _LEAST_NUMBER)
        case _:
            floor, ceiling = sql("{} > {}", subject, _LEAST_NUMBER), sql("{} < {}", subject, _LEAST_BOOLEAN)
    return sql("({} and {})", compared, floor if below else ceiling)
