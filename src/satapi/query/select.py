"""The statement of a search, as its plan says.

Every page reads one item more than it shows, to know whether there is another page. A statement takes the spans of the
searched collections as given; where items reach further, it returns no row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from satapi.query.conditions import Conditions, Spans
from satapi.query.newest import by_time
from satapi.query.plan import Plan, choose
from satapi.query.rows import Carried, Rows
from satapi.query.sql import Sql, join, sql
from satapi.query.valued import by_values

if TYPE_CHECKING:
    from satapi.query.inventory import Inventory
    from satapi.stac.search import Search


class Statement(msgspec.Struct, frozen=True):
    """SQL whose rows are (collection, id, dictionary, content or size, k1, k2, ...: the values of the order's keys)."""

    sql: Sql
    plan: Plan


def page(search: Search, inventory: Inventory, spans: Spans, carried: Carried = "content") -> Statement:
    """The statement for one page of a search. Raises InvalidError."""
    plan = choose(search, inventory)
    conditions = Conditions(search, plan, inventory, spans)
    rows = Rows(plan.order, carried, search.limit + 1)
    match plan.method:
        case "lookup" | "sort":
            found = by_values(conditions, plan.order, search.position, rows)
        case "walk" | "gate":
            found = by_time(conditions, plan, search.position, rows)
    return Statement(_with(conditions.tables, found), plan)


def by_key(search: Search, inventory: Inventory, spans: Spans, after: str) -> Sql:
    """All matches of a search of one collection behind an id, by id: rows are (collection, id, dictionary, content)."""
    conditions = Conditions(search, choose(search, inventory), inventory, spans)
    return _with(
        conditions.tables,
        sql(
            "select collection, id, dictionary, content from items where {} and id > {}::text order by id",
            join(" and ", conditions.everything),
            after,
        ),
    )


def count(search: Search, inventory: Inventory, spans: Spans, at_most: int | None) -> Sql:
    """Counts the matches of a search, as far as `at_most` and one more."""
    conditions = Conditions(search, choose(search, inventory), inventory, spans)
    holds = join("", [sql(" having (select hold from spans)") for _ in conditions.tables])
    return _with(
        conditions.tables,
        sql(
            "select count(*) from (select 1 from items where {} limit {}::bigint) as matches{}",
            join(" and ", [*conditions.everything, *(sql("with_bitmaps()") for _ in conditions.text)]),
            None if at_most is None else at_most + 1,
            holds,
        ),
    )


def estimate(search: Search, inventory: Inventory, spans: Spans) -> Sql:
    """Asks PostgreSQL for its estimate of the matches: one JSON document, whose Plan has "Plan Rows"."""
    conditions = Conditions(search, choose(search, inventory), inventory, spans)
    return sql("explain (format json) select 1 from items where {}", join(" and ", conditions.estimable))


def _with(tables: list[Sql], select: Sql) -> Sql:
    return sql("with {} {}", join(", ", tables), select) if tables else select
