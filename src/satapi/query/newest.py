"""Searches in order of time: walking the btree, or, for an area, reading the GiST index by distance from a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.query.plan import TIES_MAX
from satapi.query.rows import Found, Rows
from satapi.query.sql import Param, Sql, join, sql
from satapi.stac.times import parse_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satapi.query.conditions import Conditions
    from satapi.query.plan import Plan
    from satapi.stac.search import Position


def by_time(conditions: Conditions, plan: Plan, position: Position | None, rows: Rows) -> Found:
    """The rows by datetime, then collection and id.

    After a position come the rest of the items of its time, then those beyond that time: each part starts in an
    index where it has to go on, which one condition for both could not.
    """
    time = None if position is None else sql("{}::timestamptz", Param(_time(position)))
    reading = _Reading(conditions, plan, rows, time)
    found = Found([], reading.walk(conditions.geometry)) if plan.method == "walk" else reading.gate()
    if position is None:
        return found if plan.method == "walk" else Found(found.tables, rows.final(found.select))
    tables = [*found.tables, sql("ties as materialized ({})", reading.ties(position))]
    return Found(tables, rows.final(sql("select * from ties union all select * from ({}) as beyond", found.select)))


def _time(position: Position) -> object:
    if position.values[0] is None:
        raise ValueError("every item has a time")
    return parse_instant(position.values[0])


class _Reading:
    """Reading in one direction of time; `start` is the time of the position, beyond which it reads."""

    def __init__(self, conditions: Conditions, plan: Plan, rows: Rows, start: Sql | None) -> None:
        self.conditions = conditions
        self.plan = plan
        self.rows = rows
        self.start = start
        self.backward = plan.order.backward
        self.down = plan.order.keys[0].descending != self.backward
        self.beyond = [] if start is None else [self._pick(sql("datetime < {}", start), sql("datetime > {}", start))]

    def _pick(self, down: Sql, up: Sql) -> Sql:
        return down if self.down else up

    def ties(self, position: Position) -> Sql:
        """The rest of the items at the position's time."""
        after = sql("<") if self.backward else sql(">")
        collection, identifier = sql("{}::text", position.collection), sql("{}::text", position.id)
        if self.plan.scope == "one":
            # Equal collections: said this way, the index on (collection, datetime, id) goes on at the id.
            rest = sql("id {} {}", after, identifier)
        else:
            rest = sql("(collection, id) {} ({}, {})", after, collection, identifier)
        at_time = sql("datetime = {}", self.start or sql("null"))
        return self.rows.branch([*self.conditions.everything, at_time, rest], self.plan.order.keys[1:])

    def walk(self, geometry: Sequence[Sql], *gates: Sql) -> Sql:
        """In the order of a btree on time.

        Few collections are read one by one and merged, since one that has nothing recent would otherwise be looked
        for in all of the archive.
        """
        asked = self.conditions
        where = [*asked.tests, *asked.window, *geometry, *self.beyond, *gates]
        if self.plan.scope != "few":
            return self.rows.branch([*asked.scope, *where])
        each = self.rows.branch([sql("collection = named.of"), *where])
        return sql(
            "select probed.* from unnest({}::text[]) as named (of) cross join lateral ({}) as probed "
            "order by k1{}, collection{}, id{} limit {}",
            asked.collections,
            each,
            *(sql(" desc") if key.descending != self.backward else sql("") for key in self.plan.order.keys),
            self.rows.limit,
        )

    def gate(self) -> Found:
        """Both ways to read an area, of which one runs.

        By distance from a time where the area is narrow, walking where it is broad or where more items share one time
        than reading by distance may collect.
        """
        asked = self.conditions
        shares = [sql("area_share({})", area) for area in asked.areas]
        tables = [
            sql(
                "gate as materialized (select power({}, 2) * reltuples > {} as broad "
                "from pg_class where oid = 'items'::regclass)",
                join(" + ", shares),
                self.plan.broad_from,
            ),
            sql("anchor as materialized (select {} as time)", self._anchor()),
        ]
        names = _NEAR[: len(asked.areas)]
        tables += [sql("{} as materialized ({})", name, self._near(index)) for index, name in enumerate(names)]
        tables += [
            sql("crowd as materialized (select {} as time from ({}) as read where items >= {})", *self._crowd(names)),
            sql("walked as materialized ({})", self._walked()),
        ]
        beyond_crowd = self._pick(sql("k1 > (select time from crowd)"), sql("k1 < (select time from crowd)"))
        near = [
            sql("select * from {} where (select time from crowd) is null or {}", name, beyond_crowd) for name in names
        ]
        return Found(tables, join(" union all ", [*near, sql("select * from walked")]))

    def _anchor(self) -> Sql:
        """The time to read from: as close to the first item as is known, since distances are floating-point seconds."""
        if self.start is not None:
            return self.start
        asked = self.conditions
        if self.down:
            newest = sql("(select max(datetime) from items)")
            return newest if asked.ceiling is None else sql("least({}, {})", asked.ceiling, newest)
        oldest = sql("(select min(datetime) from items)")
        return oldest if asked.floor is None else sql("greatest({}, {})", asked.floor, oldest)

    def _near(self, index: int) -> Sql:
        """One part of the area by distance from the anchor.

        All items of the last time are needed to order them, so ties are collected, to a limit; a tie-break in the
        inner ORDER BY would lose the order of the index.
        """
        asked = self.conditions
        area, earlier = asked.areas[index], asked.areas[:index]
        where = [
            sql("st_intersects(geometry, {})", area),
            *(sql("not _st_intersects(geometry, {})", part) for part in earlier),
            *asked.scope,
            *asked.tests,
            *asked.window,
            *self.beyond,
            self._pick(sql("datetime <= (select time from anchor)"), sql("datetime >= (select time from anchor)")),
            sql("not (select broad from gate)"),
        ]
        return sql(
            "select * from (select {} from items where {} order by datetime <-> (select time from anchor) "
            "fetch first {} rows with ties) as read limit {}::bigint + {}",
            self.rows.columns,
            join(" and ", where),
            self.rows.limit,
            self.rows.limit,
            TIES_MAX,
        )

    def _crowd(self, names: Sequence[Sql]) -> tuple[Sql, Sql, Sql]:
        """The time at which reading by distance met more items than it may collect."""
        last = self._pick(sql("min(k1)"), sql("max(k1)"))
        first = self._pick(sql("max(time)"), sql("min(time)"))
        read = join(" union all ", (sql("select {} as time, count(*) as items from {}", last, name) for name in names))
        return first, read, sql("{}::bigint + {}", self.rows.limit, TIES_MAX)

    def _walked(self) -> Sql:
        """Walking where the area is broad, or from the crowded time on."""
        ceiling = self._pick(
            sql("datetime <= coalesce((select time from crowd), 'infinity')"),
            sql("datetime >= coalesce((select time from crowd), '-infinity')"),
        )
        gate = sql("((select broad from gate) or (select time from crowd) is not null)")
        return self.walk(self.conditions.unindexed_geometry, ceiling, gate)


_NEAR = (sql("near_1"), sql("near_2"), sql("near_3"))
