-- Free text: the words of items and collections, and whether what is asked of them is rare.
--
-- The loader makes the words, as it makes all columns out of a document: PostgreSQL would take ten times as long for a
-- generated column, which is more than the rest of a row costs.

-- Whose words items have, beside their place: one row, which each batch of a load holds.
create table free_text (
    members text[] not null
);
create unique index free_text_single on free_text ((true));
insert into free_text values (array['title', 'description', 'keywords', 'instruments', 'platform']);

-- Null where nobody has made them: `satapi text refresh` does. They stay in the row, where filters read them.
alter table items add column words tsvector;
alter table collections add column words tsvector;

do $$
declare
    holder regclass;
begin
    for holder in select relid from pg_partition_tree('items') union all select 'collections'::regclass loop
        execute format(
            'alter table only %s alter column words set storage main, alter column words set compression lz4', holder
        );
    end loop;
end
$$;

-- New rows go to a list that is put into the index when it has grown: ten times as fast as one by one. Searches read
-- all of the list, so it is short (kB).
create index items_words on items using gin (words) with (gin_pending_list_limit = 256);
create index collections_words on collections using gin (words) with (gin_pending_list_limit = 256);

-- Words that stand side by side, as a query; none is never there.
create function words_query(words text[]) returns tsquery
language sql immutable strict parallel safe as $$
    select string_agg('''' || replace(replace(word, '\', '\\'), '''', '''''') || '''', ' <-> ' order by place)::tsquery
    from unnest(words) with ordinality as each (word, place)
$$;

-- Lets the statement that is being planned be read through bitmaps, the only way to read an index on words. Connections
-- of the server plan without them; the setting ends with the statement's transaction.
create function with_bitmaps() returns boolean
language plpgsql immutable parallel unsafe as $$
begin
    perform set_config('enable_bitmapscan', 'on', true);
    return true;
end
$$;

-- Whether so few items have the words of a query (one without negations) that they are better found by their index than
-- by walking: share * share * items is at most a bound, as for areas (is_broad), and for the same reason asked while
-- PostgreSQL plans. Of words side by side, as of all that must be there, the rarest counts. The statistics have the
-- shares of common words; without any, no word is rare.
create function words_are_rare(asked tsquery, above double precision) returns boolean
language plpgsql immutable parallel unsafe as $$
declare
    question text := concat_ws(' ', statement_timestamp(), above, md5(asked::text));
    answered text[] := string_to_array(current_setting('satapi.words_are_rare', true), ';');
    rare boolean;
begin
    if answered[1] = question then
        return answered[2]::boolean;
    end if;
    select
        not array_to_tsvector(array(
            select common.word
            from unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs) as common (word, share)
            where common.word is not null and common.share * common.share * c.reltuples > above
        )) @@ replace(asked::text, '<->', '&')::tsquery
    into rare
    from pg_class as c
    inner join pg_namespace as n on c.relnamespace = n.oid
    inner join pg_stats as s on n.nspname = s.schemaname and c.relname = s.tablename
    where c.oid = 'items'::regclass and s.attname = 'words' and s.inherited;
    rare := coalesce(rare, false);
    -- A statement asks for each of its parts; an analyze in between must not change the answer.
    perform set_config('satapi.words_are_rare', concat_ws(';', question, rare), true);
    if rare then
        -- As with_bitmaps, which would be called only when this is planned.
        perform set_config('enable_bitmapscan', 'on', true);
    end if;
    return rare;
end
$$;
