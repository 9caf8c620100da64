"""CQL2 text: what is read of it, and where its errors are."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from satapi.cql2 import text
from satapi.cql2.ast import (
    And,
    Arithmetic,
    Array,
    ArrayTest,
    BoundingBox,
    Comparison,
    Function,
    Geometry,
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
)
from satapi.cql2.limits import Limits
from satapi.errors import InvalidError, TooLargeError

LIMITS = Limits(characters=2_000, nesting=20, terms=50, points=20)
A, B, C = Property("a"), Property("b"), Property("c")


def parse(written: str) -> Node:
    return text.parse(written, LIMITS)


def value(written: str) -> object:
    found = parse(f"a = {written}")
    assert isinstance(found, Comparison)
    return found.right


def test_and_binds_tighter_than_or_and_not_tighter_than_both() -> None:
    one, other, third = (Comparison("=", Property(name), Literal(1)) for name in "abc")
    assert parse("a = 1 OR b = 1 AND NOT c = 1") == Or((one, And((other, Not(third)))))
    assert parse("(a = 1 or b = 1) and c = 1") == And((Or((one, other)), third))
    assert parse("a = 1 AND b = 1 AND c = 1") == And((one, other, third))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1 + 2 * b", Arithmetic("+", Literal(1), Arithmetic("*", Literal(2), B))),
        ("1 - 2 - 3", Arithmetic("-", Arithmetic("-", Literal(1), Literal(2)), Literal(3))),
        ("b div 2 % 3", Arithmetic("%", Arithmetic("div", B, Literal(2)), Literal(3))),
        ("2 ^ 3 ^ b", Arithmetic("^", Literal(2), Arithmetic("^", Literal(3), B))),
        ("-b ^ 2", Arithmetic("^", Arithmetic("*", Literal(-1), B), Literal(2))),
        ("b-150.0", Arithmetic("-", B, Literal(Decimal("150.0")))),
        ("(b + 1) / -2", Arithmetic("/", Arithmetic("+", B, Literal(1)), Literal(-2))),
        ("-(b)", Arithmetic("*", Literal(-1), B)),
    ],
)
def test_calculations_bind_as_in_mathematics(written: str, expected: object) -> None:
    assert value(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("9007199254740993", 9007199254740993),
        ("-123456789012345678901234567890", -123456789012345678901234567890),
        ("+5", 5),
        (".5", Decimal("0.5")),
        ("5.", Decimal(5)),
        ("1.50e-3", Decimal("0.0015")),
        ("2E2", Decimal(200)),
        ("'it''s'", "it's"),
        (r"'it\'s'", "it's"),
        (r"'a\%b\_c\d'", r"a\%b\_c\d"),
        (r"'\a\b\t\n\v\f\r'", "\a\b\t\n\v\f\r"),
        (r"'\\t\\\t'", "\\t\\\t"),
        (r"'\\\''", r"\'"),
        (r"'a\\'", "a\\"),
        ("''", ""),
        ("'日本 \n\t'", "日本 \n\t"),
        ("tRuE", True),
        ("DATE('2020-02-29')", date(2020, 2, 29)),
        ("timestamp('2020-02-29T12:00:00.5Z')", datetime(2020, 2, 29, 12, 0, 0, 500_000, UTC)),
        ("TIMESTAMP('2020-02-29T12:00:00+01:00')", datetime(2020, 2, 29, 11, tzinfo=UTC)),
    ],
)
def test_every_literal_is_read_exactly(written: str, expected: object) -> None:
    found = value(written)
    assert isinstance(found, Literal)
    assert found.value == expected
    assert type(found.value) is type(expected)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("eo:cloud_cover", "eo:cloud_cover"),
        ("properties.proj:shape.0", "properties.proj:shape.0"),
        ('"a ""b"" \'c\'"', "a \"b\" 'c'"),
        ('"and"', "and"),
        ("straße_1·", None),
        ("größe", "größe"),
        ("date", "date"),
        ("point", "point"),
        ("casei", "casei"),
    ],
)
def test_names_are_bare_or_quoted(written: str, name: str | None) -> None:
    if name is None:
        with pytest.raises(InvalidError):
            parse(f"{written} = 1")
    else:
        assert parse(f"{written} = 1") == Comparison("=", Property(name), Literal(1))


def test_not_stands_before_like_between_and_in_too() -> None:
    assert parse("a NOT LIKE 'x%'") == Not(Like(A, Literal("x%")))
    assert parse("a NOT IN (1)") == Not(InList(A, (Literal(1),)))
    assert parse("a NOT BETWEEN 1 AND 2") == parse("NOT a BETWEEN 1 AND 2")
    assert parse("a IS NOT NULL") == Not(IsNull(A))
    assert parse("(a = 1) IS NULL") == IsNull(Comparison("=", A, Literal(1)))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("POINT(1 2)", Geometry("Point", (1.0, 2.0))),
        ("point z (1 2 3)", Geometry("Point", (1.0, 2.0, 3.0))),
        ("POINT(1 2 3)", Geometry("Point", (1.0, 2.0, 3.0))),
        ("POINT(-1.5e1 +.5E-1)", Geometry("Point", (-15.0, 0.05))),
        ("MULTIPOINT(1 2, 3 4)", Geometry("MultiPoint", ((1.0, 2.0), (3.0, 4.0)))),
        ("MULTIPOINT((1 2),(3 4))", Geometry("MultiPoint", ((1.0, 2.0), (3.0, 4.0)))),
        ("BBOX(170, -10, -170, 10)", BoundingBox((170.0, -10.0, -170.0, 10.0))),
    ],
)
def test_geometries_are_read_from_wkt(written: str, expected: object) -> None:
    assert parse(f"S_EQUALS(a, {written})") == Spatial("s_equals", A, expected)


def test_intervals_have_open_ends_and_bounds_of_every_kind() -> None:
    def interval(written: str) -> Interval:
        found = parse(f"T_DURING(INTERVAL({written}), b)")
        assert isinstance(found.left, Interval)
        return found.left

    assert interval("'..', '2020-01-01'") == Interval(None, Literal(date(2020, 1, 1)))
    assert interval("a, '2020-01-01T00:00:00Z'") == Interval(A, Literal(datetime(2020, 1, 1, tzinfo=UTC)))
    assert interval("DATE('2020-01-01'), lower(b)") == Interval(Literal(date(2020, 1, 1)), Function("lower", (B,)))


def test_parentheses_around_an_argument_or_element_are_an_array() -> None:
    def array(written: str) -> object:
        return parse(f"A_EQUALS({written}, b)").left

    assert array("()") == Array(())
    assert array("('x')") == Array((Literal("x"),))
    assert array("((1, a), (a + 1) * 2)") == Array(
        (Array((Literal(1), A)), Arithmetic("*", Arithmetic("+", A, Literal(1)), Literal(2)))
    )
    assert parse("A_OVERLAPS(a, (b))") == ArrayTest("a_overlaps", A, Array((B,)))


@pytest.mark.parametrize(
    ("written", "place", "found", "expected"),
    [
        ("", "line 1, column 1", "the end of the text", "a value"),
        ("a", "line 1, column 2", "the end of the text", "a comparison operator"),
        ("a =", "line 1, column 4", "the end of the text", "a value"),
        ("a = 1 b", "line 1, column 7", "b", "an operator"),
        ("a = 1 AND\n   (b > )", "line 2, column 9", ")", "a value"),
        ("a = 1 AND b", "line 1, column 11", "b", "a predicate"),
        ("(a = 1", "line 1, column 7", "the end of the text", "an operator or ')'"),
        ("a = 'x", "line 1, column 5", "'x", "a quote"),
        ('"x = 1', "line 1, column 1", '"x = 1', "a quote"),
        ("a & b", "line 1, column 3", "&", "a name"),
        ("a = 1 = 2", "line 1, column 7", "=", "an operator or the end"),
        ("a IN ()", "line 1, column 7", ")", "a value"),
        ("a IN 1", "line 1, column 6", "1", "'('"),
        ("a IS 5", "line 1, column 6", "5", "NULL"),
        ("a LIKE b", "line 1, column 8", "b", "a text"),
        ("a BETWEEN 1 OR 2", "line 1, column 13", "OR", "AND"),
        ("a + 'x' = 1", "line 1, column 5", "'x'", "a number"),
        ("s_within(a, 5)", "line 1, column 13", "5", "a geometry"),
        ("s_within(a)", "line 1, column 1", "s_within", "2 arguments"),
        ("s_within(a, POINT(1))", "line 1, column 20", ")", "a number"),
        ("s_within(a, POINT(1 2 3 4))", "line 1, column 25", "4", "')'"),
        ("s_within(a, POINT(1 1e999))", "line 1, column 21", "1e999", "infinite"),
        ("s_within(a, LINESTRING(1 2))", "line 1, column 13", "LINESTRING", "2 positions"),
        ("s_within(a, POLYGON((0 0, 1 1, 2 0, 3 3)))", "line 1, column 13", "POLYGON", "4 positions"),
        ("s_within(a, BBOX(1, 2, 3))", "line 1, column 13", "BBOX", "4 numbers"),
        ("s_within(a, BBOX(1, 2, 3, 1))", "line 1, column 13", "BBOX", "south below north"),
        ("s_within(a, POINT EMPTY)", "line 1, column 19", "EMPTY", "','"),
        ("t_during(a, DATE('2020-01-01'))", "line 1, column 13", "DATE", "an interval"),
        ("t_after(a, DATE('2020-13-01'))", "line 1, column 17", "'2020-13-01'", "a date"),
        ("t_after(a, TIMESTAMP('2020-01-01'))", "line 1, column 22", "'2020-01-01'", "a timestamp"),
        ("t_after(a, INTERVAL('x', b))", "line 1, column 21", "'x'", "a date"),
        ("t_after(a, INTERVAL(b, 1))", "line 1, column 24", "1", "'..'"),
        ("a_equals(1, b)", "line 1, column 10", "1", "an array"),
        ("casei(1) = 'x'", "line 1, column 7", "1", "a text"),
        ("and = 1", "line 1, column 1", "and", "a value"),
        ("a = 'x\0'", "line 1, column 5", "'x\0'", "U+0000"),
    ],
)
def test_an_error_says_where_what_was_found_and_what_was_expected(
    written: str, place: str, found: str, expected: str
) -> None:
    with pytest.raises(InvalidError) as raised:
        parse(written)
    assert raised.value.parameter == "filter"
    assert raised.value.value == found
    assert raised.value.allowed.startswith(f"at {place}, expected was ")
    assert expected in raised.value.allowed.partition("expected was ")[2]


@pytest.mark.parametrize(
    "written",
    [
        "a = '" + "x" * 2_000 + "'",
        "(" * 30 + "a = 1" + ")" * 30,
        "NOT " * 30 + "a = 1",
        "a = " + "-" * 30 + "b",
        "a = " + "+".join(["b"] * 60),
        "a = " + "^".join(["b"] * 30),
        "a = " + "abs(" * 30 + "b" + ")" * 30,
        "a IN (" + ",".join(["1"] * 60) + ")",
        "A_EQUALS(" + "(" * 30 + ")" * 30 + ", a)",
        "A_EQUALS((" + ",".join(["()"] * 60) + "), a)",
        "S_EQUALS(a, LINESTRING(" + ",".join(["0 0"] * 30) + "))",
        "S_EQUALS(a, " + "GEOMETRYCOLLECTION(" * 30 + "POINT(0 0)" + ")" * 30 + ")",
    ],
)
def test_what_is_too_long_or_too_deep_is_refused(written: str) -> None:
    with pytest.raises(TooLargeError):
        parse(written)


def test_what_no_stack_would_hold_is_refused() -> None:
    endless = Limits(characters=10**6, nesting=10**6, terms=10**6, points=10**6)
    for written in ("(" * 100_000, "NOT " * 100_000, "a = " + "-" * 100_000 + "b"):
        with pytest.raises(TooLargeError):
            text.parse(written, endless)


@pytest.mark.parametrize("written", ["1e1001", "1e-1001", "9" * 1_001, "0." + "1" * 1_001, "1e9999999999"])
def test_numbers_that_nobody_can_calculate_with_are_refused(written: str) -> None:
    with pytest.raises(InvalidError, match="at most 1000 digits"):
        parse(f"a = {written}")


def test_coordinates_keep_their_sign() -> None:
    found = parse("S_EQUALS(a, POINT(-0.0 0))")
    assert math.copysign(1, found.right.coordinates[0]) == -1
