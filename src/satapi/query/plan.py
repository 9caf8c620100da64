"""The plan: which way through the indexes answers a search.

The usual question is "newest first in this area". Two ways answer it: reading the GiST index on (geometry, datetime) in
order of distance from a time, which is good for a narrow area, and walking the btree on time and testing each
geometry, which is good for a broad one. Which is which only PostgreSQL's statistics know, so the statement for
an area holds both ways behind a gate (`satapi.query.select`), and the plan says that it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from satapi.query import keyset

if TYPE_CHECKING:
    from satapi.stac.search import Search

# Over this share of all items an area is broad, and walking by time beats reading by distance: of 5 million items,
# 180 degrees and 90 days took 95 ms by distance and 0.3 ms by walking, 1 degree took 0.5 ms by distance and 25 ms by
# walking.
BROAD_SHARE = 0.01

# Items of one time that reading by distance collects, at most, before walking that time takes over. Reading
# by distance has to collect all items of the last time on the page before it can order them.
TIES_MAX = 10_000

# Rows that probing each named collection by itself may read, at most; with more the archive is walked by time.
PROBED_ROWS_MAX = 20_000

Method = Literal["lookup", "walk", "gate", "sort"]
Scope = Literal["all", "one", "few", "many"]


class Plan(msgspec.Struct, frozen=True):
    """How a search is answered.

    `method`: lookup by ids, walk by time, gate (by distance or by walking, for an area), or sort by other values.
    `scope`: all collections, one, few (each probed by itself) or many (tested while walking).
    """

    method: Method
    scope: Scope
    order: keyset.Order


def choose(search: Search) -> Plan:
    """The plan for a search: a function of its shape alone."""
    backward = search.position is not None and search.position.backward
    order = keyset.order(search.sortby, backward=backward)
    return Plan(_method(search, order), _scope(search), order)


def _method(search: Search, order: keyset.Order) -> Method:
    if search.ids is not None:
        return "lookup"
    if not order.is_by_time:
        return "sort"
    return "walk" if search.area is None or search.area.world else "gate"


def _scope(search: Search) -> Scope:
    if search.collections is None:
        return "all"
    if len(search.collections) == 1:
        return "one"
    return "few" if len(search.collections) * (search.limit + 1) <= PROBED_ROWS_MAX else "many"
