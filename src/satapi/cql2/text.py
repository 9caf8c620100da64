"""The text encoding of CQL2: a parser by recursive descent (OGC 21-065r2, requirements class cql2-text, annex B)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from satapi.cql2 import constants, forms, wkt
from satapi.cql2.ast import (
    Array,
    Expression,
    Function,
    Literal,
    Node,
    Not,
    Property,
)
from satapi.cql2.lexer import Cursor, Token
from satapi.cql2.limits import Budget, Limits, levels
from satapi.errors import TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def parse(text: str, limits: Limits, parameter: str = "filter") -> Node:
    """The tree of a filter. Raises InvalidError with line and column, and TooLargeError over the limits."""
    budget = Budget(limits, parameter)
    budget.characters(text)
    parser = _Parser(Cursor(text, budget))
    try:
        return parser.whole()
    except RecursionError:
        raise TooLargeError(parameter, text, "it is nested too deeply") from None


# How tightly calculations from the left bind.
_TIGHTNESS = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "div": 2}


def _tightness(token: Token) -> int:
    return _TIGHTNESS.get(token.value.lower(), 0) if token.kind in {"symbol", "name"} else 0


class _Parser:
    """One method a rule, from the loosest operator to the tightest; `_depth` is how deep parentheses are nested.

    There are as few methods as may be: each level of parentheses goes through all of them, on Python's stack.
    """

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._depth = 0
        self._in_pattern = False

    def whole(self) -> Node:
        start = self._cursor.token
        found = self._expression()
        if self._cursor.token.kind != "end":
            self._cursor.fail("an operator or the end of the text")
        if not forms.is_predicate(found):
            # A value alone: what is missing is what to do with it.
            self._cursor.fail("a comparison operator" if start.kind != "end" else "a predicate")
        self._cursor.budget.nest(levels(found))
        return cast("Node", found)

    def _expression(self) -> Expression:
        self._depth += 1
        self._cursor.budget.nest(self._depth)
        starts = [self._cursor.token]
        found = [self._conjunction()]
        while self._cursor.take_word("or"):
            starts.append(self._cursor.token)
            found.append(self._conjunction())
        self._depth -= 1
        return found[0] if len(found) == 1 else self._operation("or", found, starts)

    def _conjunction(self) -> Expression:
        starts = [self._cursor.token]
        found = [self._negation()]
        while self._cursor.take_word("and"):
            starts.append(self._cursor.token)
            found.append(self._negation())
        return found[0] if len(found) == 1 else self._operation("and", found, starts)

    def _negation(self) -> Expression:
        starts: list[Token] = []
        while self._cursor.take_word("not"):
            starts.append(self._cursor.token)
            self._cursor.budget.nest(len(starts))
        found = self._predicate()
        for start in reversed(starts):
            found = self._operation("not", [found], [start])
        return found

    def _predicate(self) -> Expression:
        cursor = self._cursor
        start = cursor.token
        left = self._calculation()
        if cursor.token.is_symbol(*forms.COMPARISONS):
            operator = cursor.advance().value
            return self._operation(operator, [left, self._calculation()], [start, cursor.token])
        if cursor.take_word("is"):
            negated = cursor.take_word("not")
            if not cursor.take_word("null"):
                cursor.fail("NULL" if negated else "NULL or NOT NULL")
            return self._negated(self._operation("isNull", [left], [start]), negated=negated)
        if cursor.token.is_word("not"):
            if not cursor.following.is_word("like", "between", "in"):
                cursor.fail("an operator")
            cursor.advance()
            return self._negated(self._tested(left, start), negated=True)
        if cursor.token.is_word("like", "between", "in"):
            return self._tested(left, start)
        return left

    def _negated(self, expression: Expression, *, negated: bool) -> Expression:
        return Not(cast("Node", expression)) if negated else expression

    def _tested(self, left: Expression, start: Token) -> Expression:
        cursor = self._cursor
        word = cursor.advance().value.lower()
        second = cursor.token
        match word:
            case "like":
                self._in_pattern = True
                pattern = self._calculation()
                self._in_pattern = False
                return self._operation(word, [left, pattern], [start, second])
            case "between":
                low = self._calculation()
                if not cursor.take_word("and"):
                    cursor.fail("AND")
                third = cursor.token
                return self._operation(word, [left, low, self._calculation()], [start, second, third])
            case _:
                cursor.expect("(")
                options, _ = self._list(self._calculation)
                return self._operation(word, [left, Array(tuple(options))], [start, second])

    # Calculations

    def _calculation(self, least: int = 1) -> Expression:
        """What operators that bind at least so tightly are between; they calculate from the left."""
        cursor = self._cursor
        start = cursor.token
        found = self._power()
        while (tightness := _tightness(cursor.token)) >= least:
            operator, following = cursor.advance().value.lower(), cursor.token
            found = self._operation(operator, [found, self._calculation(tightness + 1)], [start, following])
        return found

    def _power(self) -> Expression:
        starts = [self._cursor.token]
        found = [self._factor()]
        while self._cursor.take_symbol("^"):
            starts.append(self._cursor.token)
            found.append(self._factor())
        while len(found) > 1:
            exponent, following = found.pop(), starts.pop()
            found.append(self._operation("^", [found.pop(), exponent], [starts[-1], following]))
        return found[0]

    def _factor(self) -> Expression:
        cursor = self._cursor
        starts: list[Token] = []
        while cursor.token.is_symbol("-") and cursor.following.kind != "number":
            cursor.advance()
            starts.append(cursor.token)
            cursor.budget.nest(len(starts))
        if cursor.following.kind == "number" and cursor.token.is_symbol("+", "-"):
            found = self._leaf(constants.number(cursor, "-" if cursor.advance().value == "-" else ""))
        else:
            found = self._primary()
        for start in reversed(starts):
            found = self._operation("*", [Literal(-1), found], [start, start])
        return found

    # Values

    def _primary(self) -> Expression:
        cursor = self._cursor
        token = cursor.token
        match token.kind:
            case "number":
                return self._leaf(constants.number(cursor, ""))
            case "text":
                cursor.advance()
                return self._leaf(Literal(token.pattern if self._in_pattern else token.value))
            case "quoted":
                if not token.value:
                    cursor.fail("the name of a property")
                return self._leaf(Property(cursor.advance().value))
            case "name":
                return self._named()
            case _:
                if not cursor.take_symbol("("):
                    cursor.fail("a value, a property or a predicate")
                found = self._expression()
                cursor.expect(")", "an operator or ')'")
                return found

    def _leaf(self, term: Expression) -> Expression:
        self._cursor.budget.term()
        return term

    def _named(self) -> Expression:
        cursor = self._cursor
        token = cursor.token
        if token.is_word("true", "false"):
            cursor.advance()
            return self._leaf(Literal(token.is_word("true")))
        if token.is_word(*forms.RESERVED):
            cursor.fail("a value, a property or a predicate")
        if wkt.starts(cursor):
            return self._leaf(wkt.parse(cursor, self._depth))
        if not cursor.following.is_symbol("("):
            return self._leaf(Property(cursor.advance().value))
        cursor.advance()
        cursor.advance()
        match token.value.lower():
            case "date" | "timestamp" as kind:
                literal = self._leaf(constants.instant(cursor, kind))
                cursor.expect(")")
                return literal
            case "interval":
                return self._interval()
            case name:
                return self._call(token, name)

    def _call(self, token: Token, name: str) -> Expression:
        arguments: list[Expression] = []
        starts: list[Token] = []
        if not self._cursor.take_symbol(")"):
            arguments, starts = self._list(self._element)
        if name in forms.CALLED:
            return self._operation(name, arguments, [*starts, token], token)
        if not arguments:
            self._cursor.budget.term()
        return Function(token.value, tuple(arguments))

    def _list(self, read: Callable[[], Expression]) -> tuple[list[Expression], list[Token]]:
        """What stands between commas up to a closing parenthesis, and where each starts."""
        cursor = self._cursor
        starts = [cursor.token]
        found = [read()]
        while cursor.take_symbol(","):
            starts.append(cursor.token)
            found.append(read())
        cursor.expect(")", "an operator, ',' or ')'")
        return found, starts

    def _element(self) -> Expression:
        """An argument or an element: parentheses that nothing follows are an array."""
        cursor = self._cursor
        if not (cursor.token.is_symbol("(") and cursor.after_group.is_symbol(",", ")")):
            return self._expression()
        cursor.advance()
        self._depth += 1
        cursor.budget.nest(self._depth)
        elements: list[Expression] = []
        if cursor.take_symbol(")"):
            cursor.budget.term()
        else:
            elements, _ = self._list(self._element)
        self._depth -= 1
        return Array(tuple(elements))

    def _interval(self) -> Expression:
        cursor = self._cursor
        starts = [cursor.token]
        first = self._bound()
        cursor.expect(",")
        starts.append(cursor.token)
        last = self._bound()
        cursor.expect(")")
        try:
            return forms.interval(first, last)
        except forms.FormError as error:
            cursor.fail(error.expected, starts[error.argument or 0])

    def _bound(self) -> Expression | None:
        cursor = self._cursor
        if cursor.token.kind != "text":
            return self._calculation()
        if cursor.token.value == "..":
            cursor.advance()
            return None
        return self._leaf(constants.instant(cursor, "timestamp" if "T" in cursor.token.value.upper() else "date"))

    def _operation(
        self, operator: str, arguments: list[Expression], starts: Sequence[Token], whole: Token | None = None
    ) -> Expression:
        """The operation; what is wrong is said of the argument that it is wrong with."""
        try:
            return forms.operation(operator, arguments)
        except forms.FormError as error:
            self._cursor.fail(error.expected, whole if error.argument is None else starts[error.argument])
