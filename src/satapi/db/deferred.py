"""Deferred indexes: those of the table items, dropped before a first load and built after it.

While they are away their definitions are in a table, so whoever comes next can build them, whatever ended the load.
Searches are answered without them, slowly where there is much; the primary key stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.db.indexes import alone
from satapi.db.move import patiently
from satapi.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg

# More are searched without indexes too slowly, and bring the building little.
_ITEMS_MAX = 100_000


async def are_deferred(connection: asyncpg.Connection) -> bool:
    """Whether there are indexes to build."""
    return await connection.fetchval("select to_regclass('deferred_indexes') is not null")


async def defer(connection: asyncpg.Connection, *, force: bool, items_max: int = _ITEMS_MAX) -> None:
    """Drop the indexes until `build`; where they are away already nothing is done.

    Raises ConflictError where there are more items than that, unless that is forced, and while indexes are built.
    """
    async with alone(connection):
        if await are_deferred(connection):
            return
        if not force and await connection.fetchval(_HAS_MANY, items_max):
            raise ConflictError(
                f"There are more than {items_max:,} items already, and searches of them would be slow until the end of "
                "the load; load without --defer-indexes, or give --force too"
            )
        await patiently(connection, _DEFER)


async def build(connection: asyncpg.Connection, on_index: Callable[[str], None]) -> int:
    """Build what is deferred, and return how many indexes that were; writers wait meanwhile, searches do not.

    `on_index` gets the name of each index before it is built. Each that is whole stays so, whatever ends this. Raises
    ConflictError while another session builds.
    """
    async with alone(connection):
        if not await are_deferred(connection):
            return 0
        indexes = await connection.fetch("select name, definition from deferred_indexes order by name")
        for name, definition in indexes:
            if await connection.fetchval("select to_regclass(quote_ident($1)) is null", name):
                on_index(name)
                await connection.execute(definition)
        await connection.execute("drop table deferred_indexes")
        await connection.execute("analyze items")
    return len(indexes)


_HAS_MANY = "select count(*) > $1 from (select from items limit $1 + 1) as found"

# The text of an index of a partitioned table says "only", which would leave its partitions without.
_DEFER = """
    do $do$
    declare
        name text;
    begin
        create table deferred_indexes as
        select c.relname as name, regexp_replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ') as definition
        from pg_index as i
        inner join pg_class as c on i.indexrelid = c.oid
        where i.indrelid = 'items'::regclass and not i.indisunique;
        for name in select d.name from deferred_indexes as d loop
            execute format('drop index %%I', name);
        end loop;
    end
    $do$
"""
