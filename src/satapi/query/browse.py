"""Browsing: the items of a collection by time, found in its index however many they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.query.sql import Param, Sql, join, sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from satapi.stac.periods import Stretch, Unit

# Of how many parts a period is shown at once: as many index entries are read as these have.
PARTS_MAX = 30

_UNITS: dict[Unit, Sql] = {"year": sql("'year'"), "month": sql("'month'"), "day": sql("'day'")}


def keys(stretch: Stretch, at_most: int) -> Sql:
    """The items of a stretch in order, as (datetime, id)."""
    limit = Param(at_most)
    branches = join(
        " union all ",
        (
            sql("(select datetime, id from items where {} order by datetime desc, id limit {})", where, limit)
            for where in _segments(stretch)
        ),
    )
    return sql("select datetime, id from ({}) as found order by datetime desc, id limit {}", branches, limit)


def parts(stretch: Stretch, size: int) -> Sql:
    """The places where the parts of a stretch begin, each of so many items; no more than there are at once and one."""
    return sql(
        "select datetime, id from (select datetime, id, row_number() over (order by datetime desc, id) as place "
        "from ({}) as found) as placed where place % {}::bigint = 1 order by datetime desc, id",
        keys(stretch, PARTS_MAX * size + 1),
        size,
    )


def periods(stretch: Stretch, unit: Unit) -> Sql:
    """A moment of each of the periods in a stretch that have items, the latest first: a probe of the index for each."""
    collection, since, until = Param(stretch.collection), Param(stretch.since), Param(stretch.until)
    latest = sql(
        "select i.datetime from items as i where i.collection = {}{} and i.datetime < ",
        collection,
        sql("") if stretch.since is None else sql(" and i.datetime >= {}", since),
    )
    last = sql("order by i.datetime desc limit 1")
    return sql(
        "with recursive found (datetime) as (({} coalesce({}::timestamptz, 'infinity') {}) union all "
        "select ({} date_trunc({}, found.datetime, 'UTC') {}) from found where found.datetime is not null) "
        "select datetime from found where datetime is not null",
        *(latest, until, last),
        *(latest, _UNITS[unit], last),
    )


def _segments(stretch: Stretch) -> Iterator[Sql]:
    """The conditions of up to three runs of the index: it has no run from one place to another."""
    scope = sql("collection = {}", stretch.collection)
    first, end = stretch.first, stretch.end
    if first and end and first.datetime == end.datetime:
        yield sql("{} and datetime = {} and id >= {} and id < {}", scope, first.datetime, first.id, end.id)
        return
    bounds = [scope]
    if first:
        yield sql("{} and datetime = {} and id >= {}", scope, first.datetime, first.id)
        bounds.append(sql("datetime < {}", first.datetime))
    if end:
        yield sql("{} and datetime = {} and id < {}", scope, end.datetime, end.id)
        bounds.append(sql("datetime > {}", end.datetime))
    if stretch.since:
        bounds.append(sql("datetime >= {}", stretch.since))
    if stretch.until:
        bounds.append(sql("datetime < {}", stretch.until))
    yield join(" and ", bounds)


def groups(size: int, first: str | None, end: str | None) -> Sql:
    """The ids that groups of so many collections begin with, from the first id until before the end."""
    bounds = sql("{}", sql("true") if end is None else sql("id < {}", end))
    return sql(
        "with recursive found (id) as ((select id from collections where id >= {}::text and {} order by id limit 1) "
        "union all select (select c.id from collections as c where c.id >= found.id and {} "
        "order by c.id offset {} limit 1) from found where found.id is not null) "
        "select id from found where id is not null",
        *(first or "", bounds, bounds, size),
    )
