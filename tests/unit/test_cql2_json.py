"""CQL2 JSON: what is read of it, and at which path its errors are."""

from __future__ import annotations

import json as standard
from decimal import Decimal

import pytest

from satapi.cql2 import json
from satapi.cql2.ast import Comparison, Function, Geometry, Interval, Literal, Property, Spatial, Temporal
from satapi.cql2.limits import Limits
from satapi.errors import InvalidError, TooLargeError

LIMITS = Limits(characters=2_000, nesting=20, terms=50, points=20)
A = {"property": "a"}


def parse(given: object) -> object:
    return json.parse(standard.dumps(given).encode(), LIMITS)


def operation(operator: str, *arguments: object) -> dict[str, object]:
    return {"op": operator, "args": list(arguments)}


@pytest.mark.parametrize("written", ["9007199254740993", "123456789012345678901234567890", "1.10", "1e-3", "-0.5E+2"])
def test_numbers_keep_every_digit(written: str) -> None:
    found = json.parse(b'{"op":"=","args":[{"property":"a"},%b]}' % written.encode(), LIMITS)
    assert found == Comparison("=", Property("a"), Literal(Decimal(written)))


def test_operators_are_known_in_any_case_and_other_names_are_functions() -> None:
    geometry = {"type": "Point", "coordinates": [1, 2]}
    expected = Spatial("s_intersects", Property("a"), Geometry("Point", (1.0, 2.0)))
    assert parse(operation("S_Intersects", A, geometry)) == expected
    assert parse(operation("Foo", A, "x")) == Function("Foo", (Property("a"), Literal("x")))
    assert parse({"op": "foo"}) == Function("foo", ())
    assert json.parse(b"false", LIMITS) == Literal(value=False)


def test_an_interval_has_open_ends_and_properties() -> None:
    found = parse(operation("t_after", {"interval": [A, ".."]}, A))
    assert found == Temporal("t_after", Interval(Property("a"), None), Property("a"))


@pytest.mark.parametrize(
    ("given", "path", "expected"),
    [
        ({}, "filter", "an operation"),
        (5, "filter", "a predicate"),
        (operation("=", A), "filter.args", "2 arguments"),
        (operation("=", A, [1]), "filter.args[1]", "a value"),
        (operation("=", A, None), "filter.args[1]", "a value"),
        (operation("and", operation("=", 1, 1), operation("<", A, {"x": 1})), "filter.args[1].args[1]", "an operation"),
        (operation("and", operation("=", 1, 1)), "filter.args", "at least 2"),
        (operation("and", operation("=", 1, 1), A), "filter.args[1]", "a predicate"),
        (operation("like", A, A), "filter.args[1]", "a text"),
        (operation("in", A, 1), "filter.args", "a list"),
        (operation("in", A, []), "filter.args[1]", "a list"),
        (operation("in", A, [[1]]), "filter.args[1]", "a list"),
        (operation("foo bar", A), "filter.op", "the name of a function"),
        (operation("point", A), "filter.op", "the name of a function"),
        ({"op": "=", "args": 5}, "filter.args", "an array"),
        (operation("=", {"property": ""}, 1), "filter.args[0].property", "the name"),
        (operation("=", {"property": "a\0"}, 1), "filter.args[0].property", "U+0000"),
        (operation("=", A, "\0"), "filter.args[1]", "U+0000"),
        (operation("=", A, {"date": "x"}), "filter.args[1].date", "a date"),
        (operation("=", A, {"timestamp": 5}), "filter.args[1].timestamp", "a text"),
        (operation("t_after", A, {"interval": ["x", ".."]}), "filter.args[1].interval[0]", "a date"),
        (operation("t_after", A, {"interval": [".."]}), "filter.args[1].interval", "2 bounds"),
        (operation("t_after", A, {"interval": ["..", 5]}), "filter.args[1].interval[1]", "'..'"),
        (operation("t_meets", A, {"date": "2020-01-01"}), "filter.args[1]", "an interval"),
        (operation("s_within", A, {"bbox": [1, 2]}), "filter.args[1].bbox", "4 numbers"),
        (operation("s_within", A, {"bbox": [1, 2, 3, "x"]}), "filter.args[1].bbox", "numbers"),
        (operation("s_within", A, {"type": "Circle"}), "filter.args[1].type", "Point"),
        (operation("s_within", A, {"type": "Point"}), "filter.args[1].coordinates", "an array"),
        (operation("s_within", A, {"type": "Point", "coordinates": [1]}), "filter.args[1].coordinates", "2 or 3"),
        (
            operation("s_within", A, {"type": "MultiPoint", "coordinates": [[0, 0], [1, "x"]]}),
            "filter.args[1].coordinates[1]",
            "numbers",
        ),
        (operation("s_within", A, {"type": "MultiPoint", "coordinates": []}), "filter.args[1].coordinates", "one"),
        (
            operation("s_within", A, {"type": "GeometryCollection", "geometries": [5]}),
            "filter.args[1].geometries[0]",
            "a geometry",
        ),
        (
            operation("s_within", A, {"type": "GeometryCollection", "geometries": []}),
            "filter.args[1].geometries",
            "one geometry",
        ),
    ],
)
def test_an_error_says_at_which_path_what_was_expected(given: object, path: str, expected: str) -> None:
    with pytest.raises(InvalidError) as raised:
        parse(given)
    assert raised.value.parameter == path
    assert expected in raised.value.allowed


@pytest.mark.parametrize("written", [b"", b"{", b'"\\ud800"', b"\xff", b"1" * 5_000 + b"", b'{"op":'])
def test_what_is_no_json_is_refused(written: bytes) -> None:
    with pytest.raises(InvalidError) as raised:
        json.parse(written, Limits(characters=10_000, nesting=9, terms=9, points=9))
    assert raised.value.parameter == "filter"


@pytest.mark.parametrize(
    "given",
    [
        operation("=", A, "x" * 2_000),
        operation("in", A, [1] * 60),
        operation("a_equals", A, [[]] * 60),
        operation("s_within", A, {"type": "MultiPoint", "coordinates": [[0, 0]] * 30}),
    ],
)
def test_what_is_too_long_is_refused(given: object) -> None:
    with pytest.raises(TooLargeError):
        parse(given)


def test_what_is_too_deep_is_refused() -> None:
    for head, tail in ((b'{"op":"not","args":[', b"]}"), (b"[", b"]")):
        for levels in (30, 100_000):
            with pytest.raises(TooLargeError):
                json.parse(
                    head * levels + b"true" + tail * levels, Limits(characters=10**8, nesting=20, terms=99, points=9)
                )
