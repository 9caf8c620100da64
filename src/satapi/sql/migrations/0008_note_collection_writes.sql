-- How often collections have been written: what a search of them found holds while that number is the same.
--
-- Each writer adds a row of its own and waits for nobody. The sum is of what a statement sees, as everything else in
-- it: who sees one more write sees a greater sum. Now and then a writer puts the rows together.
create table collection_writes (
    statements bigint not null
);

create function note_collection_write() returns trigger
language plpgsql set search_path from current as $$
begin
    insert into collection_writes values (1);
    -- A transaction with one snapshot for all of its statements would fail where another has added up meanwhile.
    if random() < 0.05 and current_setting('transaction_isolation') = 'read committed'
        and pg_try_advisory_xact_lock('collection_writes'::regclass::oid::bigint)
    then
        with taken as (
            delete from collection_writes returning statements
        )
        insert into collection_writes select sum(statements) from taken having count(*) > 0;
    end if;
    return null;
end
$$;

-- Of the columns that searches read, directly or generated; loaders of items write others.
create trigger note_writes after insert or update of content, words or delete or truncate on collections
for each statement execute function note_collection_write();
