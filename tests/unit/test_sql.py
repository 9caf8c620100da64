"""Statements: literal text, and every value beside it."""

from __future__ import annotations

import re

import pytest

from satapi.query.sql import Param, join, sql


def test_each_place_becomes_a_numbered_parameter_in_order() -> None:
    assert sql("a = {} and b = {}", 1, "x").render() == ("a = $1 and b = $2", [1, "x"])


def test_text_without_places_has_no_parameters() -> None:
    assert sql("select 1").render() == ("select 1", [])


def test_pieces_are_put_together_and_numbered_through() -> None:
    inner = sql("b > {}", 2)
    assert sql("a = {} and {} and c = {}", 1, inner, 3).render() == ("a = $1 and b > $2 and c = $3", [1, 2, 3])


def test_a_parameter_in_several_places_is_sent_once() -> None:
    time = Param("2020")
    assert sql("a = {} or b = {} or c = {}", time, time, "2020").render() == (
        "a = $1 or b = $1 or c = $2",
        ["2020", "2020"],
    )


def test_values_are_never_text_of_the_statement() -> None:
    evil = "'; drop table items; --{}$1"
    text, values = sql("a = {}", evil).render()
    assert (text, values) == ("a = $1", [evil])


def test_pieces_are_joined() -> None:
    pieces = [sql("a = {}", 1), sql("b"), sql("c = {}", 2)]
    assert join(" and ", pieces).render() == ("a = $1 and b and c = $2", [1, 2])
    assert join(", ", []).render() == ("", [])


@pytest.mark.parametrize("values", [(), (1, 2)])
def test_places_and_values_must_be_as_many(values: tuple[int, ...]) -> None:
    with pytest.raises(TypeError, match=re.escape(f"{len(values)} values for 1 places in 'a = {{}}'")):
        sql("a = {}", *values)
