-- The change feed: what each statement has inserted, updated and deleted of items and collections, in its transaction.
--
-- A row has many ids, so that a load pays for its batches and not for its items. Triggers of a statement fire for the
-- table that it names: a moved partition, whose move names partitions, changes nothing.

-- The one row says whether changes are recorded, and what tells this record of changes from every other.
create table change_feed (
    only_row boolean primary key default true check (only_row),
    recording boolean not null default true,
    -- another one after changes that were not recorded: whoever follows has to start anew
    generation integer not null default 1,
    -- what was pruned last, of which feed: the row, how many ids it had, and when it was written
    pruned_feed bigint,
    pruned_number bigint not null default 0,
    pruned_ids integer not null default 0,
    pruned_time timestamptz
);

insert into change_feed default values;

create table changes (
    -- change_feed_id() of then: what a dump brings from elsewhere is of another feed, whose numbers mean nothing here
    feed bigint not null,
    -- The order of changes. Who writes an item holds it until the end of the transaction, and takes a number then:
    -- of one item, later changes have greater numbers. Transactions are in no such order.
    number bigint not null generated always as identity,
    transaction bigint not null,
    time timestamptz not null,
    kind text collate "C" not null check (kind in ('item', 'collection')),
    operation text collate "C" not null check (operation in ('insert', 'update', 'delete')),
    -- of a collection its own id
    collection text collate "C" not null,
    -- a thousand at most
    ids text[] collate "C" not null,
    primary key (feed, number)
);

alter table changes alter column ids set compression lz4;

create index changes_time on changes (time);

-- Names the feed: another PostgreSQL server, database or generation is another feed. Null where nothing is recorded.
create function change_feed_id() returns bigint
language plpgsql stable parallel safe set search_path from current as $$
begin
    return (
        select hashtextextended(concat_ws('/', c.system_identifier, d.oid, f.generation), 0)
        from change_feed as f
        cross join pg_control_system() as c
        inner join pg_database as d on d.datname = current_database()
        where f.recording
    );
end
$$;

-- The number up to which nothing more will come, and the last one that was taken: who reads up to the first, in a
-- statement that begins after this one, misses nothing.
--
-- A transaction tells of the number above which all of its own are, by an advisory lock, before it takes the first. So
-- what is not told yet was not taken when the last number was looked up, and what is told no longer has ended. These
-- locks are known to the primary server alone.
create function changes_settled(out settled bigint, out last bigint)
language plpgsql security definer set search_path from current as $$
begin
    select case when s.is_called then s.last_value else 0 end into last from changes_number_seq as s;
    select least(last, min(told.above)) into settled
    from (
        select ((held.classid::bigint << 32) | held.objid::bigint) & ((1::bigint << 48) - 1) as above
        from pg_locks as held
        inner join pg_database as d on d.oid = held.database and d.datname = current_database()
        where held.locktype = 'advisory' and held.objsubid = 1 and held.classid::bigint >> 16 = 29537
    ) as told;
end
$$;

-- Tells of the changes of this transaction, once, and gives the number above which they are.
create function tell_of_changes(own bigint) returns bigint
language plpgsql security definer set search_path from current as $$
declare
    told text [] := string_to_array(current_setting('satapi.changes_above', true), '/');
    above bigint;
begin
    if told[1] = own::text then
        return told[2]::bigint;
    end if;
    select case when s.is_called then s.last_value else 0 end into above from changes_number_seq as s;
    perform pg_advisory_xact_lock_shared((29537::bigint << 48) | above);
    perform set_config('satapi.changes_above', own || '/' || above, true);
    -- Waiting readers look again when it has been committed.
    perform pg_notify('satapi_changes', '');
    return above;
end
$$;

-- An item that is deleted and inserted again in one transaction is updated. What is served of an item is its content:
-- other words, say, are no change.
create function record_item_changes() returns trigger
language plpgsql set search_path from current as $$
declare
    feed_id bigint := change_feed_id();
    own bigint;
    above bigint;
    is_change boolean;
begin
    if tg_op = 'TRUNCATE' then
        update change_feed set generation = generation + 1;
        return null;
    end if;
    if feed_id is null then
        return null;
    end if;
    -- Who changes nothing holds nobody back.
    if tg_op = 'INSERT' then
        is_change := exists (select from added);
    elsif tg_op = 'DELETE' then
        is_change := exists (select from removed);
    else
        is_change := exists (
            select from added as a full join removed as r on a.collection = r.collection and a.id = r.id
            where a.content is distinct from r.content or a.dictionary is distinct from r.dictionary
        );
    end if;
    if not is_change then
        return null;
    end if;
    own := pg_current_xact_id()::text::bigint;
    above := tell_of_changes(own);
    if tg_op = 'INSERT' and current_setting('satapi.deleted_by', true) is distinct from own::text then
        insert into changes (feed, transaction, time, kind, operation, collection, ids)
        select feed_id, own, clock_timestamp(), 'item', 'insert', collection, array_agg(id)
        from (
            select collection, id, (row_number() over (partition by collection) - 1) / 1000 as part from added
        ) as n
        group by collection, part;
    elsif tg_op = 'INSERT' then
        with back as materialized (
            select c.number, a.collection, a.id
            from changes as c
            cross join unnest(c.ids) as deleted (id)
            inner join added as a on c.collection = a.collection and deleted.id = a.id
            where
                c.feed = feed_id
                and c.number > above
                and c.transaction = own
                and c.kind = 'item'
                and c.operation = 'delete'
        ), touched as (
            select number, count(*) as ids from back group by number
        ), emptied as (
            delete from changes as c using touched as t
            where c.feed = feed_id and c.number = t.number and cardinality(c.ids) = t.ids
        ), shortened as (
            update changes as c
            set ids = array(
                select kept.id from unnest(c.ids) as kept (id)
                where kept.id not in (select b.id from back as b where b.number = c.number)
            )
            from touched as t
            where c.feed = feed_id and c.number = t.number and cardinality(c.ids) > t.ids
        ), told as (
            select a.collection, a.id, case when b.id is null then 'insert' else 'update' end as operation
            from added as a
            left join back as b on a.collection = b.collection and a.id = b.id
        )
        insert into changes (feed, transaction, time, kind, operation, collection, ids)
        select feed_id, own, clock_timestamp(), 'item', operation, collection, array_agg(id)
        from (
            select *, (row_number() over (partition by collection, operation) - 1) / 1000 as part
            from told
        ) as n
        group by collection, operation, part;
    elsif tg_op = 'DELETE' then
        insert into changes (feed, transaction, time, kind, operation, collection, ids)
        select feed_id, own, clock_timestamp(), 'item', 'delete', collection, array_agg(id)
        from (
            select collection, id, (row_number() over (partition by collection) - 1) / 1000 as part from removed
        ) as n
        group by collection, part;
        perform set_config('satapi.deleted_by', own::text, true);
    else
        insert into changes (feed, transaction, time, kind, operation, collection, ids)
        select feed_id, own, clock_timestamp(), 'item', operation, collection, array_agg(id)
        from (
            select *, (row_number() over (partition by collection, operation) - 1) / 1000 as part
            from (
                select
                    coalesce(a.collection, r.collection) as collection,
                    coalesce(a.id, r.id) as id,
                    case when r.id is null then 'insert' when a.id is null then 'delete' else 'update' end as operation
                from added as a
                full join removed as r on a.collection = r.collection and a.id = r.id
                where a.content is distinct from r.content or a.dictionary is distinct from r.dictionary
            ) as changed
        ) as n
        group by collection, operation, part;
    end if;
    return null;
end
$$;

create trigger record_inserts after insert on items referencing new table as added
for each statement execute function record_item_changes();
create trigger record_updates after update on items referencing old table as removed new table as added
for each statement execute function record_item_changes();
create trigger record_deletes after delete on items referencing old table as removed
for each statement execute function record_item_changes();
create trigger record_truncates after truncate on items
for each statement execute function record_item_changes();

create function record_collection_changes() returns trigger
language plpgsql set search_path from current as $$
declare
    feed_id bigint := change_feed_id();
    own bigint;
    is_change boolean;
begin
    if tg_op = 'TRUNCATE' then
        update change_feed set generation = generation + 1;
        return null;
    end if;
    if feed_id is null then
        return null;
    end if;
    -- Who changes nothing holds nobody back.
    if tg_op = 'INSERT' then
        is_change := exists (select from added);
    elsif tg_op = 'DELETE' then
        is_change := exists (select from removed);
    else
        is_change := exists (
            select from added as a full join removed as r on a.id = r.id
            where a.content::text is distinct from r.content::text
        );
    end if;
    if not is_change then
        return null;
    end if;
    own := pg_current_xact_id()::text::bigint;
    perform tell_of_changes(own);
    if tg_op = 'INSERT' then
        insert into changes (feed, transaction, time, kind, operation, collection, ids)
        select feed_id, own, clock_timestamp(), 'collection', 'insert', id, array[id] from added;
    elsif tg_op = 'DELETE' then
        insert into changes (feed, transaction, time, kind, operation, collection, ids)
        select feed_id, own, clock_timestamp(), 'collection', 'delete', id, array[id] from removed;
    else
        insert into changes (feed, transaction, time, kind, operation, collection, ids)
        select feed_id, own, clock_timestamp(), 'collection', operation, id, array[id]
        from (
            select
                coalesce(a.id, r.id) as id,
                case when r.id is null then 'insert' when a.id is null then 'delete' else 'update' end as operation
            from added as a
            full join removed as r on a.id = r.id
            where a.content::text is distinct from r.content::text
        ) as changed;
    end if;
    return null;
end
$$;

create trigger record_inserts after insert on collections referencing new table as added
for each statement execute function record_collection_changes();
create trigger record_updates after update on collections referencing old table as removed new table as added
for each statement execute function record_collection_changes();
create trigger record_deletes after delete on collections referencing old table as removed
for each statement execute function record_collection_changes();
create trigger record_truncates after truncate on collections
for each statement execute function record_collection_changes();

-- Deletes changes up to a time, the oldest first, at most so many rows; returns how many, and null while another does.
-- What is left begins after a place, up to which nothing is left: who has come as far has missed nothing.
create function prune_changes(before timestamptz, at_most integer) returns integer
language plpgsql set search_path from current as $$
declare
    feed_id bigint := change_feed_id();
    kept bigint;
    pruned integer;
    others integer;
begin
    if not pg_try_advisory_xact_lock('changes'::regclass::oid::bigint) then
        return null;
    end if;
    select s.settled + 1 into kept from changes_settled() as s;
    kept := least(
        kept,
        (
            select c.number from changes as c
            where c.feed = feed_id and c.time >= before
            order by c.number limit 1
        )
    );
    with old as (
        select c.number from changes as c
        where c.feed = feed_id and c.number < kept
        order by c.number limit at_most
    ), gone as (
        delete from changes as c using old
        where c.feed = feed_id and c.number = old.number
        returning c.number, cardinality(c.ids) as ids, c.time
    ), furthest as (
        select g.number, g.ids, max(g.time) over () as time from gone as g order by g.number desc limit 1
    ), noted as (
        update change_feed
        set pruned_feed = feed_id, pruned_number = f.number, pruned_ids = f.ids, pruned_time = f.time
        from furthest as f
    )
    select count(*) into pruned from gone;
    delete from changes as c where c.feed is distinct from feed_id and c.time < before;
    get diagnostics others = row_count;
    return pruned + others;
end
$$;

-- Who is sent changes: one process at a time delivers those behind the place of each, and then moves the place.
create table webhooks (
    name text collate "C" primary key,
    url text not null,
    secret text not null,
    -- null: of all collections
    collections text[] collate "C",
    -- how many are sent at once, at most
    batch integer not null check (batch between 1 and 1000),
    active boolean not null default true,
    -- another one after an operator has changed something
    version integer not null default 0,
    feed bigint not null,
    number bigint not null,
    index integer not null,
    delivered bigint not null default 0,
    -- of what comes next
    attempts integer not null default 0,
    next_attempt timestamptz,
    error text
);

-- What could not be delivered, as it was sent.
create table dead_letters (
    id bigint generated always as identity primary key,
    webhook text collate "C" not null references webhooks on update cascade on delete cascade,
    time timestamptz not null default now(),
    message text not null,
    content_type text not null,
    body bytea not null,
    error text not null
);

create index dead_letters_webhook on dead_letters (webhook, id);
