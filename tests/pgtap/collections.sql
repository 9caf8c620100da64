-- What searches of collections read: made of whatever a collection holds.
begin;
create schema pgtap;
create extension pgtap schema pgtap;
set local search_path = satapi, public, pgtap;

select no_plan();

create function pg_temp.stored(content text) returns collections
language sql as $$
    insert into collections (id, content) values (md5(random()::text), content::json) returning collections
$$;

-- The document.
select is(
    (pg_temp.stored('{"id":"a","links":[],"assets":{},"item_assets":{},"summaries":{"gsd":[10]}}')).document,
    '{"id":"a","summaries":{"gsd":[10]}}',
    'a document has what searches ask for'
);
select
    is(
        (pg_temp.stored(t.content)).document, t.document::jsonb, t.content
    )
from (
    values
    ('{"title":"a\u0000b\\u0000"}', '{"title":"a\ufffdb\\u0000"}'),
    ('{"a\u0000":1,"b":2}', '{"a\ufffd":1,"b":2}'),
    ('{"a":1e200000,"b":2,"links":[]}', '{"b":2}'),
    ('{"a":1e200000,"links":1e200000,"b":"\u0000"}', '{"b":"\ufffd"}'),
    ('{}', '{}'),
    ('[]', '[]'),
    ('5', '{}')
) as t (content, document);
select
    lives_ok(
        format('insert into collections (id, content) values (%L, %L)', t.name, t.content), t.name || ' can be stored'
    )
from (
    values
    ('deep', '{"a":' || repeat('[', 5000) || repeat(']', 5000) || '}'),
    ('long', format('{"%s":1}', repeat('x', 300000))),
    ('text', '"text"'),
    ('null', 'null')
) as t (name, content);

-- The box.
create function pg_temp.box(bbox text) returns text
language sql as $$
    select st_astext((pg_temp.stored(format('{"extent":{"spatial":{"bbox":%s}}}', bbox))).geometry)
$$;
select is(pg_temp.box(t.bbox), t.geometry, t.bbox)
from (
    values
    ('[[1,2,3,4]]', 'POLYGON((1 2,1 4,3 4,3 2,1 2))'),
    ('[[1,2,-10,3,4,50],[1,2,3,4]]', 'POLYGON((1 2,1 4,3 4,3 2,1 2))'),
    (
        '[[170,-1,-170,1]]',
        'MULTIPOLYGON(((170 -1,170 1,180 1,180 -1,170 -1)),((-180 -1,-180 1,-170 1,-170 -1,-180 -1)))'
    ),
    (
        '[[170,-1,190,1]]',
        'MULTIPOLYGON(((170 -1,170 1,180 1,180 -1,170 -1)),((-180 -1,-180 1,-170 1,-170 -1,-180 -1)))'
    ),
    ('[[0,-90,360,90]]', 'POLYGON((-180 -90,-180 90,180 90,180 -90,-180 -90))'),
    ('[[-180,-95,180,95]]', 'POLYGON((-180 -90,-180 90,180 90,180 -90,-180 -90))'),
    ('[[5,6,5,6]]', 'POINT(5 6)'),
    ('[[5,6,7,6]]', 'LINESTRING(5 6,7 6)'),
    ('[[1,4,3,2]]', null),
    ('[[1,2,3]]', null),
    ('[[1,2,3,4,5]]', null),
    ('[["1",2,3,4]]', null),
    ('[[1,2,3,null]]', null),
    ('[[1e400,2,3,4]]', null),
    ('[[1000,2,2000,4]]', null),
    ('[[1,91,3,95]]', null),
    ('[1,2,3,4]', null),
    ('[[]]', null),
    ('[]', null),
    ('"x"', null),
    ('{"a":1}', null),
    ('null', null)
) as t (bbox, geometry);
select ok((pg_temp.stored(t.content)).geometry is null, t.content)
from (values ('{}'), ('{"extent":null}'), ('{"extent":[]}'), ('{"extent":{"spatial":5}}')) as t (content);

-- The times.
create function pg_temp.times(intervals text) returns timestamptz[]
language sql as $$
    select array[start_datetime, end_datetime]
    from pg_temp.stored(format('{"extent":{"temporal":{"interval":%s}}}', intervals))
$$;
set local timezone = 'UTC';
select is(pg_temp.times(t.intervals), t.times::timestamptz[], t.intervals)
from (
    values
    ('[["2020-01-01T00:00:00Z","2021-01-01T00:00:00.5+01:00"],[null,null]]', '{2020-01-01Z,2020-12-31 23:00:00.5Z}'),
    ('[["2020-01-01T00:00:00Z",null]]', '{2020-01-01Z,9999-12-31 23:59:59.999999Z}'),
    ('[[null,"2020-01-01"]]', '{0001-01-01Z,2020-01-01Z}'),
    ('[[null,null]]', '{0001-01-01Z,9999-12-31 23:59:59.999999Z}'),
    ('[["soon",5]]', '{null,null}'),
    ('[["2020-01-01T00:00:00Z"]]', '{null,null}'),
    ('[[]]', '{null,null}'),
    ('["2020-01-01T00:00:00Z","2021-01-01T00:00:00Z"]', '{null,null}'),
    ('null', '{null,null}')
) as t (intervals, times);

-- As restoring a dump does it.
set local search_path = pg_catalog;
insert into satapi.collections (id, content) values
('restored', '{"extent":{"spatial":{"bbox":[[170,-10,190,10]]},"temporal":{"interval":[[null,"2020-01-01"]]}}}');
set local search_path = satapi, public, pgtap;
select ok(
    (
        select geometry is not null and end_datetime = '2020-01-01Z' from collections
        where id = 'restored'
    ),
    'the search path does not matter'
);

select t.line from finish() as t (line);
rollback;
