"""Rows: what a statement for a page returns, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from satapi.query.keyset import sorted_by
from satapi.query.sql import Param, Sql, join, sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satapi.query.keyset import Key, Order

# What a row carries: the item, or (for a large page that is read in pieces) its stored size in bytes.
Carried = Literal["content", "size"]

_CARRIED = {"content": sql("content"), "size": sql("octet_length(content)")}

_ITEMS = sql("items")

# The names that the values of an order's keys have in a statement; as many as a search may have.
KEY_NAMES = (sql("k1"), sql("k2"), sql("k3"), sql("k4"), sql("k5"), sql("k6"), sql("k7"), sql("k8"))


class Rows:
    """The rows of one statement: `columns` is a branch's SELECT list, `limit` the parameter of its LIMIT."""

    def __init__(self, order: Order, carried: Carried, limit: int) -> None:
        self.limit = Param(limit)
        self.order = order
        self._names = {key.column.name: name for key, name in zip(order.values, KEY_NAMES, strict=False)}
        values = [sql("{} as {}", key.column.expression, self._names[key.column.name]) for key in order.values]
        self.columns = join(", ", [sql("collection, id, dictionary, {} as content", _CARRIED[carried]), *values])

    def branch(
        self,
        where: Sequence[Sql],
        keys: Sequence[Key] | None = None,
        *,
        nulls: bool = True,
        source: Sql = _ITEMS,
    ) -> Sql:
        """Rows of items in the order, or by some of its keys; without `nulls` none has a missing value."""
        backward = self.order.backward
        return sql(
            "select {} from {} where {} order by {} limit {}",
            self.columns,
            source,
            join(" and ", where or [sql("true")]),
            join(
                ", ",
                (
                    sorted_by(key, key.column.expression, backward=backward, nulls=nulls)
                    for key in (self.order.keys if keys is None else keys)
                ),
            ),
            self.limit,
        )

    def final(self, branches: Sql, *first: Sql) -> Sql:
        """The final SELECT over the rows of branches: by `first`, then in the order, cut to the limit."""
        # Renamed, since ORDER BY would take the text for the value if it had the same name.
        values = [
            sql("{}::text as value", self._named(key)) if key.column.kind == "json" else self._named(key)
            for key in self.order.values
        ]
        keys = [sorted_by(key, self._named(key), backward=self.order.backward) for key in self.order.keys]
        return sql(
            "select {} from ({}) as found order by {} limit {}",
            join(", ", [sql("collection, id, dictionary, content"), *values]),
            branches,
            join(", ", [*first, *keys]),
            self.limit,
        )

    def _named(self, key: Key) -> Sql:
        return self._names.get(key.column.name, key.column.expression)
