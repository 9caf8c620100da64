"""The plan: which way through the indexes answers a search.

The usual question is "newest first in this area". Two ways answer it: reading the GiST index on (geometry, second) in
order of distance from a time, which is good for a narrow area, and walking the btree on time, which is good for a
broad one. Which is which only PostgreSQL's statistics know, so the statement for an area holds both, and `is_broad`
says, while PostgreSQL plans it, which one is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from satapi.query import keyset, narrow
from satapi.stac import freetext

if TYPE_CHECKING:
    from satapi.query.inventory import Inventory
    from satapi.stac.search import Search

# When an area is broad. Reading by distance opens the index pages of the area whose times span the anchor, so its cost
# grows with the items there (measured: up to 0.1 us each); walking reads index entries until enough are in the area
# (0.06 us each), and both visit the rows that an index lets through. So walking is cheaper when
# share * items > rows wanted / share, about. For 10 of 5 million items that is at a share of 0.15 %: of 90 days in
# mid-archive, 60 degrees took 30 ms by distance and 0.1 ms by walking, 1 degree 0.2 ms by distance and 9 ms by walking.
# It bounds the items of one second too, all of which reading by distance has to collect: to 7,400 of 5 million.
BROAD_RATIO = 1

# Of the rows visited, what a test of a property is taken to let through: one in so many.
ROWS_A_MATCH = 5

# Beyond so many tests no archive has the rows.
_TESTS_MAX = 20

# Rows that probing each named collection by itself may read, at most; with more the archive is walked by time.
PROBED_ROWS_MAX = 20_000

Method = Literal["lookup", "walk", "gate", "sort"]
Scope = Literal["all", "one", "few", "many"]


class Plan(msgspec.Struct, frozen=True):
    """How a search is answered.

    `method`: lookup by ids, walk by time, gate (by distance or by walking, for an area), or sort by other values.
    `broad_from`: what share^2 * items of an area must pass for it to be walked.
    `rare_up_to`: what share^2 * items of words may not pass for their own index to be read; None where nothing is read
    by it.
    `scope`: all collections, one, few (each probed by itself) or many (tested while walking).
    """

    method: Method
    scope: Scope
    order: keyset.Order
    broad_from: float = 0
    rare_up_to: float | None = None


def choose(search: Search, inventory: Inventory) -> Plan:
    """The plan for a search: a function of its shape alone."""
    backward = search.position is not None and search.position.backward
    order = keyset.order(search.sortby, inventory, backward=backward)
    return Plan(_method(search, order), _scope(search), order, _broad_from(search), _rare_up_to(search))


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


def _broad_from(search: Search) -> float:
    return _rows_visited(search, _tests(search) + (search.text is not None))


def _rare_up_to(search: Search) -> float | None:
    """Each of several alternatives has its part of the items."""
    if search.text is None or search.ids is not None or freetext.required(search.text) is None:
        return None
    return _rows_visited(search, _tests(search)) / freetext.alternatives(search.text) ** 2


def _tests(search: Search) -> int:
    """How many tests of properties there are: what bounds the time alone is a window."""
    return len(search.tests) + (search.filter is not None and not narrow.is_window(search.filter))


def _rows_visited(search: Search, tests: int) -> float:
    return BROAD_RATIO * (search.limit + 1) * ROWS_A_MATCH ** min(tests, _TESTS_MAX)
