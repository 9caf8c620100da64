-- The indexes that searches are planned for, on the table and on each of its partitions.
begin;
create schema pgtap;
create extension pgtap schema pgtap;
set local search_path = satapi, public, pgtap;

select no_plan();

select indexes_are(
    'satapi', 'collections',
    array[
        'collections_pkey', 'collections_geometry', 'collections_span_after', 'collections_span_before',
        'collections_times', 'collections_words'
    ]
);
select indexes_are(
    'satapi', 'items',
    array[
        'items_pkey', 'items_collection_datetime', 'items_datetime', 'items_geometry_second',
        'items_cloud_cover', 'items_words'
    ]
);

create function pg_temp.definition(index text) returns text
return regexp_replace(pg_get_indexdef(index::regclass), '^.* USING ', '');

select is(
    pg_temp.definition('items_collection_datetime'),
    'btree (collection, datetime DESC, id, west, south, east, north)',
    'newest of one'
);
select is(
    pg_temp.definition('items_datetime'),
    'btree (datetime DESC, collection, id, west, south, east, north)',
    'newest of all'
);
select is(pg_temp.definition('items_pkey'), 'btree (id, collection)', 'by id, also alone');
select is(
    pg_temp.definition('items_geometry_second'),
    'gist (geometry, second, hashtext(collection))',
    'newest in an area'
);

-- A partition that is made or attached later gets them too.
create table items_large partition of items for values in ('large');
select results_eq(
    $$select count(*) from pg_index where indrelid = 'items_large'::regclass and indisvalid$$,
    $$select count(*) from pg_index where indrelid = 'items'::regclass$$,
    'a new partition has every index'
);
select is_empty(
    $$
        select indexrelid::regclass
        from pg_index
        where indrelid in (select relid from pg_partition_tree('items')) and not indisvalid
    $$,
    'no index is half built'
);

select t.line from finish() as t (line);
rollback;
