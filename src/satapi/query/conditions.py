"""Conditions: what a search asks, as SQL; each parameter is made once, however many branches of a statement need it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from satapi.cql2 import query
from satapi.query import filters, freetext, narrow
from satapi.query.sql import Param, Sql, join, sql

if TYPE_CHECKING:
    from satapi.query.inventory import Inventory
    from satapi.query.plan import Plan, Scope
    from satapi.stac.geometry import Part
    from satapi.stac.search import Search
    from satapi.stac.times import Interval


# What an item's times, and so all spans, stay within.
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Spans(msgspec.Struct, frozen=True):
    """How far items of the searched collections reach before and after their datetime, at most."""

    before: timedelta = timedelta(0)
    after: timedelta = timedelta(0)


class Within:
    """What a part of an area asks of an item, for one index or another."""

    def __init__(self, part: Part) -> None:
        self.area = sql("st_geomfromwkb({}, 4326)", Param(part.wkb))
        # st_intersects alone: && beside it would count twice.
        self.indexed = sql("st_intersects(geometry, {})", self.area)
        # By the function that PostgreSQL looks no index up for.
        self.unindexed = sql("_st_intersects(geometry, {})", self.area)
        # By the indexes on time, before a row is read: rounded as those columns are, what meets still meets.
        west, south, east, north = (Param(math.floor(100 * side)) for side in part.box)
        self.boxed = sql(
            "west <= {}::integer and south <= {}::integer and east >= {}::integer and north >= {}::integer",
            east,
            north,
            west,
            south,
        )


class Conditions:
    """The conditions of one search, by what they are about. All are texts and parameters; nothing here chooses.

    `collections` is a parameter: the id for scope one, else the array of ids. `floor` and `ceiling` are the earliest
    and the latest datetime that a match can have, None without such an end. `meets` is the exact test of
    the window, true only if the spans hold. `rare` asks whether the words are, where that matters, and `words` has what
    walking asks of them: that they are not.
    """

    def __init__(self, search: Search, plan: Plan, inventory: Inventory, spans: Spans) -> None:
        named = search.collections
        self.collections = Param(None if named is None else named[0] if plan.scope == "one" else list(named))
        self.scope = _in_collections(plan.scope, sql("collection"), self.collections)
        self.ids = [] if search.ids is None else [sql("id = any({}::text[])", list(search.ids))]
        ordered = plan.method in {"walk", "gate"}
        nodes = [query.node(test) for test in search.tests]
        self.tests = filters.conditions(nodes, inventory, "query", ordered=ordered)
        if search.filter is not None:
            nodes.append(search.filter)
            self.tests += filters.conditions([search.filter], inventory, "filter", ordered=ordered)
        self.text = [] if search.text is None else [freetext.matches(search.text)]
        self.rare: Sql | None = None
        if search.text is not None and plan.rare_up_to is not None:
            self.rare = freetext.are_rare(search.text, plan.rare_up_to)
        self.words = [*self.text, *([] if self.rare is None else [sql("not {}", self.rare)])]
        self.world = search.area is not None and search.area.world
        self.areas = [] if search.area is None or self.world else [Within(part) for part in search.area.parts]
        # As the filters say, and then the window.
        self.floor, self.ceiling = narrow.bounds(nodes)
        self.meets: list[Sql] = []
        self.tables: list[Sql] = []
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
            floor = window.start - min(spans.after, window.start - FIRST)
            self.floor = max(floor, self.floor or floor)
            meets.append(sql("coalesce(end_datetime, datetime) >= {}::timestamptz", window.start))
            hold.append(sql("coalesce(max(span_after), '0') <= {}::interval", spans.after))
        if window.end is not None:
            ceiling = window.end + min(spans.before, LAST - window.end)
            self.ceiling = min(ceiling, self.ceiling or ceiling)
            meets.append(sql("coalesce(start_datetime, datetime) <= {}::timestamptz", window.end))
            hold.append(sql("coalesce(max(span_before), '0') <= {}::interval", spans.before))
        where = join("", [sql(" where {}", named) for named in _in_collections(scope, sql("id"), self.collections)])
        self.tables = [sql("spans as materialized (select {} as hold from collections{})", join(" and ", hold), where)]
        # In a CASE, which PostgreSQL takes to be true for a half; nearly all items within the bounds meet the window.
        exact = sql("case when {} then true else false end", join(" and ", meets))
        self.meets = [exact, sql("(select hold from spans)")]

    @property
    def bounds(self) -> list[Sql]:
        """What a window asks of datetime, by the indexes on time."""
        floor = [] if self.floor is None else [sql("datetime >= {}::timestamptz", self.floor)]
        ceiling = [] if self.ceiling is None else [sql("datetime <= {}::timestamptz", self.ceiling)]
        return [*floor, *ceiling]

    @property
    def window(self) -> list[Sql]:
        """Bounds on datetime and the exact test."""
        return [*self.bounds, *self.meets]

    @property
    def geometry(self) -> list[Sql]:
        """In the area, by an index where there is one."""
        if self.world:
            return [sql("geometry is not null")]
        return [sql("({})", join(" or ", [area.indexed for area in self.areas]))] if self.areas else []

    @property
    def everything(self) -> list[Sql]:
        """All conditions, for a statement that leaves the choice of index to PostgreSQL; uses `tables`."""
        return [*self.text, *self.others] or [sql("true")]

    @property
    def others(self) -> list[Sql]:
        """All conditions but what is asked of words."""
        return [*self.scope, *self.ids, *self.tests, *self.window, *self.geometry]

    @property
    def estimable(self) -> list[Sql]:
        """All conditions that PostgreSQL can estimate: of a window the bounds alone."""
        return [*self.scope, *self.ids, *self.tests, *self.text, *self.bounds, *self.geometry] or [sql("true")]


def _in_collections(scope: Scope, column: Sql, collections: Param) -> list[Sql]:
    match scope:
        case "all":
            return []
        case "one":
            return [sql("{} = {}::text", column, collections)]
        case "few" | "many":
            return [sql("{} = any({}::text[])", column, collections)]
