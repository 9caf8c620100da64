"""Rendering: what is written of a tree in either encoding is read as the same tree."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

import trees
from satapi.cql2 import json, render, text
from satapi.cql2.ast import Arithmetic, CaseInsensitive, Comparison, Like, Literal, Node, Property
from satapi.errors import InvalidError


def booleans(node: Node) -> list[str]:
    """The booleans of a tree, which are equal to 0 and 1 in Python."""
    return re.findall(r"value=(True|False)\)", repr(node))


@given(trees.nodes())
@settings(max_examples=400, deadline=None)
def test_a_tree_that_is_written_as_text_is_read_as_the_same_tree(node: Node) -> None:
    found = text.parse(render.to_text(node), trees.LIMITS)
    assert found == node
    assert booleans(found) == booleans(node)


@given(trees.nodes())
@settings(max_examples=400, deadline=None)
def test_a_tree_that_is_written_as_json_is_read_as_the_same_tree(node: Node) -> None:
    found = json.parse(render.to_json(node), trees.LIMITS)
    assert found == node
    assert booleans(found) == booleans(node)


def test_parentheses_are_written_where_they_matter_alone() -> None:
    for written in (
        "(a = 1 OR b = 2) AND NOT (c = 3 AND d = 4)",
        "a = 1 OR b = 2 AND c = 3",
        "(a - (b - c)) * d ^ 2 > -1 * e",
    ):
        assert render.to_text(text.parse(written, trees.LIMITS)) == written


def test_control_characters_and_backslashes_are_written_as_escapes() -> None:
    for value, written in (("a\tb", r"'a\tb'"), ("a\\tb", r"'a\\tb'"), ("a\\", r"'a\\'"), ("\\'\a", r"'\\''\a'")):
        node = Comparison("=", Property("a"), Literal(value))
        assert render.to_text(node) == f"a = {written}"
        assert text.parse(render.to_text(node), trees.LIMITS) == node


def test_a_pattern_keeps_its_own_escapes() -> None:
    for value, written in ((r"\%\\t", r"'\%\\t'"), ("\\\t\t", "'\\\t\\t'"), ("it's", "'it''s'")):
        node = Like(Property("a"), CaseInsensitive(Literal(value)))
        assert render.to_text(node) == f"a LIKE CASEI({written})"
        assert text.parse(render.to_text(node), trees.LIMITS) == node


def test_a_pattern_that_escapes_a_letter_of_control_characters_cannot_be_written_as_text() -> None:
    for value in ("a\\", r"a\'b", r"a\tb"):
        node = Like(Property("a"), Literal(value))
        with pytest.raises(InvalidError, match="backslash"):
            render.to_text(node)
        assert json.parse(render.to_json(node), trees.LIMITS) == node


def test_a_negative_operand_is_read_as_it_was_written() -> None:
    node = Comparison("=", Arithmetic("-", Literal(-1), Literal(-2)), Arithmetic("^", Literal(-3), Literal(-4)))
    assert render.to_text(node) == "-1 - -2 = -3 ^ -4"
