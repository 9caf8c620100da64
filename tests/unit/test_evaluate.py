"""The meaning of CQL2 trees: true, false and unknown, as SQL has them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from satapi.cql2.ast import And, CaseInsensitive, Comparison, InList, IsNull, Like, Literal, Node, Not, Or, Property
from satapi.cql2.evaluate import evaluate

ITEM = {
    "id": "Item",
    "collection": "c",
    "properties": {
        "datetime": None,
        "start_datetime": "2020-01-01T00:00:00Z",
        "end_datetime": "2021-01-01T00:00:00Z",
        "created": "2022-01-01T01:00:00+01:00",
        "updated": "soon",
        "n": 5,
        "d": Decimal("5.0"),
        "text": "Straße",
        "flag": True,
        "none": None,
        "list": [1, {"a": 2}],
        "object": {"a": {"b": 7}},
    },
}


def holds(name: str, operator: str, value: object) -> bool | None:
    return evaluate(Comparison(operator, Property(name), Literal(value)), ITEM)


TRUE, FALSE, UNKNOWN = (
    Comparison("=", Property("n"), Literal(5)),
    Comparison("=", Property("n"), Literal(6)),
    Comparison("=", Property("missing"), Literal(5)),
)


@pytest.mark.parametrize(
    ("operator", "results"),
    [
        ("=", (False, True, False)),
        ("<>", (True, False, True)),
        ("<", (False, False, True)),
        ("<=", (False, True, True)),
        (">", (True, False, False)),
        (">=", (True, True, False)),
    ],
)
def test_numbers_are_compared_whatever_their_form(operator: str, results: tuple[bool, bool, bool]) -> None:
    for name in ("n", "d"):
        assert tuple(holds(name, operator, value) for value in (4, Decimal("5.00"), Decimal("5.5"))) == results


def test_what_is_missing_or_null_compares_to_nothing() -> None:
    for name, operator in itertools.product(("missing", "none", "object.x", "n.x"), ("=", "<>", "<", ">=")):
        assert holds(name, operator, 5) is None
        assert evaluate(IsNull(Property(name)), ITEM) is True
    assert evaluate(IsNull(Property("n")), ITEM) is False


def test_values_of_two_types_differ_and_have_no_order() -> None:
    for name, value in (("n", "5"), ("text", 5), ("flag", 1), ("n", True), ("list", 1), ("object", "x")):
        assert holds(name, "=", value) is False
        assert holds(name, "<>", value) is True
        assert [holds(name, operator, value) for operator in ("<", "<=", ">", ">=")] == [False] * 4


def test_times_are_instants_and_datetime_is_the_start_where_it_is_null() -> None:
    assert holds("datetime", "=", datetime(2020, 1, 1, tzinfo=UTC)) is True
    assert holds("created", "=", "2022-01-01T00:00:00Z") is True
    assert holds("created", "<", "2022-01-01T00:00:00.000001Z") is True
    assert holds("updated", "=", "2022-01-01T00:00:00Z") is None


def test_members_are_reached_with_dots_and_elements_with_numbers() -> None:
    assert holds("object.a.b", "=", 7) is True
    assert holds("list.0", "=", 1) is True
    assert holds("list.-1.a", "=", 2) is True
    assert holds("list.2", "=", 1) is None


@pytest.mark.parametrize(
    ("pattern", "result"),
    [
        ("Stra%", True),
        ("%ße", True),
        ("S_ra_e", True),
        ("Straße", True),
        ("straße", False),
        ("%", True),
        ("", False),
        (r"Stra\%", False),
        ("S.*", False),
        ("%tra%a%", False),
    ],
)
def test_a_pattern_stands_for_whole_text(pattern: str, *, result: bool) -> None:
    assert evaluate(Like(Property("text"), Literal(pattern)), ITEM) is result


def test_a_backslash_takes_the_next_character_as_it_is() -> None:
    item = {**ITEM, "properties": {"text": "100%_\\"}}
    assert evaluate(Like(Property("text"), Literal(r"100\%\_\\")), item) is True
    assert evaluate(Like(Property("text"), Literal(r"%\\")), item) is True
    assert evaluate(Like(Property("n"), Literal("%")), ITEM) is None


def test_case_is_folded_where_it_is_asked() -> None:
    folded = CaseInsensitive(Property("text"))
    assert evaluate(Comparison("=", folded, CaseInsensitive(Literal("STRAßE"))), ITEM) is True
    assert evaluate(Comparison("=", Property("text"), Literal("STRAßE")), ITEM) is False
    assert evaluate(Like(folded, CaseInsensitive(Literal("%TRAß%"))), ITEM) is True
    assert evaluate(Comparison("=", CaseInsensitive(Property("n")), Literal(5)), ITEM) is True


def test_a_list_holds_what_equals_one_of_its_options() -> None:
    def held(name: str, *options: object) -> bool | None:
        return evaluate(InList(Property(name), tuple(map(Literal, options))), ITEM)

    assert held("n", "x", 5) is True
    assert held("n", "x", "5") is False
    assert held("n") is False
    assert held("missing", 5) is None


def test_unknown_is_neither_true_nor_false() -> None:
    def truth(node: Node) -> bool | None:
        return evaluate(node, ITEM)

    assert [truth(Not(node)) for node in (TRUE, FALSE, UNKNOWN)] == [False, True, None]
    conjunction = {
        (TRUE, TRUE): True,
        (TRUE, FALSE): False,
        (TRUE, UNKNOWN): None,
        (FALSE, UNKNOWN): False,
        (UNKNOWN, UNKNOWN): None,
    }
    for (one, other), result in conjunction.items():
        assert truth(And((one, other))) is truth(And((other, one))) is result
        negated = Or((Not(one), Not(other)))
        assert truth(negated) is truth(Not(And((one, other))))
    assert truth(And(())) is True
    assert truth(Or(())) is False
