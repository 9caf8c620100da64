"""Conditions: which version of a document a request may change (RFC 9110, 13.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from satapi.errors import InvalidError, PreconditionError, UnconditionalError
from satapi.http.responses import version

if TYPE_CHECKING:
    from starlette.requests import Request

    from satapi.settings import Settings

_ANY = "*"
_TAGS = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')


class Conditions(Struct, frozen=True):
    """The versions of which a stored document must be one, and must be none; None where nothing is asked of it."""

    match: frozenset[str] | None
    none_match: frozenset[str] | None

    def check(self, content: bytes) -> None:
        """Raises PreconditionError where the stored document is not one that may be changed."""
        names = {_ANY, version(content)}
        if self.match is not None and names.isdisjoint(self.match):
            raise PreconditionError("The document is not the version that If-Match names: read it again")
        if self.none_match is not None and not names.isdisjoint(self.none_match):
            raise PreconditionError("The document is one of those that If-None-Match excludes")


def conditions(request: Request, settings: Settings) -> Conditions:
    """The conditions of a request. Raises InvalidError, and UnconditionalError where there must be an If-Match.

    A tag begins with the version of what is stored. The rest of it, which is about the bytes that were sent (the
    server's links and the compression), does not matter here. Weak tags never match in If-Match.
    """
    match = _tags(request, "if-match", weak=False)
    if match is None and settings.if_match_required:
        raise UnconditionalError("This server wants to know which version is meant: send If-Match with its ETag")
    return Conditions(match, _tags(request, "if-none-match", weak=True))


def _tags(request: Request, name: str, *, weak: bool) -> frozenset[str] | None:
    given = request.headers.getlist(name)
    if not given:
        return None
    text = ", ".join(given).strip()
    if text == _ANY:
        return frozenset({_ANY})
    found: set[str] = set()
    at = 0
    while at < len(text):
        tag = _TAGS.match(text, at)
        if tag is None:
            raise InvalidError(name, text, 'allowed are * and entity tags in quotes, such as "1a2b", with commas')
        if weak or tag[1] is None:
            found.add(tag[2].partition(".")[0])
        at = tag.end()
    return frozenset(found)
