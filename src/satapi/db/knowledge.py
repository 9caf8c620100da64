"""Knowledge: what the server knows of the properties of items and of their indexes, as it last read them.

No answer depends on how old it is but for a name that is not known: then it is read again first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from satapi.query.inventory import COLLECTIONS, ITEMS
from satapi.query.sql import sql
from satapi.stac import properties, queryables
from satapi.stac.queryables import Known, Schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satapi.db.contents import Fetch
    from satapi.db.pool import Database
    from satapi.query.inventory import Inventory

# For so long it is taken as it is; then a search has it read again, and does not wait for that.
_FRESH_S = 10.0
# As old as this it is no reason to refuse a name.
_NEWS_S = 0.1

_DECLARED_MAX = 1_000

_DEFINITIONS = msgspec.json.Decoder(dict[str, Schema])


class Knowledge(msgspec.Struct, frozen=True):
    """The schemas of all known properties by name, and the properties that have an index, by collection or in all."""

    schemas: Mapping[str, Schema] = {}
    indexed: Mapping[str | None, frozenset[str]] = {}


class Memory:
    """What one server remembers; `strict`: what is not known may not be asked."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._known: Knowledge | None = None
        self._read_s = 0.0
        # By the collection whose own indexes are in it.
        self._inventories: dict[str | None, Inventory] = {}
        # Where nothing else may be asked: what the items of the collections that were last searched have.
        self._declared: dict[str, frozenset[str]] = {}
        self._reading: asyncio.Task[Knowledge] | None = None

    async def knowledge(self, database: Database, *, newest: bool = False) -> Knowledge:
        """What is known, read now if it never was; `newest`: if it is not of this second."""
        age_s = monotonic() - self._read_s
        if self._known is None or ((newest or self._strict) and age_s > _NEWS_S):
            return await asyncio.shield(self._read(database))
        if age_s > _FRESH_S:
            self._read(database)
        return self._known

    async def learn(self, database: Database, collections: Sequence[str] | None) -> None:
        """Have `inventory` know what items of a single collection may be asked, where that is all that may be."""
        if self._strict and collections is not None and len(collections) == 1:
            known = await of_collection(database.fetch, collections[0])
            if len(self._declared) >= _DECLARED_MAX:
                self._declared.clear()
            self._declared[collections[0]] = frozenset() if known is None else frozenset(known.schemas())

    async def of_collections(self, database: Database) -> Inventory:
        """What may be asked of collections."""
        if not self._strict:
            return COLLECTIONS
        return replace(COLLECTIONS, known=frozenset(await of_collections(database.fetch)))

    def inventory(self, collections: Sequence[str] | None) -> Inventory:
        """What may be asked of the items of these collections, or of all, as far as it is known."""
        if self._known is None:
            return ITEMS
        # An index of one collection serves searches of that one.
        alone = collections[0] if collections is not None and len(collections) == 1 else None
        own = alone if alone in self._known.indexed else None
        found = self._inventories.get(own)
        if found is None:
            indexed = self._known.indexed.get(None, frozenset()) | self._known.indexed.get(own, frozenset())
            known = frozenset(self._known.schemas) if self._strict else None
            found = replace(ITEMS, indexed=ITEMS.indexed | indexed, estimated=indexed, known=known)
            self._inventories[own] = found
        return replace(found, known=self._declared[alone]) if alone in self._declared else found

    def _read(self, database: Database) -> asyncio.Task[Knowledge]:
        if self._reading is None:
            self._reading = asyncio.create_task(self._renewed(database))
            self._reading.add_done_callback(_noticed)
        return self._reading

    async def _renewed(self, database: Database) -> Knowledge:
        try:
            self._known = await _all(database)
            self._inventories = {}
            self._read_s = monotonic()
            return self._known
        finally:
            self._reading = None


def _noticed(task: asyncio.Task[Knowledge]) -> None:
    # Where nobody waits for it the next search tries again, and fails itself if the database is away.
    if not task.cancelled():
        task.exception()


async def _all(database: Database) -> Knowledge:
    known: dict[str, Schema] = {}
    everywhere = Known({}, {})
    for collection, found, defined in await database.fetch(_KNOWN):
        if collection is None:
            everywhere = Known(properties.read(found), _DEFINITIONS.decode(defined))
        else:
            known |= _DEFINITIONS.decode(defined)
    indexed: dict[str | None, set[str]] = {}
    for collection, name in await database.fetch(_INDEXED):
        indexed.setdefault(collection, set()).add(name)
    return Knowledge(known | everywhere.schemas(), {name: frozenset(names) for name, names in indexed.items()})


_KNOWN = sql(
    "select collection, case when collection is null then found end, defined from queryables "
    "where collection is null or length(defined::text) > 2"
)
_INDEXED = sql("select collection, property from indexes where ready")


async def of_collection(fetch: Fetch, collection: str | None) -> Known | None:
    """What is known of the properties of a collection, or of all; None where there is no such collection."""
    rows = await fetch(
        sql(
            "select own.found, shared.defined, own.defined from queryables as shared "
            "left join queryables as own on own.collection = {} or (shared.collection is null and {}::text is null "
            "and own.collection is null) "
            "where shared.collection is null and ({}::text is null or exists (select from collections where id = {}))",
            collection,
            collection,
            collection,
            collection,
        )
    )
    if not rows:
        return None
    found, shared, own = rows[0]
    defined = _DEFINITIONS.decode(shared) | _DEFINITIONS.decode(own or b"{}")
    return Known(properties.read(found or b"{}"), defined)


async def of_collections(fetch: Fetch) -> dict[str, Schema]:
    """The schemas of what collections can be asked: their members, with the kinds of values that these have."""
    found = {name: kinds for name, kinds in await fetch(_MEMBERS) if name not in COLLECTIONS.refused}
    return queryables.of_collections(found)


_MEMBERS = sql(
    "select name, array_agg(distinct jsonb_typeof(value) order by jsonb_typeof(value)) "
    "from collections cross join jsonb_each(document) as member (name, value) "
    "where value <> 'null'::jsonb group by name"
)
