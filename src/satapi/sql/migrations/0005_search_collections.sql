-- What searches of collections need: columns made of a collection's content, whatever that holds.
--
-- The functions never fail, since a collection is stored as it was given: what it lacks is null. Restoring a dump
-- calls them too, with another search path, so they keep the one of this migration.

-- A collection without what no search asks for. U+0000, which jsonb cannot hold, is replaced, as in the properties of
-- items; a member that jsonb cannot hold otherwise is left out.
create function collection_document(content json) returns jsonb
language plpgsql immutable strict parallel unsafe set search_path from current as $$
declare
    without constant text[] := array['links', 'assets', 'item_assets'];
    document jsonb := '{}';
    name text;
    member json;
begin
    if position('\u0000' in content::text) > 0 then
        content := regexp_replace(content::text, '((?<!\\)(?:\\\\)*)\\u0000', '\1\\ufffd', 'g')::json;
    end if;
    begin
        return content::jsonb - without;
    exception when others then
        for name, member in select each.key, each.value from json_each(content) as each loop
            begin
                document := document || jsonb_build_object(name, member::jsonb);
            exception when others then
                null;
            end;
        end loop;
        return document - without;
    end;
exception when others then
    return '{}';
end
$$;

-- A rectangle in degrees; one without width or height is the line or point that it is.
create function collection_box(
    west double precision, south double precision, east double precision, north double precision
) returns geometry
language sql immutable strict parallel safe set search_path from current as $$
    select case
        when west = east and south = north then st_setsrid(st_makepoint(west, south), 4326)
        when west = east or south = north
            then st_setsrid(st_makeline(st_makepoint(west, south), st_makepoint(east, north)), 4326)
        else st_makeenvelope(west, south, east, north, 4326)
    end
$$;

-- Where a collection's items are: the first box of its extent, which is around all others. It may have heights, go
-- around the world or beyond it, and over the antimeridian, where its west is greater than its east.
create function collection_geometry(document jsonb) returns geometry
language plpgsql immutable strict parallel unsafe set search_path from current as $$
declare
    box jsonb := document #> '{extent,spatial,bbox,0}';
    dimensions integer;
    west double precision;
    south double precision;
    east double precision;
    north double precision;
begin
    dimensions := jsonb_array_length(box) / 2;
    west := cql2_number(box -> 0);
    south := cql2_number(box -> 1);
    east := cql2_number(box -> dimensions);
    north := cql2_number(box -> (dimensions + 1));
    if jsonb_array_length(box) not in (4, 6) or greatest(abs(west), abs(east)) > 540 or south > north
        or south > 90 or north < -90 or west + south + east + north is null
    then
        return null;
    end if;
    south := greatest(south, -90);
    north := least(north, 90);
    if east - west >= 360 then
        return collection_box(-180, south, 180, north);
    end if;
    west := west - case when west > 180 then 360 when west < -180 then -360 else 0 end;
    east := east - case when east > 180 then 360 when east < -180 then -360 else 0 end;
    if west <= east then
        return collection_box(west, south, east, north);
    end if;
    return st_collect(collection_box(west, south, 180, north), collection_box(-180, south, east, north));
exception when others then
    return null;
end
$$;

-- An end of the first interval of an extent, which is around all others: 0 its start, 1 its end. An open one is the
-- first or the last moment that there is.
create function collection_instant(document jsonb, place integer) returns timestamp with time zone
language plpgsql immutable strict parallel unsafe set search_path from current as $$
declare
    ends jsonb := document #> '{extent,temporal,interval,0}';
begin
    if jsonb_array_length(ends) <> 2 then
        return null;
    elsif ends -> place = 'null'::jsonb then
        return (array['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z'])[place + 1];
    end if;
    return cql2_instant(ends -> place);
exception when others then
    return null;
end
$$;

-- Searches read the documents of all collections, and the contents of a page: so a document is the last of a large row
-- that is compressed. One statement writes rows once.
alter table collections
add column document jsonb not null generated always as (collection_document(content) - 'description') stored,
-- By itself, since it is longer than all else that searches read.
add column description jsonb generated always as (collection_document(content) -> 'description') stored,
add column geometry geometry (geometry, 4326)
generated always as (collection_geometry(collection_document(content))) stored,
add column start_datetime timestamptz
generated always as (collection_instant(collection_document(content), 0)) stored,
add column end_datetime timestamptz
generated always as (collection_instant(collection_document(content), 1)) stored,
alter column document set storage main,
alter column document set compression lz4,
alter column description set compression lz4;

create index collections_geometry on collections using gist (geometry);
create index collections_times on collections (start_datetime, end_datetime, id);
