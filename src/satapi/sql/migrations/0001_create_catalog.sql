-- The catalog: collections and their items.
--
-- Text keys are in the "C" collation: keyset paging, Python and every database locale then agree on their order.

create extension if not exists postgis schema public;
create extension if not exists btree_gist schema public;

-- What the contents of items are compressed against: an item of their collection, as plain JSON.
create table dictionaries (
    number integer generated always as identity primary key,
    content bytea not null
);

create table collections (
    id text collate "C" primary key,
    -- the collection as it was given, without the links that the server makes; its links member is last
    content json not null,
    -- for new items; there is one when a load brought enough items that are alike
    dictionary integer references dictionaries,
    -- how far an item's start lies before, and its end after, its datetime, at most: see items.datetime
    span_before interval not null default '0',
    span_after interval not null default '0'
);

alter table collections alter column content set compression lz4;

-- So that max() over all collections is a probe.
create index collections_span_before on collections (span_before);
create index collections_span_after on collections (span_after);

create table items (
    collection text collate "C" not null,
    id text collate "C" not null,
    geometry geometry (geometry, 4326),
    -- the item's datetime, or its start where that is null: the one time that orders searches
    datetime timestamptz not null
    check (datetime between '0001-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'),
    start_datetime timestamptz,
    end_datetime timestamptz,
    created timestamptz,
    updated timestamptz,
    -- a copy of the properties for filters and sorting; what is served is content
    properties jsonb not null,
    -- the item as it was given, without the links that the server makes; its links member is last. A zstd frame (RFC
    -- 8878) against the dictionary, or plain JSON
    content bytea not null,
    dictionary integer,
    -- the box around the geometry in hundredths of a degree, rounded down: indexes on time hold it, so that a walk in
    -- time reads no rows of elsewhere
    west smallint generated always as (floor(100 * st_xmin(box2d(geometry)::box3d))) stored,
    south smallint generated always as (floor(100 * st_ymin(box2d(geometry)::box3d))) stored,
    east smallint generated always as (floor(100 * st_xmax(box2d(geometry)::box3d))) stored,
    north smallint generated always as (floor(100 * st_ymax(box2d(geometry)::box3d))) stored,
    -- the datetime without its fraction of a second: distances in a GiST index are floating-point seconds, and whole
    -- ones are exact over all years
    second timestamptz generated always as (date_bin('1 second', datetime, timestamptz '0001-01-01 00:00:00Z')) stored,
    -- by id first, so that it answers for an id alone too
    primary key (id, collection)
) partition by list (collection);

-- Filters read properties beside the other columns, and few searches need the content of a row that they visit.
alter table items alter column properties set storage main;
alter table items alter column properties set compression lz4;
alter table items alter column content set storage external;

-- A collection lives here until it is large enough for a partition of its own.
create table items_default partition of items default with (toast_tuple_target = 128);

-- Without its dictionary an item cannot be read, so none is ever changed or deleted. This costs loads nothing, which a
-- foreign key of each item would.
create function keep_dictionaries() returns trigger
language plpgsql as $$
begin
    raise exception 'dictionaries are never changed: items cannot be read without them';
end
$$;

create trigger keep_dictionaries before update or delete or truncate on dictionaries
for each statement execute function keep_dictionaries();

-- Newest first in one collection, and over all; in an area too, where it is broad.
create index items_collection_datetime on items (collection, datetime desc, id, west, south, east, north);
create index items_datetime on items (datetime desc, collection, id, west, south, east, north);
-- Newest first in a narrow area: read in order of distance from a time, within a geometry. The hash keeps a search of a
-- small collection from reading the rows of others.
create index items_geometry_second on items using gist (geometry, second, hashtext(collection));
-- The property that most searches of imagery filter and sort by.
create index items_cloud_cover on items (nullif(properties -> 'eo:cloud_cover', 'null'::jsonb), collection, id)
where nullif(properties -> 'eo:cloud_cover', 'null'::jsonb) is not null;

-- Whether an area is broad: share * share * items is above a bound, for the share of items whose box meets the area's,
-- as the statistics of the last analyze tell; without any it is narrow. Called immutable, which statistics are not, so
-- that PostgreSQL asks while it plans a search, and then plans only one of the two ways to read an area. It plans each
-- search anew, with its values.
create function is_broad(area geometry, above double precision) returns boolean
language plpgsql immutable parallel safe as $$
declare
    estimated real;
begin
    select c.reltuples into estimated from pg_class as c where c.oid = 'items'::regclass;
    return power(_postgis_selectivity('items'::regclass, 'geometry', area), 2) * estimated > above;
exception when internal_error then
    return false;
end
$$;
