"""The statements that read the change feed.

What is settled is looked up first, by a statement of its own: the snapshot of the next one has all changes up to there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.query import filters
from satapi.query.conditions import Within
from satapi.query.sql import Param, Sql, join, sql

if TYPE_CHECKING:
    from datetime import datetime

    from satapi.query.inventory import Inventory
    from satapi.stac.changes import Place
    from satapi.stac.search import Search

# A page of a few collections, or of what a filter lets through, looks at so many rows, and so many ids, at most.
SCANNED_MAX = 10_000

SETTLED = sql("select s.settled, s.last, pg_is_in_recovery() from changes_settled() as s")
"""One row: the number up to which nothing more will come, the last one, and whether neither can be known here."""

STATE = sql(
    """
    select
        change_feed_id(),
        case when pruned_feed = change_feed_id() then pruned_number else 0 end,
        case when pruned_feed = change_feed_id() then pruned_ids else 0 end,
        case when pruned_feed = change_feed_id() then pruned_time end
    from change_feed
    """
)
"""One row: the feed, None where nothing is recorded; and what was pruned last: its number, ids and time."""


def since(feed: int, moment: datetime) -> Sql:
    """The first number of a change of a moment or later; null where there is none."""
    return sql(
        "select min(number) from changes where feed = {}::bigint and time >= {}::timestamptz",
        feed,
        moment,
    )


def page(place: Place, settled: int, search: Search, inventory: Inventory) -> Sql:
    """Changes behind a place and up to the number that is settled, as many as the search's limit.

    Of the search the collections count; its area and filter are asked of the item as it is, where it is not deleted.
    Rows begin with the state, and whether changes wait that are not settled; how many ids were looked at and where the
    last one is; how many rows, and where the last one ends; then comes a change, null in a single row where there is
    none.
    """
    conditions = _conditions(search, inventory)
    feed, number, last = Param(place.feed), Param(place.number), Param(settled)
    scanned = SCANNED_MAX if search.collections is not None else search.limit + 1
    examined = SCANNED_MAX if conditions else search.limit
    return sql(
        _PAGE,
        STATE,
        feed,
        number,
        last,
        scanned,
        number,
        place.index,
        sql("true") if search.collections is None else sql("s.collection = any({}::text[])", list(search.collections)),
        examined,
        _passes(conditions),
        search.limit,
        feed,
        last,
    )


_PAGE = """
    with state (feed, pruned_number, pruned_ids, pruned_time) as materialized (
        {}
    ), scanned as materialized (
        select c.number, c.time, c.kind, c.operation, c.collection, c.ids
        from changes as c
        where c.feed = {}::bigint and c.number between {}::bigint and {}::bigint
        order by c.number
        limit {}::bigint
    ), examined as materialized (
        select s.number, e.index, s.time, s.kind, s.operation, s.collection, e.id
        from scanned as s
        cross join lateral unnest(s.ids) with ordinality as e (id, index)
        where (s.number, e.index) > ({}::bigint, {}::bigint) and {}
        order by s.number, e.index
        limit {}::bigint
    ), passed as (
        select * from examined as e where {} order by e.number, e.index limit {}::bigint
    )
    select
        state.*,
        exists (select from changes as c where c.feed = {}::bigint and c.number > {}::bigint),
        (select count(*) from examined),
        (select array[number, index] from examined order by number desc, index desc limit 1),
        (select count(*) from scanned),
        (select array[number, cardinality(ids)] from scanned order by number desc limit 1),
        passed.number, passed.index, passed.time, passed.kind, passed.operation, passed.collection, passed.id
    from state
    left join passed on true
    order by passed.number, passed.index
"""


def _passes(conditions: list[Sql]) -> Sql:
    if not conditions:
        return sql("true")
    # Nothing is known of what is gone, nor asked of collections.
    return sql(
        "(e.operation = 'delete' or e.kind = 'collection' or exists (select from items where "
        "items.collection = e.collection and items.id = e.id and {}))",
        join(" and ", conditions),
    )


def _conditions(search: Search, inventory: Inventory) -> list[Sql]:
    """What is asked of an item that is found by its key."""
    nodes = [] if search.filter is None else [search.filter]
    asked = filters.conditions(nodes, inventory, "filter", ordered=True)
    if search.area is None:
        return asked
    if search.area.world:
        return [sql("geometry is not null"), *asked]
    return [sql("({})", join(" or ", [Within(part).unindexed for part in search.area.parts])), *asked]
