"""Random CQL2 filters of random items: every operator, and values of every kind in every place that may have them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, get_args

import catalogs
import msgspec
from msgspec import Raw

from satapi.cql2 import ast, json
from satapi.cql2.ast import (
    AccentInsensitive,
    And,
    Arithmetic,
    Array,
    ArrayTest,
    Between,
    CaseInsensitive,
    Comparison,
    Function,
    InList,
    Interval,
    IsNull,
    Like,
    Literal,
    Not,
    Or,
    Property,
    Spatial,
    Temporal,
)
from satapi.cql2.functions import FUNCTIONS
from satapi.cql2.instants import moment, moment_of_text
from satapi.cql2.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from satapi.cql2.ast import Node, Term

_LIMITS = Limits(characters=100_000, nesting=100, terms=1_000, points=1_000)

_MOMENTS = [
    '"2020-01-31T00:00:00Z"',
    '"2020-02-29"',
    '"2020-02-29T00:00:00Z"',
    '"2020-02-29T23:59:59.999999Z"',
    '"2020-03-01T00:00:00.1234567+23:59"',
    '"2016-12-31T23:59:60Z"',
    '"2017-01-01t00:00:00z"',
    '"2020-06-01T12:00:00-11:30"',
]
_NO_MOMENTS = [
    "null",
    "5",
    "[]",
    '"soon"',
    '""',
    '"2020-02-30"',
    '"2021-02-29T00:00:00Z"',
    '"0000-01-01"',
    '"0001-01-01T00:00:00+02:00"',
    '"9999-12-31T23:59:59-02:00"',
    '"2020-01-01T24:00:00Z"',
    '"2020-01-01 00:00:00Z"',
    '"2020-01-01T00:00:00"',
    '"2020-01-01T00:00Z"',
    '"2020-01-01T00:00:00.Z"',
    '"2020-1-1"',
]
_SQUARE = [[0, 0], [40, 0], [40, 40], [0, 40], [0, 0]]
_NO_SHAPES = [
    "null",
    "5",
    '"POINT(0 0)"',
    "{}",
    '{"type":"Point"}',
    '{"type":"Point","coordinates":[]}',
    '{"type":"Point","coordinates":[1]}',
    '{"type":"Point","coordinates":"x"}',
    '{"type":"Circle","coordinates":[1,2]}',
    '{"type":"Feature","geometry":{"type":"Point","coordinates":[0,0]},"properties":{}}',
    '{"type":"Polygon","coordinates":[[[0,0],[1,1]]]}',
    '{"type":"LineString","coordinates":[]}',
]

# Members that the items of other tests have not, as JSON texts; an empty one is a missing member.
_MEMBERS: dict[str, list[str]] = {
    "when": ["", *_MOMENTS, *_NO_MOMENTS],
    "until": ["", *_MOMENTS, '"2020-01-01"'],
    "size": ["", "0", "1", "2", "-2", "0.5", "3", "7.25", "2.50"],
    "huge": [
        "",
        "1e999",
        "-1e999",
        "1e1000",
        "1e-1000",
        "1e-1001",
        "1e5000",
        "1e300",
        "1e-300",
        "12345678901234567890",
        '"x"',
    ],
    "tags": [
        "",
        "null",
        "5",
        "[]",
        "[1]",
        "[1,2]",
        "[null]",
        "[[1],2]",
        "[{}]",
        '["a","A",1,true,1.0]',
        '["2020-02-29","a"]',
        '[1,2,2,"b"]',
    ],
    "shape": ["", *_NO_SHAPES],
}


def catalog(random: Random, size: int) -> catalogs.Catalog:
    """A catalog whose items have more members."""
    made = catalogs.catalog(random, size)
    return made._replace(items=[_with_members(random, item) for item in made.items])


def _with_members(random: Random, item: bytes) -> bytes:
    members = msgspec.json.decode(item, type=dict[str, Raw])
    properties = msgspec.json.decode(members["properties"], type=dict[str, Raw])
    for name, values in _MEMBERS.items():
        if name == "shape" and random.random() < 0.7:
            properties[name] = Raw(msgspec.json.encode(catalogs.geometry(random)))
        elif text := random.choice(values):
            properties[name] = Raw(text.encode())
    return msgspec.json.encode(members | {"properties": Raw(msgspec.json.encode(properties))})


_JSON = (
    "number",
    "size",
    "huge",
    "text",
    "flag",
    "list",
    "tags",
    "mixed",
    "nested",
    "nested.a",
    "when",
    "nothing",
    "eo:cloud_cover",
)
_NUMBERS = ("number", "size", "size", "huge", "eo:cloud_cover", "mixed", "nested.a", "nested.a.b", "list.0")
_TEXTS = ("text", "text", "mixed", "nested.a.b", 'it\'s "ö" {}', "tags.0")
_TIMES = ("datetime", "start_datetime", "end_datetime", "created", "updated", "when", "when", "until")
_ARRAYS = ("list", "tags", "tags", "mixed", "text")
_WORDS = [
    "a",
    "A",
    "b",
    "ab",
    "a%b",
    "a_b",
    "a\\b",
    "ß",
    "SS",
    "ẞ",
    "\u0131",
    "I",
    "ΣΊΣΥΦΟΣ",
    "σίσυφος",
    "É",
    "é",
    "e\u0301",
    "E",
    "日本",
    "10",
    "",
    "x",
]
_PATTERNS = ["%", "a%", "%b", "_", "a_b", r"a\_b", r"a\%b", r"a\\b", "", "%É%", "s%", "日_", "A%", "ss", "%ς"]
_LITERALS = [
    0,
    1,
    2,
    -3,
    10,
    Decimal("0.5"),
    Decimal("7.25"),
    Decimal("1e300"),
    12345678901234567890,
    100000,
    Decimal("9.5"),
]


class Expressions:
    """Makes filters."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def node(self, depth: int) -> Node:
        """A predicate at most so many levels deep."""
        if depth > 0 and self._random.random() < 0.5:
            match self._random.randrange(3):
                case 0:
                    return Not(self.node(depth - 1))
                case 1:
                    return And((self.node(depth - 1), self.node(depth - 1)))
                case _:
                    return Or((self.node(depth - 1), self.node(depth - 1), self.node(depth - 1)))
        return self._one(
            self._compared,
            self._compared,
            self._like,
            self._listed,
            self._null,
            self._spatial,
            self._temporal,
            self._arrays,
        )

    def _one(self, *made: Callable[[], Node]) -> Node:
        return self._random.choice(made)()

    def _pick(self, values: object) -> object:
        return self._random.choice(list(values))

    def _property(self, names: object) -> Property:
        name = self._pick(names)
        return Property(f"properties.{name}" if self._random.random() < 0.1 and name != "geometry" else name)

    # Comparisons

    def _compared(self) -> Node:
        left, right = self._pair()
        if self._random.random() < 0.15:
            return Between(left, right, self._pair()[1] if self._kinds == "json" else right)
        if self._random.random() < 0.3:
            left, right = right, left
        return Comparison(self._pick(get_args(ast.ComparisonOperator)), left, right)

    def _pair(self) -> tuple[Term, Term]:
        """Two values that may be compared."""
        self._kinds = ""
        match self._random.randrange(7):
            case 0:
                self._kinds = "json"
                return self._property(_JSON), self._literal()
            case 1:
                return self._property(_JSON), self._property(_JSON)
            case 2:
                return self._time(), self._time()
            case 3:
                return self._property(_JSON), self._one(lambda: self._number(2), self._time, lambda: self._text(2))
            case 4:
                return self._text(2), self._text(2)
            case 5:
                return self._property(["id", "collection"]), Literal(self._pick([*_WORDS, "B", "item-5", "s1"]))
            case _:
                return self._number(3), self._number(2)

    def _literal(self) -> Literal:
        return Literal(self._pick([*_LITERALS, *_WORDS, True, False]))

    def _number(self, depth: int) -> Term:
        if depth == 0 or self._random.random() < 0.4:
            return self._property(_NUMBERS) if self._random.random() < 0.6 else Literal(self._pick(_LITERALS))
        if self._random.random() < 0.3:
            return self._function("number", depth)
        operator = self._pick(get_args(ast.ArithmeticOperator))
        return Arithmetic(operator, self._number(depth - 1), self._number(depth - 1))

    def _text(self, depth: int) -> Term:
        if depth == 0 or self._random.random() < 0.3:
            return self._property(_TEXTS) if self._random.random() < 0.6 else Literal(self._pick(_WORDS))
        match self._random.randrange(4):
            case 0:
                return self._function("text", depth)
            case 1:
                return AccentInsensitive(self._text(depth - 1))
            case _:
                return CaseInsensitive(self._text(depth - 1))

    def _time(self) -> Term:
        if self._random.random() < 0.5:
            return self._property(_TIMES)
        return self._instant()

    def _instant(self) -> Literal:
        text = self._pick([*_MOMENTS, '"2021-01-01T00:00:00Z"', '"2020-05-30"'])[1:-1]
        value = moment_of_text(text)
        assert value is not None
        return Literal(value.date() if moment(value.date()) == value and self._random.random() < 0.5 else value)

    def _function(self, kind: str, depth: int) -> Function:
        names = [
            name for name, found in FUNCTIONS.items() if found.returns == kind and name not in {"casei", "accenti"}
        ]
        function = FUNCTIONS[self._pick(names)]
        arguments = {
            "text": lambda: self._text(depth - 1),
            "number": lambda: self._number(depth - 1),
            "instant": self._time,
            "geometry": self._shape,
            "array": self._array,
        }
        return Function(function.name, tuple(arguments[each]() for each in function.arguments))

    def _like(self) -> Node:
        pattern: Term = Literal(self._pick(_PATTERNS))
        value = self._text(1)
        if self._random.random() < 0.5:
            return Like(CaseInsensitive(value), CaseInsensitive(pattern))
        return Like(value, AccentInsensitive(pattern) if self._random.random() < 0.2 else pattern)

    def _listed(self) -> Node:
        options = [self._literal() for _ in range(3)] + [self._property(_JSON)]
        return InList(self._property(_JSON), tuple(options))

    def _null(self) -> Node:
        return IsNull(
            self._one(
                lambda: self._property([*_JSON, *_TIMES, "id", "geometry"]),
                lambda: self._number(2),
                lambda: self._text(2),
                self._interval,
                self._shape,
                lambda: self.node(0),
            )
        )

    # Relations

    def _spatial(self) -> Node:
        operator = self._pick(get_args(ast.SpatialOperator))
        left, right = self._shape(), self._shape()
        if self._random.random() < 0.6:
            left = Property("geometry")
        return Spatial(operator, left, right) if self._random.random() < 0.8 else Spatial(operator, right, left)

    def _shape(self) -> Term:
        match self._random.randrange(6):
            case 0:
                return self._property(["shape", "shape", "geometry", "text", "mixed"])
            case 1:
                return Function("envelope", (self._property(["shape", "geometry"]),))
            case 2 | 3:
                return ast.BoundingBox(tuple(map(float, catalogs.bbox(self._random))))
            case _:
                document = catalogs.moved(catalogs.geometry(self._random), self._random.choice([0, 0, 0, 30, -360]))
                literal = {"op": "s_equals", "args": [document, document]}
                return json.parse(msgspec.json.encode(literal), _LIMITS).left

    def _interval(self) -> Interval:
        return Interval(*(None if self._random.random() < 0.2 else self._time() for _ in range(2)))

    def _temporal(self) -> Node:
        operator = self._pick(get_args(ast.TemporalOperator))
        of_instants = operator in {"t_after", "t_before", "t_disjoint", "t_equals", "t_intersects"}

        def operand() -> Term:
            if self._random.random() < 0.5:
                return self._interval()
            return self._time() if of_instants else self._property(_TIMES)

        return Temporal(operator, operand(), operand())

    def _arrays(self) -> Node:
        return ArrayTest(self._pick(get_args(ast.ArrayOperator)), self._array(), self._array())

    def _array(self) -> Term:
        if self._random.random() < 0.5:
            return self._property(_ARRAYS)
        return Array(tuple(self._element(2) for _ in range(self._random.randrange(4))))

    def _element(self, depth: int) -> object:
        match self._random.randrange(9 if depth else 7):
            case 0 | 1 | 2 | 3:
                return Literal(self._pick(["a", "b", 1, 2, Decimal("1.0"), True, "A"]))
            case 4:
                return self._property([*_JSON, "when", "id", "created"])
            case 5:
                return Literal(moment_of_text("2020-02-29").date())
            case 6:
                return self._number(1)
            case 7:
                return self.node(0)
            case _:
                return Array(tuple(self._element(depth - 1) for _ in range(self._random.randrange(3))))
