"""The query extension: from JSON to comparisons, and from those to CQL2."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from satapi.cql2.evaluate import evaluate
from satapi.cql2.query import node
from satapi.errors import InvalidError, TooLargeError
from satapi.http.query import property_tests
from satapi.stac.search import Operator, PropertyTest


def parsed(text: str, terms_max: int = 10) -> tuple[PropertyTest, ...]:
    return property_tests(text.encode(), terms_max)


def test_each_operator_of_each_property_is_a_comparison() -> None:
    assert parsed('{"a":{"gte":1,"lt":2.50},"properties.b":{"in":["x",1,true]},"c":"y"}') == (
        PropertyTest("a", "gte", 1),
        PropertyTest("a", "lt", Decimal("2.50")),
        PropertyTest("b", "in", ("x", 1, True)),
        PropertyTest("c", "eq", "y"),
    )


def test_numbers_keep_their_digits() -> None:
    (first, second) = parsed('{"a":{"eq":12345678901234567890123},"b":{"eq":0.12345678901234567890123}}')
    assert str(first.value) == "12345678901234567890123"
    assert str(second.value) == "0.12345678901234567890123"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "5",
        "null",
        '{"a":{"like":1}}',
        '{"a":{"IN":[1]}}',
        '{"a":{"in":1}}',
        '{"a":{"in":[[1]]}}',
        '{"a":{"eq":[1]}}',
        '{"a":{"eq":{}}}',
        '{"a":[1]}',
        '{"a\\u0000":{"eq":1}}',
        '{"a":{"eq":"\\u0000"}}',
        '{"a":{"in":["\\u0000"]}}',
        '{"a":{"eq":NaN}}',
        '{"a":{"eq":1}',
    ],
)
def test_what_is_no_query_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parsed(text)
    assert refused.value.parameter.startswith("query")


def test_comparisons_and_values_of_lists_are_counted() -> None:
    assert len(parsed(json.dumps({"a": {"in": list(range(10))}}))) == 1
    for query in ({"a": {"in": list(range(11))}}, {str(number): 1 for number in range(11)}):
        with pytest.raises(TooLargeError, match="at most 10 are allowed"):
            parsed(json.dumps(query))


def test_text_that_is_a_number_is_compared_as_one_too() -> None:
    item = {"id": "5", "collection": "c", "properties": {"number": 5, "text": "5", "word": "x"}}

    def holds(name: str, operator: Operator, value: str) -> bool:
        return evaluate(node(PropertyTest(name, operator, value)), item) is True

    for operator, value in (("eq", "5.0"), ("lt", "10"), ("lte", "5"), ("gt", "-1e2"), ("gte", "5")):
        assert holds("number", operator, value), operator
    # As text it is below "6" and above "10"; and only what is written as JSON writes numbers is one.
    assert [holds("text", "lt", value) for value in ("6", "10")] == [True, False]
    assert not any(holds("number", "eq", value) for value in ("05", "+5", "5.", " 5", "0x5", "NaN", "5e9999", ""))
    assert holds("id", "eq", "5")
    assert not holds("id", "lt", "10")
    assert holds("number", "neq", "5")
    assert evaluate(node(PropertyTest("number", "in", ("5",))), item) is False


@pytest.mark.parametrize(
    "test",
    [
        PropertyTest("a", "lt", value=True),
        PropertyTest("a", "gte", None),
        PropertyTest("a", "in", (None,)),
        PropertyTest("a", "startsWith", 5),
        PropertyTest("a", "contains", None),
        PropertyTest("a", "endsWith", value=True),
    ],
    ids=lambda test: f"{test.operator} {test.value}",
)
def test_an_operator_takes_values_that_make_sense(test: PropertyTest) -> None:
    with pytest.raises(InvalidError) as refused:
        node(test)
    assert refused.value.parameter == f"query.a.{test.operator}"
