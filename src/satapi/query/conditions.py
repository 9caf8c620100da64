"""Conditions: what a search asks, as SQL; each parameter is made once, however many branches of a statement need it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from satapi.cql2 import query
from satapi.query import filters
from satapi.query.sql import Param, Sql, join, sql

if TYPE_CHECKING:
    from satapi.query.plan import Plan, Scope
    from satapi.stac.search import Search
    from satapi.stac.times import Interval


# What an item's times, and so all spans, stay within.
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Spans(msgspec.Struct, frozen=True):
    """How far items of the searched collections reach before and after their datetime, at most."""

    before: timedelta = timedelta(0)
    after: timedelta = timedelta(0)


class Conditions:
    """The conditions of one search, by what they are about. All are texts and parameters; nothing here chooses.

    `collections` is a parameter: the id for scope one, else the array of ids. `floor` and `ceiling` are the earliest
    and the latest datetime that an item in the window can have, None without such an end.
    """

    def __init__(self, search: Search, plan: Plan, spans: Spans) -> None:
        named = search.collections
        self.collections = Param(None if named is None else named[0] if plan.scope == "one" else list(named))
        self.scope = _in_collections(plan.scope, sql("collection"), self.collections)
        self.ids = [] if search.ids is None else [sql("id = any({}::text[])", list(search.ids))]
        ordered = plan.method in {"walk", "gate"}
        self.tests = filters.conditions([query.node(test) for test in search.tests], "query", ordered=ordered)
        self.world = search.area is not None and search.area.world
        parts = () if search.area is None or search.area.world else search.area.parts
        self.areas = [sql("st_geomfromwkb({}, 4326)", Param(part)) for part in parts]
        self.floor: Sql | None = None
        self.ceiling: Sql | None = None
        # Bounds on datetime, which the time indexes hold.
        self.bounds: list[Sql] = []
        # The common table that says whether the spans hold, and, with the bounds, the exact test of the window.
        self.tables: list[Sql] = []
        self.window: list[Sql] = []
        if search.window is not None:
            self._bound(search.window, plan.scope, spans)

    def _bound(self, window: Interval, scope: Scope, spans: Spans) -> None:
        """The conditions of a window, for items that reach no further than the spans.

        Where an item does, the statement finds nothing, and whoever asked has to look at the spans: so that bounds are
        values, which PostgreSQL plans well for, and no item is missed whose collection's spans have just grown.
        """
        hold: list[Sql] = []
        meets: list[Sql] = []
        if window.start is not None:
            self.floor = sql("{}::timestamptz", Param(window.start - min(spans.after, window.start - _FIRST)))
            self.bounds.append(sql("datetime >= {}", self.floor))
            meets.append(sql("coalesce(end_datetime, datetime) >= {}::timestamptz", window.start))
            hold.append(sql("coalesce(max(span_after), '0') <= {}::interval", spans.after))
        if window.end is not None:
            self.ceiling = sql("{}::timestamptz", Param(window.end + min(spans.before, _LAST - window.end)))
            self.bounds.append(sql("datetime <= {}", self.ceiling))
            meets.append(sql("coalesce(start_datetime, datetime) <= {}::timestamptz", window.end))
            hold.append(sql("coalesce(max(span_before), '0') <= {}::interval", spans.before))
        where = join("", [sql(" where {}", named) for named in _in_collections(scope, sql("id"), self.collections)])
        self.tables = [sql("spans as materialized (select {} as hold from collections{})", join(" and ", hold), where)]
        # In a CASE, which PostgreSQL takes to be true for a half; nearly all items within the bounds meet the window.
        exact = sql("case when {} then true else false end", join(" and ", meets))
        self.window = [*self.bounds, exact, sql("(select hold from spans)")]

    @property
    def geometry(self) -> list[Sql]:
        """In the area, by an index where there is one. st_intersects alone: && beside it would count twice."""
        return self._geometry([sql("st_intersects(geometry, {})", area) for area in self.areas])

    @property
    def unindexed_geometry(self) -> list[Sql]:
        """In the area, by the function that PostgreSQL looks no index up for."""
        return self._geometry([sql("_st_intersects(geometry, {})", area) for area in self.areas])

    def _geometry(self, tests: list[Sql]) -> list[Sql]:
        if self.world:
            return [sql("geometry is not null")]
        return [sql("({})", join(" or ", tests))] if tests else []

    @property
    def everything(self) -> list[Sql]:
        """All conditions, for a statement that leaves the choice of index to PostgreSQL; uses `tables`."""
        return [*self.scope, *self.ids, *self.tests, *self.window, *self.geometry] or [sql("true")]

    @property
    def estimable(self) -> list[Sql]:
        """All conditions that PostgreSQL can estimate: of a window the bounds alone."""
        return [*self.scope, *self.ids, *self.tests, *self.bounds, *self.geometry] or [sql("true")]


def _in_collections(scope: Scope, column: Sql, collections: Param) -> list[Sql]:
    match scope:
        case "all":
            return []
        case "one":
            return [sql("{} = {}::text", column, collections)]
        case "few" | "many":
            return [sql("{} = any({}::text[])", column, collections)]
