"""Free text: what the parameter q asks of the words of an item or collection (free-text extension v1.0.0-rc.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn, assert_never

import msgspec

from satapi.errors import InvalidError, TooLargeError
from satapi.stac.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence


class Words(msgspec.Struct, frozen=True):
    """A word, or several that stand side by side in one text."""

    words: tuple[str, ...]


class And(msgspec.Struct, frozen=True):
    """All of them."""

    arguments: tuple[FreeText, ...]


class Or(msgspec.Struct, frozen=True):
    """Any of them."""

    arguments: tuple[FreeText, ...]


class Not(msgspec.Struct, frozen=True):
    """Whatever the argument does not match."""

    argument: FreeText


FreeText = Words | And | Or | Not


def required(text: FreeText) -> FreeText | None:
    """What must be there, without what must not: it matches whatever the text does. None where nothing must."""
    match text:
        case Words():
            return text
        case Not():
            return None
        case And(arguments):
            found = [each for each in map(required, arguments) if each is not None]
            return _joined(And, found) if found else None
        case Or(arguments):
            found = [each for each in map(required, arguments) if each is not None]
            return _joined(Or, found) if len(found) == len(arguments) else None
        case _:
            assert_never(text)


def alternatives(text: FreeText) -> int:
    """How many terms may each be reason enough to match; one where nothing is optional."""
    match text:
        case Words() | Not():
            return 1
        case And(arguments):
            return min(map(alternatives, arguments))
        case Or(arguments):
            return sum(map(alternatives, arguments))
        case _:
            assert_never(text)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The most that a text may have: characters, words and phrases, levels of parentheses."""

    characters: int
    terms: int
    nesting: int


def parse(given: str | Sequence[str], limits: Limits, parameter: str = "q") -> FreeText | None:
    """The tree of a text (advanced syntax), or of a list of terms, any of which must be there; None if it is empty.

    In a text, commas separate such terms too: "EO, Earth Observation". A term of several words asks for them side by
    side, other words of a text for any of them. Raises InvalidError with the place, and TooLargeError over the limits.
    """
    length = len(given) if isinstance(given, str) else sum(map(len, given))
    if length > limits.characters:
        raise TooLargeError(parameter, f"{length} characters", f"at most {limits.characters} are allowed")
    if not isinstance(given, str):
        return _terms(given, limits, parameter)
    if not given.strip(" ,\t\r\n"):
        return None
    try:
        return _Parser(given, limits, parameter).whole()
    except RecursionError:
        raise TooLargeError(parameter, given, "it is nested too deeply") from None


def _terms(given: Sequence[str], limits: Limits, parameter: str) -> FreeText | None:
    found = [Words(tuple(found)) for term in given if (found := words(term))]
    if len(found) > limits.terms:
        raise _too_many(limits, parameter)
    if not found and any(given):
        raise InvalidError(parameter, ", ".join(given), "a term has a letter or a digit")
    return _joined(Or, found) if found else None


def _too_many(limits: Limits, parameter: str) -> TooLargeError:
    return TooLargeError(parameter, "a longer one", f"at most {limits.terms} words and phrases are allowed")


def _joined(kind: type[And | Or], nodes: Sequence[FreeText]) -> FreeText:
    return nodes[0] if len(nodes) == 1 else kind(tuple(nodes))


Kind = Literal["word", "phrase", "sign", "operator", "symbol", "end"]

# A sign stands directly before what it is about; elsewhere it is as little as any other mark between words.
_TOKEN = re.compile(
    r"""[\s\0]*(?:"(?P<phrase>[^"]*)"|(?P<sign>[-+])(?=["(]|[^\W_])|(?P<symbol>[(),])|(?P<word>[^\s\0"(),]+))"""
)
_SPACE = re.compile(r"[\s\0]*$")
_OPERATORS = frozenset({"AND", "OR"})


class _Token(NamedTuple):
    kind: Kind
    value: str
    at: int


class _Parser:
    """One method a rule, from the loosest to the tightest: commas, OR, words side by side, AND, + and -."""

    def __init__(self, text: str, limits: Limits, parameter: str) -> None:
        self._text = text
        self._limits = limits
        self._parameter = parameter
        self._index = 0
        self._depth = 0
        self._tokens = self._read()
        if sum(token.kind in {"word", "phrase"} for token in self._tokens) > limits.terms:
            raise _too_many(limits, parameter)

    def whole(self) -> FreeText:
        found = self._list()
        if self._token.kind != "end":
            self._fail("an opening parenthesis before it")
        return found

    def _list(self) -> FreeText:
        """Terms with commas between them; without any, a text."""
        parts: list[tuple[FreeText, list[_Token]]] = []
        is_list = False
        while True:
            if not self._is_symbol(",", ")") and self._token.kind != "end":
                start = self._index
                parts.append((self._alternatives(), self._tokens[start : self._index]))
            if not self._is_symbol(","):
                break
            self._index += 1
            is_list = True
        if not parts:
            self._fail(_TERM)
        return _joined(Or, [_side_by_side(tokens) or found if is_list else found for found, tokens in parts])

    def _alternatives(self) -> FreeText:
        found = [self._sequence()]
        while self._take_operator("OR"):
            found.append(self._sequence())
        return _joined(Or, found)

    def _sequence(self) -> FreeText:
        """Words beside each other: any of them; but all with a plus must be there, and none with a minus may be."""
        by_sign: dict[str, list[FreeText]] = {"+": [], "-": [], "": []}
        while True:
            sign, found = self._conjunction()
            by_sign[sign].append(found)
            if self._token.kind in {"operator", "end"} or self._is_symbol(",", ")"):
                break
        wanted = by_sign["+"] or ([_joined(Or, by_sign[""])] if by_sign[""] else [])
        return _joined(And, [*wanted, *map(Not, by_sign["-"])])

    def _conjunction(self) -> tuple[str, FreeText]:
        factors = [self._factor()]
        while self._take_operator("AND"):
            factors.append(self._factor())
        if len(factors) == 1:
            return factors[0]
        return "", And(tuple(Not(found) if sign == "-" else found for sign, found in factors))

    def _factor(self) -> tuple[str, FreeText]:
        sign = self._token.value if self._token.kind == "sign" else ""
        self._index += bool(sign)
        token = self._token
        if token.kind in {"word", "phrase"} and (found := words(token.value)):
            self._index += 1
            return sign, Words(tuple(found))
        if not self._is_symbol("("):
            self._fail(_TERM)
        return sign, self._group(token)

    def _group(self, opened: _Token) -> FreeText:
        self._depth += 1
        if self._depth > self._limits.nesting:
            allowed = f"at most {self._limits.nesting} levels of parentheses are allowed"
            raise TooLargeError(self._parameter, "a deeper one", allowed)
        self._index += 1
        found = self._list()
        if not self._is_symbol(")"):
            self._fail("a closing parenthesis, for the one that is opened here", opened)
        self._index += 1
        self._depth -= 1
        return found

    # Tokens

    @property
    def _token(self) -> _Token:
        return self._tokens[self._index]

    def _is_symbol(self, *symbols: str) -> bool:
        return self._token.kind == "symbol" and self._token.value in symbols

    def _take_operator(self, operator: str) -> bool:
        here = self._token.kind == "operator" and self._token.value == operator
        self._index += here
        return here

    def _read(self) -> list[_Token]:
        tokens: list[_Token] = []
        at = 0
        while not _SPACE.match(self._text, at):
            found = _TOKEN.match(self._text, at)
            if found is None:
                start = self._text.index('"', at)
                self._fail(
                    'a quote (") that ends the phrase which starts here', _Token("phrase", self._text[start:], start)
                )
            at = found.end()
            token = _token(found)
            if token.kind != "word" or words(token.value):
                tokens.append(token)
            elif tokens and tokens[-1].kind == "sign":
                tokens.pop()
        return [*tokens, _Token("end", "the end of the text", len(self._text))]

    def _fail(self, expected: str, token: _Token | None = None) -> NoReturn:
        token = token or self._token
        raise InvalidError(self._parameter, token.value, f"at character {token.at + 1}, expected was {expected}")


_TERM = "a word, a phrase in double quotes, or a parenthesis"


def _token(found: re.Match[str]) -> _Token:
    kind = found.lastgroup
    value, at = found[kind or 0], found.start(kind or 0)
    match kind:
        case "sign":
            return _Token("sign", value, at)
        case "symbol":
            return _Token("symbol", value, at)
        case "phrase":
            return _Token("phrase", value, at - 1)
        case _:
            return _Token("operator" if value in _OPERATORS else "word", value, at)


def _side_by_side(tokens: Sequence[_Token]) -> Words | None:
    """A term of plain words alone."""
    if any(token.kind != "word" for token in tokens):
        return None
    return Words(tuple(word for token in tokens for word in words(token.value)))
