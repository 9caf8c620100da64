"""Conditions: which version of a document a request may change, or has already (RFC 9110, 13.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from satapi.errors import InvalidError, PreconditionError, UnconditionalError
from satapi.http import dates
from satapi.http.responses import version

if TYPE_CHECKING:
    from starlette.requests import Request

    from satapi.settings import Settings

_ANY = "*"
_TAGS = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')


# The time of a version is told when it is older than any statement may be that makes the next one: so no version that
# follows has a time that was told for another.
_SETTLED = timedelta(minutes=1)

Modified = Callable[[bytes], datetime | None]
"""When a stored document was changed, in whole seconds, as it says itself."""


class Conditions(Struct, frozen=True):
    """What a stored document must be to be changed; None where nothing is asked of it.

    It must be one of the versions of `match` and none of `none_match`, and not newer than `unmodified_since`, for which
    `modified` tells its time.
    """

    match: frozenset[str] | None
    none_match: frozenset[str] | None
    unmodified_since: datetime | None
    modified: Modified

    def check(self, content: bytes) -> None:
        """Raises PreconditionError where the stored document is not one that may be changed."""
        names = {_ANY, version(content)}
        if self.match is not None and names.isdisjoint(self.match):
            raise PreconditionError("The document is not the version that If-Match names: read it again")
        if self.unmodified_since is not None:
            modified = self.modified(content)
            if modified is not None and modified > self.unmodified_since:
                changed = dates.written(modified)
                raise PreconditionError(
                    f"The document was changed, {changed}, after If-Unmodified-Since: read it again"
                )
        if self.none_match is not None and not names.isdisjoint(self.none_match):
            raise PreconditionError("The document is one of those that If-None-Match excludes")


def conditions(request: Request, settings: Settings, modified: Modified) -> Conditions:
    """The conditions of a request. Raises InvalidError, and UnconditionalError where there must be an If-Match.

    A tag begins with the version of what is stored. The rest of it, which is about the bytes that were sent (the
    server's links and the compression), does not matter here. Weak tags never match in If-Match. Beside it
    If-Unmodified-Since says nothing, nor where the server does not keep the times of changes (13.1.4).
    """
    match = _tags(request, "if-match", weak=False)
    if match is None and settings.if_match_required:
        raise UnconditionalError("This server wants to know which version is meant: send If-Match with its ETag")
    since = None
    if match is None and settings.timestamps == "maintain":
        since = dates.read(request.headers.getlist("if-unmodified-since"))
    return Conditions(match, _tags(request, "if-none-match", weak=True), since, modified)


def last_modified(content: bytes, settings: Settings, modified: Modified) -> datetime | None:
    """The time of a stored document's version, where the server keeps it and it tells that version from all others."""
    found = modified(content) if settings.timestamps == "maintain" else None
    return found if found is not None and found + _SETTLED <= datetime.now(UTC) else None


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
