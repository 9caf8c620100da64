"""Nesting: how deep a JSON text goes, told before anything parses it."""

from __future__ import annotations

import re

from satapi.errors import TooLargeError

# Possessive, and with the end of the text as an end: in linear time also where a string has no end.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def check(text: bytes, at_most: int, parameter: str) -> None:
    """Raises TooLargeError for JSON that is nested deeper than `at_most`: parsers recurse, and have a stack to lose."""
    if text.count(b"[") + text.count(b"{") <= at_most:
        return
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", text)):
        depth += 1 if bracket in b"[{" else -1
        if depth > at_most:
            raise TooLargeError(parameter, text[:100].decode(errors="replace"), f"at most {at_most} levels are allowed")
