"""The statement of an aggregation: one pass over the matches, or the counts that are kept, for all measures at once.

Its rows are (place, key, kind, frequency, bytes). `place` tells the measure; a single value is the key. Of buckets, a
row without a key is the overflow. Hexagons are worked out of places: `kind` says of which. A row of place -1 says that
the searched collections reach further than the spans that the statement was given: then no item is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import msgspec
from msgspec.structs import replace

from satapi.query import grids, summaries
from satapi.query.conditions import Conditions, Spans
from satapi.query.measures import Dates, Grid, Measure, Ranges, Statistic, Terms, Total
from satapi.query.plan import choose
from satapi.query.sql import Param, Sql, join, sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satapi.query.grids import Squares
    from satapi.query.inventory import Column, Inventory
    from satapi.stac.search import Search

# The place of the row that says that the spans do not hold.
SPANS_DO_NOT_HOLD = -1


class Limits(msgspec.Struct, frozen=True):
    """Buckets of one aggregation, and cells that are looked at for one footprint.

    Hexagons are made of so many centroids or footprints, of so many cells of all footprints, and for so many seconds.
    """

    buckets: int
    cells: int
    centroids: int
    footprints: int
    hexagons: int
    seconds: float


def statement(search: Search, inventory: Inventory, spans: Spans, measures: Sequence[Measure], limits: Limits) -> Sql:
    """The statement for all measures of a search. Raises InvalidError."""
    plan = choose(search, inventory)
    # No order is wanted of the matches, so any index will do.
    conditions = Conditions(search, replace(plan, method="sort"), inventory, spans)
    matches = _Matches(limits)
    kept = summaries.Kept(search)
    singles: list[tuple[int, Sql]] = []
    selects: list[Sql] = []
    for place, measure in enumerate(measures):
        if (summary := kept.of(measure)) is not None:
            selects.append(_summed(place, measure, summary, limits))
        elif isinstance(measure, Total | Statistic):
            singles.append((place, matches.single(measure)))
        else:
            selects.append(matches.buckets(place, measure))
    if singles:
        selects.append(
            sql(
                "select place, key, null::text, null::bigint, null::bytea from "
                "(select array[{}] as keys from matches) as single "
                "cross join lateral unnest({}::integer[], keys) as value (place, key)",
                join(", ", [value for _, value in singles]),
                [place for place, _ in singles],
            )
        )
    if conditions.tables:
        selects.append(sql("select {}::integer, null, null, null, null from spans where not hold", SPANS_DO_NOT_HOLD))
    tables = [*conditions.tables, *matches.table(conditions)]
    found = join(" union all ", selects)
    return sql("with {} {}", join(", ", tables), found) if tables else found


def _summed(place: int, measure: Measure, summary: Sql, limits: Limits) -> Sql:
    match measure:
        case Terms():
            return _counted(place, summary, sql("key"), _OFTEN_FIRST, limits)
        case Dates():
            return _counted(place, summary, _WRITTEN_TIME, sql("key"), limits)
        case _:
            return sql("select {}::integer, ({})::text, null::text, null::bigint, null::bytea", place, summary)


_OFTEN_FIRST = sql('frequency desc, key::text collate "C"')
_WRITTEN_TIME = sql("""to_char(key, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""")


def _counted(place: int, pairs: Sql, written: Sql, order: Sql, limits: Limits) -> Sql:
    """Buckets of rows (key, items): the first of them in an order, and as many as are allowed."""
    return sql(
        "select {}::integer, {}, null::text, sum(frequency)::bigint, null::bytea from ("
        "select case when number <= {}::bigint then key end as key, frequency from ("
        "select key, frequency, row_number() over (order by key is null, {}) as number from ("
        "select key, sum(items) as frequency from ({}) as found group by key) as counted where frequency > 0"
        ") as numbered) as shown group by key",
        place,
        written,
        limits.buckets,
        order,
        pairs,
    )


class _Matches:
    """The table `matches`: what measures take from the items that match, which is gathered while they are written."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._columns: dict[str, Sql] = {}
        self._members: list[Sql] = []
        self._is_read = False

    def table(self, conditions: Conditions) -> list[Sql]:
        """The table, if a measure reads it."""
        if not self._is_read:
            return []
        columns = list(self._columns.values())
        if self._members:
            columns.append(sql("array[{}]::jsonb[] as members", join(", ", self._members)))
        # OFFSET keeps PostgreSQL from working a column out for each place that it stands in. All matches are read: by
        # bitmaps, which searches do without, where that is cheaper.
        return [
            sql(
                "matches as (select {} from items where {} offset 0)",
                join(", ", columns or [sql("1 as one")]),
                join(" and ", [*conditions.everything, sql("with_bitmaps()")]),
            )
        ]

    def single(self, measure: Total | Statistic) -> Sql:
        """A single value as text."""
        self._is_read = True
        match measure:
            case Total():
                return sql("count(*)::text")
            case Statistic(column=column, kind="count"):
                return sql("count({})::text", self._value(column))
            case Statistic(column=column, kind="missing"):
                return sql("(count(*) - count({}))::text", self._value(column))
            case Statistic(column=column, kind=kind):
                value = self._value(column)
                if column.kind == "time":
                    key = sql("min({})", value) if kind == "min" else sql("max({})", value)
                    return sql("""to_char({} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""", key)
                return sql("trim_scale({})::text", _of_numbers(kind, _number(value)))
            case _:
                assert_never(measure)

    def buckets(self, place: int, measure: Terms | Dates | Ranges | Grid) -> Sql:
        """The rows of buckets."""
        self._is_read = True
        match measure:
            case Terms(column=column) if column.kind == "json":
                grouped = sql("select {} as value, count(*) as items from matches group by 1", self._value(column))
                return self._several(place, grouped, _ELEMENTS)
            case Terms(column=column):
                pairs = sql("select {} as key, 1 as items from matches", self._value(column))
                return _counted(place, pairs, sql("key"), _OFTEN_FIRST, self._limits)
            case Dates(column=column, interval=interval):
                pairs = sql(
                    "select date_trunc({}::text, {} at time zone 'UTC') as key, 1 as items from matches",
                    interval,
                    self._value(column),
                )
                return _counted(place, pairs, _WRITTEN_TIME, sql("key"), self._limits)
            case Ranges(column=column, edges=edges):
                pairs = sql(
                    "select width_bucket({}, {}::numeric[]) as key, 1 as items from matches",
                    _number(self._value(column)),
                    list(edges),
                )
                return _counted(place, pairs, sql("key::text"), sql("key"), self._limits)
            case Grid():
                return self._grid(place, measure)
            case _:
                assert_never(measure)

    def _grid(self, place: int, grid: Grid) -> Sql:
        self._columns["geometry"] = sql("geometry")
        if grid.cells == "geohex":
            return self._hexagons(place, grid)
        cells: Squares = grid.cells
        if grid.place == "geometry":
            grouped = sql("select geometry as value, count(*) as items from matches group by geometry")
            return self._several(
                place, grouped, grids.keys_of_footprint(cells, grid.precision, sql("value"), self._limits.cells)
            )
        pairs = sql(
            "select case when middle is not null then {} end as key, 1 as items "
            "from (select item_centroid(geometry) as middle from matches offset 0) as middles",
            grids.key_of_centroid(cells, grid.precision, sql("middle")),
        )
        return _counted(place, pairs, sql("key"), _OFTEN_FIRST, self._limits)

    def _hexagons(self, place: int, grid: Grid) -> Sql:
        """What hexagons are worked out of: all centroids in one row, or the footprints; one more than is allowed."""
        if grid.place == "geometry":
            return sql(
                "select {}::integer, null::text, 'footprint', count(*), st_asbinary(geometry) "
                "from (select geometry from matches limit {}::bigint) as limited group by geometry",
                place,
                self._limits.footprints + 1,
            )
        return sql(
            "select {}::integer, null::text, 'centroids', count(*) - count(middle), "
            "string_agg(float8send(st_y(middle)) || float8send(st_x(middle)), ''::bytea) "
            "from (select item_centroid(geometry) as middle from matches limit {}::bigint) as limited",
            place,
            self._limits.centroids + 1,
        )

    def _several(self, place: int, grouped: Sql, keys: Sql) -> Sql:
        """Buckets of rows (value, items), each of which may be in several: those that hold most items."""
        at_most = Param(self._limits.buckets)
        return sql(
            "select {}::integer, key, kind, frequency, null::bytea from ("
            "with grouped as materialized (select row_number() over () as n, value, items from ({}) as found), "
            "keyed as materialized (select n, items, key, kind from grouped left join lateral ({}) as keys on true), "
            "counted as materialized (select key, kind, sum(items)::bigint as frequency from keyed group by key, kind),"
            " shown as materialized (select * from counted where key is not null "
            'order by frequency desc, key collate "C", kind limit {}::bigint) '
            "select key, kind, frequency from shown union all "
            "select null, null, case when (select count(*) from counted) <= {}::bigint "
            "then (select frequency from counted where key is null) "
            "else (select sum(items)::bigint from (select n, items from keyed left join shown using (key, kind) "
            "group by n, items having bool_and(shown.frequency is null)) as rest) end) as buckets",
            place,
            grouped,
            keys,
            at_most,
            at_most,
        )

    def _value(self, column: Column) -> Sql:
        """A column of the table, which is put there."""
        if column.kind != "json":
            self._columns[column.name] = column.expression
            return column.expression
        texts = [member.render() for member in self._members]
        wanted = column.expression.render()
        if wanted not in texts:
            self._members.append(column.expression)
            return sql("members[{}::integer]", len(self._members))
        return sql("members[{}::integer]", texts.index(wanted) + 1)


# The texts, numbers and booleans of a JSON value, each once.
_ELEMENTS = sql(
    "select distinct case jsonb_typeof(element) when 'number' then trim_scale(cql2_number(element))::text "
    "else element #>> array[]::text[] end as key, jsonb_typeof(element) as kind "
    "from jsonb_array_elements("
    "case jsonb_typeof(value) when 'array' then value else jsonb_build_array(value) end) as element "
    "where jsonb_typeof(element) in ('string', 'boolean') or cql2_number(element) is not null"
)


def _number(value: Sql) -> Sql:
    """The number that a JSON value is: of at most 1,000 digits before the point, as in filters."""
    return sql("case when jsonb_typeof({}) = 'number' and abs({}::numeric) < 1e1000 then {}::numeric end", *[value] * 3)


def _of_numbers(kind: str, number: Sql) -> Sql:
    match kind:
        case "min":
            return sql("min({})", number)
        case "max":
            return sql("max({})", number)
        case "avg":
            return sql("avg({})", number)
        case _:
            return sql("sum({})", number)
