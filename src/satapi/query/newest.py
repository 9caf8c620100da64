"""Searches in order of time: walking the btree, or, for an area, reading the GiST index by distance from a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.query.conditions import FIRST, LAST
from satapi.query.sql import Param, Sql, join, sql
from satapi.query.valued import by_words
from satapi.stac.times import parse_instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from satapi.query.conditions import Conditions
    from satapi.query.plan import Plan
    from satapi.query.rows import Rows
    from satapi.stac.search import Position


def by_time(conditions: Conditions, plan: Plan, position: Position | None, rows: Rows) -> Sql:
    """The rows by datetime, then collection and id.

    After a position come the rest of the items of its time, then those beyond that time: each part starts in an
    index where it has to go on, which one condition for both could not.
    """
    reading = _Reading(conditions, plan, rows, position)
    match plan.method:
        case "gate":
            branches = [branch for index in range(len(conditions.areas)) for branch in reading.gate(index)]
        case _:
            branches = reading.walk(conditions.geometry)
    if conditions.rare is not None:
        branches.append(by_words(conditions, conditions.rare, plan.order, position, rows))
    if len(branches) == 1:
        return branches[0]
    return rows.final(join(" union all ", [sql("({})", branch) for branch in branches]))


def _time(position: Position) -> datetime:
    if position.values[0] is None:
        raise ValueError("every item has a time")
    return parse_instant(position.values[0])


class _Reading:
    """Reading in one direction of time, from the position on."""

    def __init__(self, conditions: Conditions, plan: Plan, rows: Rows, position: Position | None) -> None:
        self.conditions = conditions
        self.plan = plan
        self.rows = rows
        self.backward = plan.order.backward
        self.down = plan.order.keys[0].descending != self.backward
        self.start = None if position is None else _time(position)
        # The rest of the items at the position's time, and those beyond that time.
        self.ties: list[Sql] = []
        self.beyond: list[Sql] = []
        if position is not None:
            at = sql("{}::timestamptz", Param(self.start))
            self.ties = [sql("datetime = {}", at), self._rest(position)]
            self.beyond = [self._pick(sql("datetime < {}", at), sql("datetime > {}", at))]

    def _pick(self, down: Sql, up: Sql) -> Sql:
        return down if self.down else up

    def _rest(self, position: Position) -> Sql:
        after = sql("<") if self.backward else sql(">")
        collection, identifier = sql("{}::text", position.collection), sql("{}::text", position.id)
        if self.plan.scope == "one":
            # Equal collections: said this way, the index on (collection, datetime, id) goes on at the id.
            return sql("id {} {}", after, identifier)
        return sql("(collection, id) {} ({}, {})", after, collection, identifier)

    def walk(self, where: Sequence[Sql]) -> list[Sql]:
        """In the order of a btree on time: the rest of the position's time, and what lies beyond it."""
        asked = self.conditions
        where = [*asked.tests, *asked.words, *asked.window, *where]
        ties = [*asked.scope, *where, *self.ties]
        rest = [self.rows.branch(ties, self.plan.order.keys[1:])] if self.ties else []
        return [*rest, self._walk_beyond([*where, *self.beyond])]

    def _walk_beyond(self, where: Sequence[Sql]) -> Sql:
        """Few collections are read one by one and merged.

        One of them that has nothing recent would otherwise be looked for in all of the archive.
        """
        asked = self.conditions
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

    def gate(self, index: int) -> list[Sql]:
        """Both ways to read a part of an area that is in no earlier part, of which PostgreSQL keeps one.

        By distance from a time where the area is narrow, walking where it is broad.
        """
        here, *earlier = reversed(self.conditions.areas[: index + 1])
        apart = [sql("not {}", other.unindexed) for other in earlier]
        broad = sql("is_broad({}, {})", here.area, self.plan.broad_from)
        return [
            self._near([here.indexed, *apart, sql("not {}", broad)]),
            *self.walk([here.boxed, here.unindexed, *apart, broad]),
        ]

    def _near(self, where: Sequence[Sql]) -> Sql:
        """By distance of the second from one before which there is nothing to read, and all items of the last second.

        The page is cut out of them when they are in order; a tie-break here would lose the order of the index. They may
        be all items of the area, so it is the gate that bounds them.
        """
        asked = self.conditions
        if self.down:
            anchor, end = min(asked.ceiling or LAST, self.start or LAST), asked.floor
        else:
            anchor, end = max(asked.floor or FIRST, self.start or FIRST), asked.ceiling
        at = sql("{}::timestamptz", Param(anchor.replace(microsecond=0)))
        between = [self._pick(sql("second <= {}", at), sql("second >= {}", at))]
        if end is not None:
            until = sql("{}::timestamptz", end.replace(microsecond=0))
            between.append(self._pick(sql("second >= {}", until), sql("second <= {}", until)))
        hashed = [sql("hashtext(collection) = hashtext({}::text)", asked.collections)]
        after = [sql("({})", join(" or ", [*self.beyond, join(" and ", self.ties)]))] if self.ties else []
        return sql(
            "select {} from items where {} order by second <-> {} fetch first {} rows with ties",
            self.rows.columns,
            join(
                " and ",
                [
                    *between,
                    *(hashed if self.plan.scope == "one" else []),
                    *asked.scope,
                    *asked.tests,
                    *asked.words,
                    *asked.meets,
                    *after,
                    *where,
                ],
            ),
            at,
            self.rows.limit,
        )
