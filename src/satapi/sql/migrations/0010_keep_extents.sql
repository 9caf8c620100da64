-- What the items of collections cover, for those collections whose extent or summaries are to be true of their items.
--
-- Writers append the bounds of what they add and remove and never wait for each other. When they have ended, somebody
-- takes all of that up, and makes the documents anew. What is appended and what is in the table items belong to
-- one transaction, so whoever reads both in one snapshot misses nothing.

-- The collection as it was given, where content is made of it and of what its items have.
alter table collections add column given json;
alter table collections alter column given set compression lz4;

-- What is around items. Longitudes are those of what lies east of Greenwich, from 0 to 180, and west of it, from -180
-- to 0: so the box that goes over the antimeridian is known too.
create type bounds as (
    east_from double precision,
    east_to double precision,
    west_from double precision,
    west_to double precision,
    south double precision,
    north double precision,
    first_time timestamptz,
    last_time timestamptz
);

-- Collections that are not as they were given.
create table extents (
    -- null: what new collections begin with
    collection text collate "C" references collections on delete cascade,
    keeps_extent boolean not null,
    keeps_summaries boolean not null,
    -- around all items, so far as it was taken up
    bounds bounds not null default row(null, null, null, null, null, null, null, null),
    -- all items have been read, or there were none when the collection was made
    is_known boolean not null default false,
    -- an item at an edge was removed since
    is_doubted boolean not null default false,
    -- the collection's document has yet to be made of this
    is_behind boolean not null default true,
    constraint extents_collection unique nulls not distinct (collection)
);
insert into extents (collection, keeps_extent, keeps_summaries) values (null, false, false);

create index extents_unsettled on extents (collection) where (is_behind or is_doubted) and collection is not null;

-- What has yet to be taken up.
create table extent_changes (
    collection text collate "C" not null,
    -- summaries: there is news in queryables
    change text not null check (change in ('added', 'removed', 'summaries')),
    bounds bounds,
    writer xid8 not null default pg_current_xact_id()
);
create index extent_changes_collection on extent_changes (collection);

create function bounds_around(one bounds, other bounds) returns bounds
language sql immutable parallel safe return row(
    least((one).east_from, (other).east_from),
    greatest((one).east_to, (other).east_to),
    least((one).west_from, (other).west_from),
    greatest((one).west_to, (other).west_to),
    least((one).south, (other).south),
    greatest((one).north, (other).north),
    least((one).first_time, (other).first_time),
    greatest((one).last_time, (other).last_time)
)::bounds;

-- Whether bounds reach as far as others on every side.
create function bounds_reach(whole bounds, part bounds) returns boolean
language sql immutable parallel safe return
coalesce((whole).east_from <= (part).east_from, (part).east_from is null)
and coalesce((whole).east_to >= (part).east_to, (part).east_to is null)
and coalesce((whole).west_from <= (part).west_from, (part).west_from is null)
and coalesce((whole).west_to >= (part).west_to, (part).west_to is null)
and coalesce((whole).south <= (part).south, (part).south is null)
and coalesce((whole).north >= (part).north, (part).north is null)
and coalesce((whole).first_time <= (part).first_time, (part).first_time is null)
and coalesce((whole).last_time >= (part).last_time, (part).last_time is null);

-- Whether bounds reach further than others on every side.
create function bounds_surround(whole bounds, part bounds) returns boolean
language sql immutable parallel safe return
coalesce((whole).east_from < (part).east_from, (part).east_from is null)
and coalesce((whole).east_to > (part).east_to, (part).east_to is null)
and coalesce((whole).west_from < (part).west_from, (part).west_from is null)
and coalesce((whole).west_to > (part).west_to, (part).west_to is null)
and coalesce((whole).south < (part).south, (part).south is null)
and coalesce((whole).north > (part).north, (part).north is null)
and coalesce((whole).first_time < (part).first_time, (part).first_time is null)
and coalesce((whole).last_time > (part).last_time, (part).last_time is null);

-- The sides of a geometry. Of one on both sides of Greenwich each part counts where it is, so one that was cut at the
-- antimeridian does not reach Greenwich.
create function geometry_bounds(shape geometry) returns table (
    east_from double precision,
    east_to double precision,
    west_from double precision,
    west_to double precision,
    south double precision,
    north double precision
)
language sql immutable parallel safe as $$
    select
        case
            when box.west >= 0 then box.west
            when box.east <= 0 then null
            when st_numgeometries(shape) = 1 then 0
            else (
                select min(greatest(st_xmin(part.geom), 0)) from st_dump(shape) as part where st_xmax(part.geom) >= 0
            )
        end,
        case when box.west >= 0 or box.east > 0 then box.east end,
        case when box.west < 0 then box.west end,
        case
            when box.west >= 0 then null
            when box.east <= 0 then box.east
            when st_numgeometries(shape) = 1 then 0
            else (select max(least(st_xmax(part.geom), 0)) from st_dump(shape) as part where st_xmin(part.geom) <= 0)
        end,
        box.south,
        box.north
    from (
        select st_xmin(b.d) as west, st_xmax(b.d) as east, st_ymin(b.d) as south, st_ymax(b.d) as north
        from (select box3d(shape) as d offset 0) as b
        offset 0
    ) as box
$$;

-- Only of collections whose extent is kept. Who has one snapshot for all of a transaction may not see that it is.
create function note_extents() returns trigger
language plpgsql set search_path from current as $$
declare
    blind constant boolean := current_setting('transaction_isolation') <> 'read committed';
begin
    if not blind and not exists (select from extents where keeps_extent and collection is not null) then
        return null;
    end if;
    if tg_op = 'TRUNCATE' then
        insert into extent_changes (collection, change, bounds)
        select collection, 'removed', bounds from extents where keeps_extent and collection is not null;
    end if;
    -- An item that is not at an edge leaves nothing of which something could be too wide.
    if tg_op in ('DELETE', 'UPDATE') then
        insert into extent_changes (collection, change, bounds)
        select gone.collection, 'removed', gone.bounds
        from (
            select
                i.collection,
                row(
                    min(g.east_from), max(g.east_to), min(g.west_from), max(g.west_to), min(g.south), max(g.north),
                    min(least(i.datetime, i.start_datetime)), max(greatest(i.datetime, i.end_datetime))
                )::bounds as bounds
            from removed as i
            left join extents as e on i.collection = e.collection
            cross join lateral geometry_bounds(i.geometry) as g
            where e.keeps_extent or blind
            group by i.collection
        ) as gone
        left join extents as e on gone.collection = e.collection
        where not coalesce(bounds_surround(e.bounds, gone.bounds), false);
    end if;
    if tg_op in ('INSERT', 'UPDATE') then
        with came as (
            insert into extent_changes (collection, change, bounds)
            select
                i.collection,
                'added',
                row(
                    min(g.east_from), max(g.east_to), min(g.west_from), max(g.west_to), min(g.south), max(g.north),
                    min(least(i.datetime, i.start_datetime)), max(greatest(i.datetime, i.end_datetime))
                )::bounds
            from added as i
            left join extents as e on i.collection = e.collection
            cross join lateral geometry_bounds(i.geometry) as g
            where e.keeps_extent or blind
            group by i.collection
            returning collection, bounds
        )
        -- What the same writer removed before is made good: an item that is replaced is deleted and inserted.
        delete from extent_changes as gone
        using came
        where
            gone.collection = came.collection and gone.change = 'removed' and gone.writer = pg_current_xact_id()
            and bounds_reach(came.bounds, gone.bounds);
    end if;
    return null;
end
$$;

create trigger note_extents_of_inserts after insert on items referencing new table as added
for each statement execute function note_extents();
create trigger note_extents_of_updates after update on items referencing old table as removed new table as added
for each statement execute function note_extents();
create trigger note_extents_of_deletes after delete on items referencing old table as removed
for each statement execute function note_extents();
create trigger note_extents_of_truncates after truncate on items
for each statement execute function note_extents();

-- News of what summaries are made of.
create function note_summaries() returns trigger
language plpgsql set search_path from current as $$
begin
    if tg_op = 'INSERT' or old.found::text <> new.found::text then
        insert into extent_changes (collection, change)
        select collection, 'summaries' from extents where collection = new.collection and keeps_summaries;
    end if;
    return null;
end
$$;

create trigger note_summaries after insert or update on queryables
for each row execute function note_summaries();

-- New collections begin as is said of them.
create function begin_extents() returns trigger
language plpgsql set search_path from current as $$
begin
    insert into extents (collection, keeps_extent, keeps_summaries, is_known)
    select made.id, start.keeps_extent, start.keeps_summaries, true
    from made
    cross join extents as start
    where start.collection is null and (start.keeps_extent or start.keeps_summaries);
    return null;
end
$$;

create trigger begin_extents after insert on collections referencing new table as made
for each statement execute function begin_extents();

-- Takes up what has changed, unless another transaction is doing so for that collection; returns how many changes.
create function fold_extents() returns bigint
language plpgsql set search_path from current as $$
declare
    held text[];
    folded bigint;
begin
    if not exists (select from extent_changes) then
        return 0;
    end if;
    held := array(
        select e.collection
        from extents as e
        where e.collection in (select c.collection from extent_changes as c)
        order by e.collection
        for update skip locked
    );
    with taken as (
        delete from extent_changes where collection = any(held)
        returning collection, change, case when change = 'added' then bounds end as bounds
    ), summed as (
        select
            collection,
            row(
                min((bounds).east_from), max((bounds).east_to), min((bounds).west_from), max((bounds).west_to),
                min((bounds).south), max((bounds).north), min((bounds).first_time), max((bounds).last_time)
            )::bounds as bounds,
            bool_or(change = 'removed') as has_removed,
            bool_or(change = 'summaries') as has_news
        from taken
        group by collection
    ), folded as (
        update extents as e
        set
            bounds = bounds_around(e.bounds, s.bounds),
            is_doubted = e.is_doubted or s.has_removed,
            is_behind = e.is_behind or s.has_news or not bounds_reach(e.bounds, s.bounds)
        from summed as s
        where e.collection = s.collection
    )
    select count(*) into folded from taken;
    -- Of collections that are as they were given.
    delete from extent_changes as c where not exists (select from extents as e where e.collection = c.collection);
    return folded;
end
$$;

-- Reads all items of a collection: its bounds are exact then, whatever is written meanwhile.
create function read_extent(named text) returns void
language plpgsql set search_path from current set enable_bitmapscan = on as $$
begin
    perform from extents where collection = named for update;
    with taken as (
        delete from extent_changes where collection = named and change <> 'summaries'
    ), found as (
        select
            row(
                min(g.east_from), max(g.east_to), min(g.west_from), max(g.west_to), min(g.south), max(g.north),
                min(least(i.datetime, i.start_datetime)), max(greatest(i.datetime, i.end_datetime))
            )::bounds as bounds
        from items as i
        cross join lateral geometry_bounds(i.geometry) as g
        where i.collection = named
    )
    update extents as e
    set
        bounds = found.bounds,
        is_known = true,
        is_doubted = false,
        is_behind = e.is_behind or not e.is_known or e.bounds is distinct from found.bounds
    from found
    where e.collection = named;
end
$$;
