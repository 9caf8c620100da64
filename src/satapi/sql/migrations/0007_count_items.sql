-- How many items each collection has of each day, kept true by whatever writes the table items.
--
-- Writers append what they change and never wait for each other; now and then one of them adds the changes up. A moved
-- partition changes nothing: triggers of a statement fire for the table that it names, and a move names partitions.

create table item_counts (
    -- null: all collections
    collection text collate "C",
    -- of the item's datetime, in UTC; null: all days
    day date,
    items bigint not null,
    unique nulls not distinct (collection, day)
);

create index item_counts_all_days on item_counts (collection) where day is null;

-- What has changed since: the number of items is the sum of both tables.
create table item_changes (
    collection text collate "C" not null,
    day date not null,
    items bigint not null
);

create function utc_day(instant timestamptz) returns date
language sql immutable parallel safe return (instant at time zone 'UTC')::date;

-- Adds the changes up, unless another transaction is doing so; returns how many there were.
create function fold_item_changes() returns bigint
language plpgsql set search_path from current as $$
declare
    folded bigint;
begin
    if not pg_try_advisory_xact_lock('item_counts'::regclass::oid::bigint) then
        return 0;
    end if;
    with taken as (
        delete from item_changes returning collection, day, items
    ), summed as (
        select collection, day, sum(items)::bigint as items
        from taken
        group by cube (collection, day)
        having sum(items) <> 0
    ), added as (
        insert into item_counts as c (collection, day, items)
        select collection, day, items from summed
        on conflict (collection, day) do update set items = c.items + excluded.items
    )
    select count(*) into folded from taken;
    return folded;
end
$$;

-- Counts all items anew, while nobody writes: for whoever has written, truncated or detached a partition by its name.
create function recount_items() returns void
language plpgsql set search_path from current as $$
begin
    lock table items in share row exclusive mode;
    truncate item_counts, item_changes;
    insert into item_counts
    select collection, day, sum(items)
    from (select collection, utc_day(datetime) as day, count(*) as items from items group by 1, 2) as counted
    group by cube (collection, day)
    having count(*) > 0;
end
$$;

-- Changes are added up at the end of a load, else with a chance that grows with their number: readers meet some 50,000.
create function note_item_changes() returns trigger
language plpgsql set search_path from current as $$
declare
    appended bigint;
begin
    case tg_op
        when 'INSERT' then
            insert into item_changes select collection, utc_day(datetime), count(*) from added group by 1, 2;
        when 'DELETE' then
            insert into item_changes select collection, utc_day(datetime), -count(*) from removed group by 1, 2;
        when 'UPDATE' then
            insert into item_changes
            select collection, day, sum(items)
            from (
                select collection, utc_day(datetime) as day, 1 as items from added
                union all
                select collection, utc_day(datetime), -1 from removed
            ) as changed
            group by 1, 2
            having sum(items) <> 0;
        else
            truncate item_counts, item_changes;
            return null;
    end case;
    get diagnostics appended = row_count;
    -- A transaction with one snapshot for all of its statements would fail where another has added up meanwhile.
    if random() * 50000 < appended and current_setting('transaction_isolation') = 'read committed' then
        perform fold_item_changes();
    end if;
    return null;
end
$$;

create trigger note_inserts after insert on items referencing new table as added
for each statement execute function note_item_changes();
create trigger note_updates after update on items referencing old table as removed new table as added
for each statement execute function note_item_changes();
create trigger note_deletes after delete on items referencing old table as removed
for each statement execute function note_item_changes();
create trigger note_truncates after truncate on items
for each statement execute function note_item_changes();

select recount_items();

-- Where the middle of an item is: of one that was cut at the antimeridian, between its parts and not opposite.
create function item_centroid(shape geometry) returns geometry
language sql immutable parallel safe
return case
    when st_xmax(shape) - st_xmin(shape) <= 180 or st_numgeometries(shape) = 1 then st_centroid(shape)
    when
        st_xmax(st_shiftlongitude(shape)) - st_xmin(st_shiftlongitude(shape)) < st_xmax(shape) - st_xmin(shape)
        then st_wrapx(st_centroid(st_shiftlongitude(shape)), 180, -360)
    else st_centroid(shape)
end;
