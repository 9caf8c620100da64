"""Summaries: the counts that writers of items keep up to date, and the ends of indexes, instead of the items."""

from __future__ import annotations

from msgspec.structs import replace

from satapi.query.measures import Dates, Measure, Statistic, Terms, Total
from satapi.query.sql import Param, Sql, sql
from satapi.stac.search import Search

# What a day is a part of.
_OF_DAYS = frozenset({"year", "quarter", "month", "week", "day"})


class Kept:
    """What is known of the items that match a search of whole collections; nothing of any other search."""

    def __init__(self, search: Search) -> None:
        unrestricted = Search(limit=search.limit, sortby=search.sortby, fields=search.fields, position=search.position)
        self._is_whole = replace(search, collections=None) == unrestricted
        self._collections = None if search.collections is None else Param(list(search.collections))

    def of(self, measure: Measure) -> Sql | None:
        """A single value, or for buckets rows (key, items); None where only the items tell."""
        if not self._is_whole:
            return None
        match measure:
            case Total():
                return self._total()
            case Terms(column=column) if column.name == "collection":
                return self._by_collection()
            case Dates(column=column, interval=interval) if column.name == "datetime" and interval in _OF_DAYS:
                return self._by_day(interval)
            case Statistic(column=column, kind="min" | "max" as kind) if column.name == "datetime":
                return self._first_or_last(first=kind == "min")
            case _:
                return None

    def _total(self) -> Sql:
        if self._collections is None:
            return sql(
                "select coalesce(sum(items), 0) from (select items from item_counts "
                "where collection is null and day is null union all select items from item_changes) as kept"
            )
        return sql("select coalesce(sum(items), 0) from ({}) as kept", self._by_collection())

    def _by_collection(self) -> Sql:
        if self._collections is None:
            return sql(
                "select collection as key, items from item_counts where day is null and collection is not null "
                "union all select collection, items from item_changes"
            )
        named = self._collections
        return sql(
            "select collection as key, items from item_counts where day is null and collection = any({}::text[]) "
            "union all select collection, items from item_changes where collection = any({}::text[])",
            named,
            named,
        )

    def _by_day(self, interval: str) -> Sql:
        unit = Param(interval)
        if self._collections is None:
            return sql(
                "select date_trunc({}::text, day::timestamp) as key, items from item_counts "
                "where collection is null and day is not null "
                "union all select date_trunc({}::text, day::timestamp), items from item_changes",
                unit,
                unit,
            )
        named = self._collections
        return sql(
            "select date_trunc({}::text, day::timestamp) as key, items from item_counts "
            "where collection = any({}::text[]) and day is not null "
            "union all select date_trunc({}::text, day::timestamp), items from item_changes "
            "where collection = any({}::text[])",
            unit,
            named,
            unit,
            named,
        )

    def _first_or_last(self, *, first: bool) -> Sql:
        end = sql("min(datetime)") if first else sql("max(datetime)")
        found = sql("select {} as datetime from items", end)
        if self._collections is not None:
            # For each by itself: PostgreSQL would read all items of several.
            found = sql(
                "select {} as datetime from unnest({}::text[]) as named (id) "
                "cross join lateral (select {} as datetime from items where collection = named.id) as its",
                end,
                self._collections,
                end,
            )
        return sql(
            """select to_char(datetime at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') from ({}) as found""", found
        )
