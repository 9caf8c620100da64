-- The catalog's tables: their columns and types, and what must hold of their rows.
begin;
create schema pgtap;
create extension pgtap schema pgtap;
set local search_path = satapi, public, pgtap;

select no_plan();

select tables_are(
    'satapi',
    array[
        'change_feed', 'changes', 'collection_writes', 'collections', 'dead_letters', 'dictionaries',
        'extent_changes', 'extents', 'free_text', 'indexes', 'item_changes', 'item_counts', 'items', 'items_default',
        'migrations', 'queryables', 'webhooks'
    ]
);
select has_extension('postgis');
select has_extension('btree_gist');

-- Columns, in order: the loader's COPY and readers of SQL rely on them.
select columns_are(
    'satapi', 'collections',
    array[
        'id', 'content', 'dictionary', 'span_before', 'span_after', 'document', 'description', 'geometry',
        'start_datetime', 'end_datetime', 'words', 'given'
    ]
);
select columns_are(
    'satapi', 'items',
    array[
        'collection', 'id', 'geometry', 'datetime', 'start_datetime', 'end_datetime', 'created', 'updated',
        'properties', 'content', 'dictionary', 'west', 'south', 'east', 'north', 'second', 'words'
    ]
);

select col_type_is('satapi', 'collections', 'id', 'text', 'a collection''s id is text');
select col_type_is('satapi', 'collections', 'content', 'json', 'a collection is kept as it was given');
select col_type_is('satapi', 'collections', 'span_before', 'interval', 'spans are intervals');
select col_type_is('satapi', 'collections', 'span_after', 'interval', 'spans are intervals');
select col_type_is('satapi', 'items', 'collection', 'text', 'an item''s collection is text');
select col_type_is('satapi', 'items', 'id', 'text', 'an item''s id is text');
select col_type_is('satapi', 'items', 'geometry', 'geometry(Geometry,4326)', 'any geometry in longitude and latitude');
select col_type_is('satapi', 'items', t.name, 'timestamp with time zone', format('%s is a time', t.name))
from unnest(array['datetime', 'start_datetime', 'end_datetime', 'created', 'updated', 'second']) as t (name);
select col_type_is('satapi', 'items', b.name, 'smallint', format('%s is a side of a box', b.name))
from unnest(array['west', 'south', 'east', 'north']) as b (name);
select col_type_is('satapi', 'items', 'properties', 'jsonb', 'properties are made for filters');
select col_type_is('satapi', 'items', 'content', 'bytea', 'an item is kept compressed, or as it was given');

select col_not_null('satapi', 'collections', c.name, format('collections.%s is required', c.name))
from unnest(array['id', 'content', 'span_before', 'span_after']) as c (name);
select col_not_null('satapi', 'items', c.name, format('items.%s is required', c.name))
from unnest(array['collection', 'id', 'datetime', 'properties', 'content']) as c (name);
select col_is_null('satapi', 'items', c.name, format('items.%s may be null', c.name))
from unnest(array['geometry', 'start_datetime', 'end_datetime', 'created', 'updated']) as c (name);

-- Python, keyset tokens and every locale order these columns alike.
select is_empty(
    $$
        select a.attrelid::regclass, a.attname
        from pg_attribute as a
        join pg_collation as c on c.oid = a.attcollation
        where a.attrelid in ('collections'::regclass, 'items'::regclass, 'items_default'::regclass)
            and a.attnum > 0 and c.collname <> 'C'
    $$,
    'all text is in the C collation'
);
select set_eq(
    $$
        select a.attrelid::regclass::text || '.' || a.attname
        from pg_attribute as a
        where a.attrelid in ('collections'::regclass, 'items'::regclass, 'items_default'::regclass)
            and a.attcompression = 'l'
    $$,
    array[
        'collections.content',
        'collections.description',
        'collections.document',
        'collections.given',
        'collections.words',
        'items.properties',
        'items.words',
        'items_default.properties',
        'items_default.words'
    ],
    'documents that PostgreSQL compresses are in lz4'
);

-- Keys.
select col_is_pk('satapi', 'collections', 'id', 'a collection is known by its id');
select col_is_pk('satapi', 'items', array['id', 'collection'], 'an item is known by its id and collection');
select is_partitioned('satapi', 'items', 'items are partitioned');
select is(pg_get_partkeydef('satapi.items'::regclass), 'LIST (collection)', 'by collection');
select is_partition_of('satapi', 'items_default', 'satapi', 'items', 'small collections share a partition');

-- Functions.
select functions_are(
    'satapi',
    array[
        'begin_extents', 'bounds_around', 'bounds_reach', 'bounds_surround', 'fold_extents', 'geometry_bounds',
        'note_extents', 'note_summaries', 'read_extent',
        'change_feed_id', 'changes_settled', 'collection_box', 'collection_document', 'collection_geometry',
        'collection_instant', 'cql2_accenti', 'cql2_arithmetic', 'cql2_bounded', 'cql2_casei', 'cql2_geometry',
        'cql2_holds', 'cql2_instant', 'cql2_is_geojson', 'cql2_lower', 'cql2_number', 'cql2_overlaps', 'cql2_relates',
        'cql2_size', 'cql2_upper', 'fold_item_changes', 'is_broad', 'item_centroid', 'keep_dictionaries',
        'note_collection_write', 'note_item_changes', 'prune_changes', 'record_collection_changes',
        'record_item_changes', 'recount_items', 'tell_of_changes', 'utc_day', 'with_bitmaps', 'words_are_rare',
        'words_query'
    ]
);
select volatility_is(
    'satapi', 'is_broad', array['geometry', 'double precision'], 'immutable', 'PostgreSQL asks it while it plans'
);
select ok(not is_broad(st_makeenvelope(0, 0, 1, 1, 4326), -1), 'no area is broad before the first analyze');

-- What goes in and what does not.
insert into collections (id, content) values ('a', '{}');
select results_eq(
    $$select span_before, span_after from collections$$,
    $$values (interval '0', interval '0')$$,
    'a collection has no spans at first'
);
select throws_ok(
    $$insert into collections (id, content) values ('a', '{}')$$, '23505', null, 'an id is that of one collection'
);
select lives_ok(
    $$
        insert into items (collection, id, geometry, datetime, properties, content)
        values
        ('a', '1', null, '2020-01-01Z', '{}', '{}'),
        ('a', '2', 'srid=4326;geometrycollection(point(1.101 -2.301))', '0001-01-01Z', '{}', '{}'),
        ('b', '1', 'srid=4326;multipolygon empty', '9999-12-31 23:59:59.999999Z', '{}', '{}')
    $$,
    'items of any collection, of any geometry or none'
);
select is(
    array_agg(array[west, south, east, north] order by collection, id)::text,
    '{{NULL,NULL,NULL,NULL},{110,-231,110,-231},{NULL,NULL,NULL,NULL}}',
    'a box is in hundredths of a degree, rounded down'
) from items;
select results_eq(
    $$select second from items order by collection, id$$,
    $$values ('2020-01-01Z'::timestamptz), ('0001-01-01Z'), ('9999-12-31 23:59:59Z')$$,
    'seconds are cut, never rounded'
);
prepare at as insert into items (collection, id, datetime, properties, content) values ('a', '3', $1, '{}', '{}');
select throws_ok(format('execute at(%L)', t.datetime), '23514', null, format('no year of RFC 3339: %s', t.datetime))
from unnest(array['infinity', '-infinity', '10000-01-01Z', '0001-12-31Z BC']) as t (datetime);
select throws_ok(
    $$
        insert into items (collection, id, datetime, properties, content)
        values ('a', '1', '2020-01-01Z', '{}', '{}')
    $$,
    '23505', null, 'an id is that of one item in a collection'
);
select throws_ok(
    $$
        insert into items (collection, id, geometry, datetime, properties, content)
        values ('a', '3', 'srid=3857;point(0 0)', '2020-01-01Z', '{}', '{}')
    $$,
    '22023', null, 'coordinates are longitude and latitude'
);

-- Items cannot be read without their dictionaries.
insert into dictionaries (content) values ('{}');
select
    throws_like(
        change, '%never changed%', format('a dictionary is kept: %s', change)
    )
from unnest(
    array[
        'delete from dictionaries', 'update dictionaries set content = content', 'truncate dictionaries cascade'
    ]
) as t (change);

select is(count(*), 3::bigint, 'and all of them are in the shared partition') from items_default;

-- One statement gets one answer of the gate, whatever is analyzed meanwhile.
insert into items (collection, id, geometry, datetime, properties, content)
select
    'a' as collection,
    format('many-%s', n) as id,
    st_setsrid(st_makepoint(n % 10, n % 7), 4326) as geometry,
    '2020-01-01Z' as datetime,
    '{}' as properties,
    '{}' as content
from generate_series(1, 100) as n;
create function pg_temp.ask_around_an_analyze() returns boolean[]
language plpgsql as $$
declare
    -- Planned each time, as a search is.
    ask constant text := 'select is_broad(st_makeenvelope(0, 0, 5, 5, 4326), 5)';
    before boolean;
    after boolean;
begin
    execute ask into before;
    analyze items;
    execute ask into after;
    return array[before, after];
end
$$;
select is(pg_temp.ask_around_an_analyze(), array[false, false], 'the gate keeps its answer for a statement');
select is(
    array[
        is_broad(st_makeenvelope(0, 0, 5, 5, 4326), 5),
        is_broad(st_makeenvelope(0, 0, 5, 5, 4326), 1000),
        is_broad(st_makeenvelope(0, 0, 1, 1, 4326), 5)
    ],
    array[true, false, false],
    'and answers the next statement anew, for each area and bound'
);

select t.line from finish() as t (line);
rollback;
