"""The lexer of CQL2 text: tokens with their places, and a cursor over them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn

from satapi.cql2.forms import IDENTIFIER
from satapi.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from satapi.cql2.limits import Budget

Kind = Literal["name", "quoted", "text", "number", "symbol", "end"]

_TOKEN = re.compile(
    rf"""(?P<name>{IDENTIFIER.pattern})
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<text>'(?:[^'\\]|''|\\[\s\S])*')
    |(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<symbol><>|<=|>=|[-+*/%^=<>(),])""",
    re.VERBOSE,
)
_SPACE = re.compile(r"\s*")
_ESCAPED = re.compile(r"''|\\[\s\S]")
# Requirement /req/cql2-text/escaping; a backslash before anything else is itself.
CONTROLS = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_MEANINGS = {"''": "'", r"\'": "'", r"\\": "\\", **{f"\\{letter}": control for letter, control in CONTROLS.items()}}
_PATTERN_MEANINGS = _MEANINGS | {r"\\": r"\\"}


class Token(NamedTuple):
    """A token: `written` as it stands in the text at the offset `at`, and the `value` that it means."""

    kind: Kind
    value: str
    written: str
    at: int

    @property
    def pattern(self) -> str:
        """What a text means as a pattern of LIKE, which has escapes of its own: two backslashes stay two."""
        return _unescaped(self.written, _PATTERN_MEANINGS)

    def is_word(self, *words: str) -> bool:
        """Whether it is one of the words (in lower case), which are written in any case and without quotes."""
        return self.kind == "name" and self.value.lower() in words

    def is_symbol(self, *symbols: str) -> bool:
        """Whether it is one of the symbols."""
        return self.kind == "symbol" and self.value in symbols


class Cursor:
    """The tokens of a text, and the place among them."""

    def __init__(self, text: str, budget: Budget) -> None:
        self.text = text
        self.budget = budget
        self._tokens: list[Token] = []
        self._closing: dict[int, int] = {}
        self._index = 0
        self._read()

    @property
    def token(self) -> Token:
        """The token here."""
        return self._tokens[self._index]

    @property
    def following(self) -> Token:
        """The token after this one."""
        return self._tokens[min(self._index + 1, len(self._tokens) - 1)]

    @property
    def after_group(self) -> Token:
        """What follows the parenthesis that closes the one here."""
        return self._tokens[min(self._closing.get(self._index, len(self._tokens)) + 1, len(self._tokens) - 1)]

    def advance(self) -> Token:
        """Goes on, and gives the token that was here."""
        token = self.token
        self._index += token.kind != "end"
        return token

    def take_symbol(self, symbol: str) -> bool:
        """Goes past a symbol if it is here."""
        return self.token.is_symbol(symbol) and bool(self.advance())

    def take_word(self, word: str) -> bool:
        """Goes past a word if it is here."""
        return self.token.is_word(word) and bool(self.advance())

    def expect(self, symbol: str, instead: str | None = None) -> None:
        """Goes past a symbol. Raises InvalidError where it is not here."""
        if not self.take_symbol(symbol):
            self.fail(instead or repr(symbol))

    def fail(self, expected: str, token: Token | None = None) -> NoReturn:
        """Raises InvalidError for a token, else the one here."""
        token = token or self.token
        found = "the end of the text" if token.kind == "end" else token.written
        raise self._error(token.at, found, expected)

    def _error(self, at: int, found: str, expected: str) -> InvalidError:
        line = self.text.count("\n", 0, at) + 1
        column = at - self.text.rfind("\n", 0, at)
        return InvalidError(self.budget.parameter, found, f"at line {line}, column {column}, expected was {expected}")

    def _read(self) -> None:
        at = _end_of_space(self.text, 0)
        opened: list[int] = []
        while at < len(self.text):
            found = _TOKEN.match(self.text, at)
            if found is None:
                self._refuse(at)
            token = _token(found, at)
            if "\0" in token.value:
                raise self._error(at, token.written, "text without the character U+0000")
            if token.is_symbol("("):
                opened.append(len(self._tokens))
            elif token.is_symbol(")") and opened:
                self._closing[opened.pop()] = len(self._tokens)
            self._tokens.append(token)
            at = _end_of_space(self.text, found.end())
        self._tokens.append(Token("end", "", "", len(self.text)))

    def _refuse(self, at: int) -> NoReturn:
        match self.text[at]:
            case "'":
                raise self._error(at, self.text[at:], "a quote (') that ends the text which starts here")
            case '"':
                raise self._error(at, self.text[at:], 'a quote (") that ends the name which starts here')
            case character:
                raise self._error(at, character, "a name, text, number or operator")


def _token(found: re.Match[str], at: int) -> Token:
    written = found[0]
    match found.lastgroup:
        case "name":
            return Token("name", written, written, at)
        case "quoted":
            return Token("quoted", written[1:-1].replace('""', '"'), written, at)
        case "text":
            return Token("text", _unescaped(written, _MEANINGS), written, at)
        case "number":
            return Token("number", written, written, at)
        case _:
            return Token("symbol", written, written, at)


def _unescaped(written: str, meanings: Mapping[str, str]) -> str:
    return _ESCAPED.sub(lambda found: meanings.get(found[0], found[0]), written[1:-1])


def _end_of_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
