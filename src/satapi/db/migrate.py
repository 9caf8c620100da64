"""Migrations: the numbered SQL files that make the schema, applied once each, in order, and never changed."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from hashlib import sha256
from importlib import resources
from typing import TYPE_CHECKING, cast

import asyncpg
import msgspec

from satapi.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# Any number that nobody else takes advisory locks on; these are the letters of satapi.
_LOCK = int.from_bytes(b"satapi")
_LOCK_POLL_S = 0.2
# A migration that waits for a lock makes all later queries of that table wait behind it.
_LOCK_TIMEOUT = "5s"
_NO_TRANSACTION = "-- no-transaction\n"


class Migration(msgspec.Struct, frozen=True):
    """One file NNNN_verb_object.sql.

    It runs in a transaction, together with the record that it ran. One that begins with the line `-- no-transaction`,
    as indexes built concurrently need, runs statement by statement: each ends with a semicolon at a line's end and may
    run again (`if not exists`), because the last run may have stopped half way.
    """

    name: str
    text: str

    @property
    def number(self) -> int:
        """The number that the name begins with."""
        return int(self.name[:4])

    @property
    def sha256(self) -> str:
        """The hash of the text, by which a change after the fact is noticed; hexadecimal."""
        return sha256(self.text.encode()).hexdigest()


class Applied(msgspec.Struct, frozen=True):
    """A migration that the database records."""

    name: str
    sha256: str
    applied: datetime


class Status(msgspec.Struct, frozen=True):
    """How a database stands to satapi's migrations: the names of those not applied, changed since, or unknown here."""

    schema: str
    applied: tuple[Applied, ...]
    pending: tuple[str, ...]
    changed: tuple[str, ...]
    unknown: tuple[str, ...]


def own_migrations() -> tuple[Migration, ...]:
    """All migrations of this version of satapi, in order."""
    folder = resources.files("satapi") / "sql" / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(Migration(file.name.removesuffix(".sql"), file.read_text("utf-8")) for file in files)


async def status(connection: asyncpg.Connection, migrations: Iterable[Migration] | None = None) -> Status:
    """Compare the database with the migrations; by default with satapi's own. Reads only."""
    known = {migration.name: migration for migration in migrations or own_migrations()}
    schema = await _schema(connection)
    applied = await _applied(connection, schema)
    names = {row.name for row in applied}
    return Status(
        schema=schema,
        applied=applied,
        pending=tuple(name for name in known if name not in names),
        changed=tuple(row.name for row in applied if row.name in known and row.sha256 != known[row.name].sha256),
        unknown=tuple(row.name for row in applied if row.name not in known),
    )


async def check(connection: asyncpg.Connection) -> None:
    """Raise SchemaError unless the database has exactly satapi's own migrations; it says what to run."""
    found = await status(connection)
    _refuse_others(found)
    if found.pending:
        raise SchemaError(
            f"The database's schema {found.schema} lacks {', '.join(found.pending)}; run `satapi db migrate` on it"
        )


async def migrate(
    connection: asyncpg.Connection, say: Callable[[str], None], migrations: Sequence[Migration] | None = None
) -> list[str]:
    """Apply the migrations that the database lacks, and return their names.

    Safe when several run at once: one applies, the others wait and find nothing left to do. Raises SchemaError for a
    migration that was changed since it was applied, that this satapi does not know, or that fails: then those before it
    stay applied and it is tried again by the next run.
    """
    migrations = migrations or own_migrations()
    await _lock(connection, say)
    try:
        await _make_record(connection)
        found = await status(connection, migrations)
        _refuse_others(found)
        for migration in migrations:
            if migration.name in found.pending:
                say(f"Applying {migration.name}")
                await _apply(connection, migration)
        await _tell_what_is_left(connection, found.pending, say)
        return list(found.pending)
    finally:
        await connection.execute("select pg_advisory_unlock($1)", _LOCK)


# What is made of items and collections as they are stored, and by these commands of those that are there already.
_REFRESHED_BY = {"0004_create_queryables": "satapi queryables refresh", "0006_index_words": "satapi text refresh"}


async def _tell_what_is_left(
    connection: asyncpg.Connection, applied: Sequence[str], say: Callable[[str], None]
) -> None:
    left = [command for name, command in _REFRESHED_BY.items() if name in applied]
    if left and await connection.fetchval("select exists (select from collections)"):
        commands = " and ".join(f"`{command}`" for command in left)
        say(f"Run {commands} once: what is stored already lacks what these migrations are for")


async def _lock(connection: asyncpg.Connection, say: Callable[[str], None]) -> None:
    # By polling: a session that waits within a statement is one that indexes built concurrently would wait for.
    waited = False
    while not await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK):
        if not waited:
            say("Waiting for another migration of this database")
            waited = True
        await asyncio.sleep(_LOCK_POLL_S)


async def _schema(connection: asyncpg.Connection) -> str:
    # The first of the search path; current_schema() would skip it while it does not exist.
    path = cast("str", await connection.fetchval("select current_setting('search_path')"))
    return path.partition(",")[0].strip(' "')


async def _make_record(connection: asyncpg.Connection) -> None:
    schema = await _schema(connection)
    # "if not exists" would need the right to create schemas even where there is nothing to create.
    if not await connection.fetchval("select exists (select from pg_namespace where nspname = $1)", schema):
        await connection.execute(await connection.fetchval("select format('create schema %I', $1::text)", schema))
    await connection.execute(
        """
        create table if not exists migrations (
            number integer primary key,
            name text not null unique,
            sha256 text not null,
            applied timestamptz not null default now()
        )
        """
    )


async def _applied(connection: asyncpg.Connection, schema: str) -> tuple[Applied, ...]:
    # Asked for by its full name: what follows the schema in the search path may have a table of this name too.
    if not await connection.fetchval("select to_regclass(format('%I.migrations', $1::text)) is not null", schema):
        return ()
    rows = await connection.fetch("select name, sha256, applied from migrations order by number")
    return tuple(Applied(row["name"], row["sha256"], row["applied"]) for row in rows)


def _refuse_others(found: Status) -> None:
    if found.unknown:
        raise SchemaError(
            f"The database's schema {found.schema} has {', '.join(found.unknown)}, which this satapi does not know; "
            "update satapi"
        )
    if found.changed:
        raise SchemaError(
            f"{', '.join(found.changed)} changed after it was applied to the database's schema {found.schema}; install "
            "the satapi that made it, or put the change into a migration of its own"
        )


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    try:
        if migration.text.startswith(_NO_TRANSACTION):
            await _drop_half_built_indexes(connection, migration)
            for statement in re.split(r"(?<=;)[ \t]*\n", migration.text):
                await connection.execute(statement)
            await _record(connection, migration)
        else:
            async with connection.transaction():
                await connection.execute("select set_config('lock_timeout', $1, true)", _LOCK_TIMEOUT)
                await connection.execute(migration.text)
                await _record(connection, migration)
    except asyncpg.LockNotAvailableError as error:
        raise SchemaError(
            f"{migration.name} waited {_LOCK_TIMEOUT} for a table that other sessions use, and was not applied; "
            "run `satapi db migrate` again when they have ended"
        ) from error
    except asyncpg.PostgresError as error:
        raise SchemaError(f"{migration.name} was not applied: {error}") from error


async def _drop_half_built_indexes(connection: asyncpg.Connection, migration: Migration) -> None:
    # A concurrent build that fails leaves an index that is never used, slows writes, and is in the way of the next try.
    drops = await connection.fetch(
        """
        select format('drop index concurrently %I.%I', n.nspname, c.relname) as statement
        from pg_index as i
        join pg_class as c on c.oid = i.indexrelid
        join pg_namespace as n on n.oid = c.relnamespace
        where not i.indisvalid and c.relkind = 'i' and n.nspname = $1 and c.relname = any($2::text[])
        """,
        await _schema(connection),
        re.findall(r"\w+", migration.text),
    )
    for drop in drops:
        await connection.execute(drop["statement"])


async def _record(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute(
        "insert into migrations (number, name, sha256) values ($1, $2, $3)",
        migration.number,
        migration.name,
        migration.sha256,
    )
