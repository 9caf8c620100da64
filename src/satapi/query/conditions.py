"""Conditions: what a search asks, as SQL; each parameter is made once, however many branches of a statement need it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from satapi.cql2 import query
from satapi.query import filters
from satapi.query.sql import Param, Sql, join, sql

if TYPE_CHECKING:
    from satapi.query.plan import Plan, Scope
    from satapi.stac.search import Search


_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Conditions:
    """The conditions of one search, by what they are about. All are texts and parameters; nothing here chooses.

    `collections` is a parameter: the id for scope one, else the array of ids.
    """

    def __init__(self, search: Search, plan: Plan) -> None:
        named = search.collections
        self.collections = Param(None if named is None else named[0] if plan.scope == "one" else list(named))
        self.scope = _in_collections(plan.scope, sql("collection"), self.collections)
        self._spanning = _in_collections(plan.scope, sql("id"), self.collections)
        self.ids = [] if search.ids is None else [sql("id = any({}::text[])", list(search.ids))]
        ordered = plan.method in {"walk", "gate"}
        self.tests = filters.conditions([query.node(test) for test in search.tests], "query", ordered=ordered)
        self.world = search.area is not None and search.area.world
        parts = () if search.area is None or search.area.world else search.area.parts
        self.areas = [sql("st_geomfromwkb({}, 4326)", Param(part)) for part in parts]
        window = search.window
        # The first and the last instant bound nothing (and asyncpg sends them as infinite).
        self.start = None if window is None or window.start in {None, _FIRST} else Param(window.start)
        self.end = None if window is None or window.end in {None, _LAST} else Param(window.end)

    @property
    def spans(self) -> list[Sql]:
        """A common table for windows: how far items of the searched collections reach before and after their datetime.

        Read in the statement, so that no item is missed whose collection's spans have just grown.
        """
        if self.start is None and self.end is None:
            return []
        return [
            sql(
                "spans as materialized (select coalesce(max(span_before), '0') as before, "
                "coalesce(max(span_after), '0') as after from collections{})",
                join("", [sql(" where {}", condition) for condition in self._spanning]),
            )
        ]

    @property
    def floor(self) -> Sql | None:
        """The earliest datetime that an item in the window can have; spans reach no further than years do."""
        if self.start is None:
            return None
        start = sql("{}::timestamptz", self.start)
        return sql("{} - least((select after from spans), {} - timestamptz '0001-01-01 00:00:00Z')", start, start)

    @property
    def ceiling(self) -> Sql | None:
        """The latest datetime that an item in the window can have."""
        if self.end is None:
            return None
        end = sql("{}::timestamptz", self.end)
        return sql("{} + least((select before from spans), timestamptz '9999-12-31 23:59:59.999999Z' - {})", end, end)

    @property
    def window(self) -> list[Sql]:
        """Bounds on datetime, which the time indexes hold, and the exact test that the intervals meet."""
        found: list[Sql] = []
        if self.floor is not None:
            found += [
                sql("datetime >= {}", self.floor),
                sql("coalesce(end_datetime, datetime) >= {}::timestamptz", self.start),
            ]
        if self.ceiling is not None:
            found += [
                sql("datetime <= {}", self.ceiling),
                sql("coalesce(start_datetime, datetime) <= {}::timestamptz", self.end),
            ]
        return found

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
        """All conditions, for a statement that leaves the choice of index to PostgreSQL; uses `spans`."""
        return [*self.scope, *self.ids, *self.tests, *self.window, *self.geometry] or [sql("true")]


def _in_collections(scope: Scope, column: Sql, collections: Param) -> list[Sql]:
    match scope:
        case "all":
            return []
        case "one":
            return [sql("{} = {}::text", column, collections)]
        case "few" | "many":
            return [sql("{} = any({}::text[])", column, collections)]
