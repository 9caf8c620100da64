-- What free text calls: queries of words, and the gate between their index and walking.
begin;
create schema pgtap;
create extension pgtap schema pgtap;
set local search_path = satapi, public, pgtap;

select no_plan();

select is(words_query(array['a', '2b']), '''a'' <-> ''2b'''::tsquery, 'words stand side by side');
select is(
    words_query(array['it''s \ & | ! <-> ( ''', 'x']), tsquery_phrase('''it''''s \\ & | ! <-> ( '''''''::tsquery, 'x'),
    'whatever a word has in it, it is one word'
);

-- A word of half of the items, one of a hundredth and one of a single item.
insert into collections (id, content) values ('c', '{}');
insert into items (collection, id, datetime, properties, content, words)
select
    'c' as collection,
    n::text as id,
    '2020-01-01Z' as datetime,
    '{}' as properties,
    '{}' as content,
    array_to_tsvector(
        array_remove(
            array[
                case when n % 2 = 0 then 'half' end,
                case when n % 100 = 0 then 'some' end,
                case when n = 7 then 'one' end
            ],
            null
        )
    ) as words
from generate_series(1, 10000) as n;

select ok(not words_are_rare('one', 1), 'without statistics nothing is rare');
analyze items;
set local enable_bitmapscan = off;
select results_eq(
    $$
        select asked::text, words_are_rare(asked, 10)
        from unnest(array[
            'half', 'some', 'some & half', 'some <-> half', 'half | some', 'absent | some', 'absent & half'
        ]::tsquery[]) as asked
    $$,
    $$
        values
        ('''half''', false), ('''some''', true), ('''some'' & ''half''', true), ('''some'' <-> ''half''', true),
        ('''half'' | ''some''', false), ('''absent'' | ''some''', true), ('''absent'' & ''half''', true)
    $$,
    'share * share * items is at most the bound, for one word that must be there'
);
select is(current_setting('enable_bitmapscan'), 'on', 'rare words allow them');
set local enable_bitmapscan = off;
select ok(not words_are_rare('some', 0.5), 'a lower bound makes fewer words rare');
select is(current_setting('enable_bitmapscan'), 'off', 'and common ones do not');
select ok(with_bitmaps(), 'counting allows them');
select is(current_setting('enable_bitmapscan'), 'on', 'for the statement');

select t.line from finish() as t (line);
rollback;
