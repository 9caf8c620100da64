"""Statistics: what searches are planned with and what is counted, renewed at the end of a load."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

_CHANGED_SHARE = 0.1


async def renew(connection: asyncpg.Connection, changed: int) -> None:
    """Renew the statistics if a tenth has changed, since autovacuum knows the partitions only, and add up the counts.

    What other loads left undone counts too, by the rows that there are by now.
    """
    known, found = await connection.fetchrow(_KNOWN_AND_FOUND) or (0, 0)
    if max(changed, abs(found - known)) > known * _CHANGED_SHARE:
        await connection.execute("analyze items")
    # So that readers of the counts need not.
    await connection.execute("select fold_item_changes()")


_KNOWN_AND_FOUND = """
    select greatest(known.reltuples, 0), coalesce(sum(found.n_live_tup), 0)::float8
    from pg_class as known
    cross join pg_partition_tree('items') as part
    left join pg_stat_all_tables as found on found.relid = part.relid and part.isleaf
    where known.oid = 'items'::regclass
    group by known.reltuples
"""
