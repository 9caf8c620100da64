"""Spans: how far items reach from their datetime, as far as this server has met it.

Statements take them as given and find nothing where they have grown, so only an answer without rows can be wrong; then
they are read anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.query.conditions import Spans
from satapi.query.sql import sql

if TYPE_CHECKING:
    from satapi.db.pool import Database
    from satapi.stac.search import Search

# The spans of collections that were asked for, by id, and of all collections together (None).
Known = dict[str | None, Spans]

_NONE = Spans()


def known(database: Database, search: Search) -> Spans:
    """The spans of the searched collections; none before the first look at them."""
    scope = (None,) if search.collections is None else search.collections
    spans = [database.spans.get(name, _NONE) for name in scope]
    return Spans(
        max((each.before for each in spans), default=_NONE.before),
        max((each.after for each in spans), default=_NONE.after),
    )


async def have_grown(database: Database, search: Search, given: Spans) -> bool:
    """Whether the searched collections reach further than a statement was given; reads and remembers how far."""
    if search.window is None:
        return False
    if search.collections is None:
        asked = sql("select null, coalesce(max(span_before), '0'), coalesce(max(span_after), '0') from collections")
    else:
        asked = sql(
            "select id, span_before, span_after from collections where id = any({}::text[])", list(search.collections)
        )
    database.spans.update((name, Spans(before, after)) for name, before, after in await database.fetch(asked))
    now = known(database, search)
    return now.before > given.before or now.after > given.after
