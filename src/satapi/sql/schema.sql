-- What the migrations make; written by tests/db/test_schema.py.
CREATE SCHEMA satapi;
CREATE TYPE satapi.bounds AS (
	east_from double precision,
	east_to double precision,
	west_from double precision,
	west_to double precision,
	south double precision,
	north double precision,
	first_time timestamp with time zone,
	last_time timestamp with time zone
);
CREATE FUNCTION satapi.begin_extents() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'satapi', 'public'
    AS $$
begin
    insert into extents (collection, keeps_extent, keeps_summaries, is_known)
    select made.id, start.keeps_extent, start.keeps_summaries, true
    from made
    cross join extents as start
    where start.collection is null and (start.keeps_extent or start.keeps_summaries);
    return null;
end
$$;
CREATE FUNCTION satapi.bounds_around(one satapi.bounds, other satapi.bounds) RETURNS satapi.bounds
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ROW(LEAST((one).east_from, (other).east_from), GREATEST((one).east_to, (other).east_to), LEAST((one).west_from, (other).west_from), GREATEST((one).west_to, (other).west_to), LEAST((one).south, (other).south), GREATEST((one).north, (other).north), LEAST((one).first_time, (other).first_time), GREATEST((one).last_time, (other).last_time))::satapi.bounds;
CREATE FUNCTION satapi.bounds_reach(whole satapi.bounds, part satapi.bounds) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (COALESCE(((whole).east_from <= (part).east_from), ((part).east_from IS NULL)) AND COALESCE(((whole).east_to >= (part).east_to), ((part).east_to IS NULL)) AND COALESCE(((whole).west_from <= (part).west_from), ((part).west_from IS NULL)) AND COALESCE(((whole).west_to >= (part).west_to), ((part).west_to IS NULL)) AND COALESCE(((whole).south <= (part).south), ((part).south IS NULL)) AND COALESCE(((whole).north >= (part).north), ((part).north IS NULL)) AND COALESCE(((whole).first_time <= (part).first_time), ((part).first_time IS NULL)) AND COALESCE(((whole).last_time >= (part).last_time), ((part).last_time IS NULL)));
CREATE FUNCTION satapi.bounds_surround(whole satapi.bounds, part satapi.bounds) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (COALESCE(((whole).east_from < (part).east_from), ((part).east_from IS NULL)) AND COALESCE(((whole).east_to > (part).east_to), ((part).east_to IS NULL)) AND COALESCE(((whole).west_from < (part).west_from), ((part).west_from IS NULL)) AND COALESCE(((whole).west_to > (part).west_to), ((part).west_to IS NULL)) AND COALESCE(((whole).south < (part).south), ((part).south IS NULL)) AND COALESCE(((whole).north > (part).north), ((part).north IS NULL)) AND COALESCE(((whole).first_time < (part).first_time), ((part).first_time IS NULL)) AND COALESCE(((whole).last_time > (part).last_time), ((part).last_time IS NULL)));
CREATE FUNCTION satapi.change_feed_id() RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.changes_settled(OUT settled bigint, OUT last bigint) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.collection_box(west double precision, south double precision, east double precision, north double precision) RETURNS public.geometry
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'satapi', 'public'
    AS $$
    select case
        when west = east and south = north then st_setsrid(st_makepoint(west, south), 4326)
        when west = east or south = north
            then st_setsrid(st_makeline(st_makepoint(west, south), st_makepoint(east, north)), 4326)
        else st_makeenvelope(west, south, east, north, 4326)
    end
$$;
CREATE FUNCTION satapi.collection_document(content json) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.collection_geometry(document jsonb) RETURNS public.geometry
    LANGUAGE plpgsql IMMUTABLE STRICT
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.collection_instant(document jsonb, place integer) RETURNS timestamp with time zone
    LANGUAGE plpgsql IMMUTABLE STRICT
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.cql2_accenti(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select normalize(
        regexp_replace(
            normalize(value, nfd),
            e'[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]', '', 'g'
        ),
        nfc
    )
$$;
CREATE FUNCTION satapi.cql2_arithmetic(operator text, one numeric, other numeric) RETURNS numeric
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
begin
    case operator
        when '+' then
            return cql2_bounded(one + other);
        when '-' then
            return cql2_bounded(one - other);
        when '*' then
            return cql2_bounded(one * other);
        when '^' then
            if (one <> 0 and (abs(one) <= 1e-300 or abs(one) >= 1e300))
                or (other <> 0 and (abs(other) <= 1e-300 or abs(other) >= 1e300))
            then
                return null;
            elsif other = 0 then
                return 1;
            elsif one = 0 then
                return case when other > 0 then 0 end;
            elsif one < 0 and other <> trunc(other) then
                return null;
            elsif abs(other::double precision * ln(abs(one::double precision))) > 690 then
                return null;
            end if;
            return cql2_bounded((one::double precision ^ other::double precision)::text::numeric);
        else
            if other = 0 then
                return null;
            elsif operator = 'div' then
                return cql2_bounded(div(one, other));
            elsif operator = '%' then
                return cql2_bounded(mod(one, other));
            end if;
            return cql2_bounded(div(one * 1e40, other) * 1e-40);
    end case;
end
$$;
CREATE FUNCTION satapi.cql2_bounded(value numeric) RETURNS numeric
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
begin
    return case when abs(value) < 1e1000 and min_scale(value) <= 1000 then value end;
end
$$;
CREATE FUNCTION satapi.cql2_casei(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select replace(replace(replace(
        lower(upper(replace(value, 'ı', e'\u0001') collate "und-x-icu")), 'ς', 'σ'), 'ß', 'ss'), e'\u0001', 'ı')
$$;
CREATE FUNCTION satapi.cql2_geometry(value jsonb) RETURNS public.geometry
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$
declare
    found geometry;
begin
    if jsonb_typeof(value) <> 'object' or not coalesce(cql2_is_geojson(value), false) then
        return null;
    end if;
    found := st_setsrid(st_force2d(st_geomfromgeojson(value)), 4326);
    if st_isempty(found) then
        return null;
    end if;
    if geometrytype(found) = 'GEOMETRYCOLLECTION' or not (st_isvaliddetail(found)).valid then
        return st_unaryunion(st_makevalid(found, 'method=structure keepcollapsed=true'));
    end if;
    return found;
exception when others then
    return null;
end
$$;
CREATE FUNCTION satapi.cql2_holds(whole jsonb, part jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select case when jsonb_typeof(whole) = 'array' and jsonb_typeof(part) = 'array' then not exists (
        select 1 from jsonb_array_elements(part) as wanted (element)
        where not exists (select 1 from jsonb_array_elements(whole) as held (element) where held.element = wanted.element)
    ) end
$$;
CREATE FUNCTION satapi.cql2_instant(value jsonb) RETURNS timestamp with time zone
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
declare
    written text := value #>> '{}';
    part text[];
    month_start date;
    found timestamp with time zone;
begin
    if jsonb_typeof(value) <> 'string' or written like '0000%' then
        return null;
    -- How nearly all are written: ten times as fast.
    elsif written ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z$' then
        return written::timestamp with time zone;
    end if;
    part := regexp_match(
        written,
        '^([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
        || '(?:[Tt]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.([0-9]+))?'
        || '(?:[Zz]|([-+])([01][0-9]|2[0-3]):([0-5][0-9])))?$'
    );
    if part is null then
        return null;
    end if;
    month_start := make_date(part[1]::integer, part[2]::integer, 1);
    if part[3] > '28' and part[3]::integer > (month_start + interval '1 month')::date - month_start then
        return null;
    end if;
    found := (month_start + (part[3]::integer - 1))::timestamp at time zone 'UTC';
    if part[4] is not null then
        found := found + make_interval(hours => part[4]::integer, mins => part[5]::integer)
            + part[6]::integer * interval '1 second'
            + rpad(left(coalesce(part[7], '0'), 6), 6, '0')::integer * interval '1 microsecond';
        if part[8] is not null then
            found := found + case part[8] when '-' then 1 else -1 end
                * make_interval(hours => part[9]::integer, mins => part[10]::integer);
        end if;
    end if;
    return case when found between '0001-01-01T00:00:00Z' and '9999-12-31T23:59:59.999999Z' then found end;
end
$_$;
CREATE FUNCTION satapi.cql2_is_geojson(value jsonb) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
declare
    -- where the positions are: positions have 2 or 3 numbers, and lie within the range of doubles
    levels text := case value ->> 'type'
        when 'Point' then ''
        when 'LineString' then '[*]'
        when 'MultiPoint' then '[*]'
        when 'Polygon' then '[*][*]'
        when 'MultiLineString' then '[*][*]'
        when 'MultiPolygon' then '[*][*][*]'
    end;
    lines text := case value ->> 'type'
        when 'LineString' then '$.coordinates'
        when 'Polygon' then '$.coordinates[*]'
        when 'MultiLineString' then '$.coordinates[*]'
        when 'MultiPolygon' then '$.coordinates[*][*]'
    end;
    position_count integer := case when value ->> 'type' like '%Polygon' then 4 else 2 end;
begin
    if value ->> 'type' = 'GeometryCollection' and jsonb_typeof(value -> 'geometries') = 'array' then
        return coalesce((select bool_and(cql2_is_geojson(part)) from jsonb_array_elements(value -> 'geometries') as part), true);
    end if;
    return levels is not null
        and jsonb_path_exists(value, (
            'strict $.coordinates' || levels || ' ? (!(@.type() == "array" && @.size() >= 2 && @.size() <= 3'
            || ' && !exists(@[*] ? (@.type() != "number" || @ > 1e300 || @ < -1e300))))'
        )::jsonpath, '{}', true) is false
        and (lines is null or not exists (
            select 1 from jsonb_path_query(value, lines::jsonpath) as line
            where jsonb_array_length(line) > 0 and (
                jsonb_array_length(line) < position_count
                or (position_count = 4 and (line #> '{0,0}' <> line #> '{-1,0}' or line #> '{0,1}' <> line #> '{-1,1}'))
            )
        ));
end
$_$;
CREATE FUNCTION satapi.cql2_lower(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select lower(value collate "und-x-icu")
$$;
CREATE FUNCTION satapi.cql2_number(value jsonb) RETURNS numeric
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
begin
    return case when jsonb_typeof(value) = 'number' then cql2_bounded(value::numeric) end;
end
$$;
CREATE FUNCTION satapi.cql2_overlaps(one jsonb, other jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select case when jsonb_typeof(one) = 'array' and jsonb_typeof(other) = 'array' then exists (
        select 1 from jsonb_array_elements(one) as held (element)
        inner join jsonb_array_elements(other) as wanted (element) on held.element = wanted.element
    ) end
$$;
CREATE FUNCTION satapi.cql2_relates(relation text, one public.geometry, other public.geometry) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$
begin
    if 'GEOMETRYCOLLECTION' in (geometrytype(one), geometrytype(other)) then
        return null;
    end if;
    return case relation
        when 's_equals' then st_equals(one, other)
        when 's_touches' then st_touches(one, other)
        when 's_within' then st_within(one, other)
        when 's_overlaps' then st_overlaps(one, other)
        when 's_crosses' then st_crosses(one, other)
        when 's_contains' then st_contains(one, other)
    end;
exception when internal_error then
    return null;
end
$$;
CREATE FUNCTION satapi.cql2_size(value jsonb) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select case when jsonb_typeof(value) = 'array' then jsonb_array_length(value) end
$$;
CREATE FUNCTION satapi.cql2_upper(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select upper(value collate "und-x-icu")
$$;
CREATE FUNCTION satapi.fold_extents() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.fold_item_changes() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.geometry_bounds(shape public.geometry) RETURNS TABLE(east_from double precision, east_to double precision, west_from double precision, west_to double precision, south double precision, north double precision)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
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
CREATE FUNCTION satapi.is_broad(area public.geometry, above double precision) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    AS $$
declare
    asked text := concat_ws(' ', statement_timestamp(), above, md5(st_asewkb(area)));
    answered text[] := string_to_array(current_setting('satapi.is_broad', true), ';');
    estimated real;
    broad boolean;
begin
    if answered[1] = asked then
        return answered[2]::boolean;
    end if;
    begin
        select c.reltuples into estimated from pg_class as c where c.oid = 'items'::regclass;
        broad := power(_postgis_selectivity('items'::regclass, 'geometry', area), 2) * estimated > above;
    exception when internal_error then
        broad := false;
    end;
    perform set_config('satapi.is_broad', concat_ws(';', asked, broad), true);
    return broad;
end
$$;
CREATE FUNCTION satapi.item_centroid(shape public.geometry) RETURNS public.geometry
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (((public.st_xmax((shape)::public.box3d) - public.st_xmin((shape)::public.box3d)) <= (180)::double precision) OR (public.st_numgeometries(shape) = 1)) THEN public.st_centroid(shape) WHEN ((public.st_xmax((public.st_shiftlongitude(shape))::public.box3d) - public.st_xmin((public.st_shiftlongitude(shape))::public.box3d)) < (public.st_xmax((shape)::public.box3d) - public.st_xmin((shape)::public.box3d))) THEN public.st_wrapx(public.st_centroid(public.st_shiftlongitude(shape)), (180)::double precision, ('-360'::integer)::double precision) ELSE public.st_centroid(shape) END;
CREATE FUNCTION satapi.keep_dictionaries() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'dictionaries are never changed: items cannot be read without them';
end
$$;
CREATE FUNCTION satapi.note_collection_write() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.note_extents() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.note_item_changes() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.note_summaries() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'satapi', 'public'
    AS $$
begin
    if tg_op = 'INSERT' or old.found::text <> new.found::text then
        insert into extent_changes (collection, change)
        select collection, 'summaries' from extents where collection = new.collection and keeps_summaries;
    end if;
    return null;
end
$$;
CREATE FUNCTION satapi.prune_changes(before timestamp with time zone, at_most integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.read_extent(named text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'satapi', 'public'
    SET enable_bitmapscan TO 'on'
    AS $$
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
CREATE FUNCTION satapi.record_collection_changes() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.record_item_changes() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.recount_items() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.tell_of_changes(own bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'satapi', 'public'
    AS $$
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
CREATE FUNCTION satapi.utc_day(instant timestamp with time zone) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((instant AT TIME ZONE 'UTC'::text))::date;
CREATE FUNCTION satapi.with_bitmaps() RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    AS $$
begin
    perform set_config('enable_bitmapscan', 'on', true);
    return true;
end
$$;
CREATE FUNCTION satapi.words_are_rare(asked tsquery, above double precision) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    AS $$
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
CREATE FUNCTION satapi.words_query(words text[]) RETURNS tsquery
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    select string_agg('''' || replace(replace(word, '\', '\\'), '''', '''''') || '''', ' <-> ' order by place)::tsquery
    from unnest(words) with ordinality as each (word, place)
$$;
CREATE TABLE satapi.change_feed (
    only_row boolean DEFAULT true NOT NULL,
    recording boolean DEFAULT true NOT NULL,
    generation integer DEFAULT 1 NOT NULL,
    pruned_feed bigint,
    pruned_number bigint DEFAULT 0 NOT NULL,
    pruned_ids integer DEFAULT 0 NOT NULL,
    pruned_time timestamp with time zone,
    CONSTRAINT change_feed_only_row_check CHECK (only_row)
);
CREATE TABLE satapi.changes (
    feed bigint NOT NULL,
    number bigint NOT NULL,
    transaction bigint NOT NULL,
    "time" timestamp with time zone NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    operation text NOT NULL COLLATE pg_catalog."C",
    collection text NOT NULL COLLATE pg_catalog."C",
    ids text[] NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT changes_kind_check CHECK ((kind = ANY (ARRAY['item'::text, 'collection'::text]))),
    CONSTRAINT changes_operation_check CHECK ((operation = ANY (ARRAY['insert'::text, 'update'::text, 'delete'::text])))
);
ALTER TABLE ONLY satapi.changes ALTER COLUMN ids SET COMPRESSION lz4;
ALTER TABLE satapi.changes ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME satapi.changes_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE satapi.collection_writes (
    statements bigint NOT NULL
);
CREATE TABLE satapi.collections (
    id text NOT NULL COLLATE pg_catalog."C",
    content json NOT NULL,
    dictionary integer,
    span_before interval DEFAULT '00:00:00'::interval NOT NULL,
    span_after interval DEFAULT '00:00:00'::interval NOT NULL,
    document jsonb GENERATED ALWAYS AS ((satapi.collection_document(content) - 'description'::text)) STORED NOT NULL,
    description jsonb GENERATED ALWAYS AS ((satapi.collection_document(content) -> 'description'::text)) STORED,
    geometry public.geometry(Geometry,4326) GENERATED ALWAYS AS (satapi.collection_geometry(satapi.collection_document(content))) STORED,
    start_datetime timestamp with time zone GENERATED ALWAYS AS (satapi.collection_instant(satapi.collection_document(content), 0)) STORED,
    end_datetime timestamp with time zone GENERATED ALWAYS AS (satapi.collection_instant(satapi.collection_document(content), 1)) STORED,
    words tsvector,
    given json
);
ALTER TABLE ONLY satapi.collections ALTER COLUMN content SET COMPRESSION lz4;
ALTER TABLE ONLY satapi.collections ALTER COLUMN document SET STORAGE MAIN;
ALTER TABLE ONLY satapi.collections ALTER COLUMN document SET COMPRESSION lz4;
ALTER TABLE ONLY satapi.collections ALTER COLUMN description SET COMPRESSION lz4;
ALTER TABLE ONLY satapi.collections ALTER COLUMN words SET STORAGE MAIN;
ALTER TABLE ONLY satapi.collections ALTER COLUMN words SET COMPRESSION lz4;
ALTER TABLE ONLY satapi.collections ALTER COLUMN given SET COMPRESSION lz4;
CREATE TABLE satapi.dead_letters (
    id bigint NOT NULL,
    webhook text NOT NULL COLLATE pg_catalog."C",
    "time" timestamp with time zone DEFAULT now() NOT NULL,
    message text NOT NULL,
    content_type text NOT NULL,
    body bytea NOT NULL,
    error text NOT NULL
);
ALTER TABLE satapi.dead_letters ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME satapi.dead_letters_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE satapi.dictionaries (
    number integer NOT NULL,
    content bytea NOT NULL
);
ALTER TABLE satapi.dictionaries ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME satapi.dictionaries_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE satapi.extent_changes (
    collection text NOT NULL COLLATE pg_catalog."C",
    change text NOT NULL,
    bounds satapi.bounds,
    writer xid8 DEFAULT pg_current_xact_id() NOT NULL,
    CONSTRAINT extent_changes_change_check CHECK ((change = ANY (ARRAY['added'::text, 'removed'::text, 'summaries'::text])))
);
CREATE TABLE satapi.extents (
    collection text COLLATE pg_catalog."C",
    keeps_extent boolean NOT NULL,
    keeps_summaries boolean NOT NULL,
    bounds satapi.bounds DEFAULT ROW(NULL::double precision, NULL::double precision, NULL::double precision, NULL::double precision, NULL::double precision, NULL::double precision, NULL::timestamp with time zone, NULL::timestamp with time zone) NOT NULL,
    is_known boolean DEFAULT false NOT NULL,
    is_doubted boolean DEFAULT false NOT NULL,
    is_behind boolean DEFAULT true NOT NULL
);
CREATE TABLE satapi.free_text (
    members text[] NOT NULL
);
CREATE TABLE satapi.indexes (
    property text NOT NULL COLLATE pg_catalog."C",
    collection text COLLATE pg_catalog."C",
    ready boolean DEFAULT false NOT NULL
);
CREATE TABLE satapi.item_changes (
    collection text NOT NULL COLLATE pg_catalog."C",
    day date NOT NULL,
    items bigint NOT NULL
);
CREATE TABLE satapi.item_counts (
    collection text COLLATE pg_catalog."C",
    day date,
    items bigint NOT NULL
);
CREATE TABLE satapi.items (
    collection text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    geometry public.geometry(Geometry,4326),
    datetime timestamp with time zone NOT NULL,
    start_datetime timestamp with time zone,
    end_datetime timestamp with time zone,
    created timestamp with time zone,
    updated timestamp with time zone,
    properties jsonb NOT NULL,
    content bytea NOT NULL,
    dictionary integer,
    west smallint GENERATED ALWAYS AS (floor(((100)::double precision * public.st_xmin((public.box2d(geometry))::public.box3d)))) STORED,
    south smallint GENERATED ALWAYS AS (floor(((100)::double precision * public.st_ymin((public.box2d(geometry))::public.box3d)))) STORED,
    east smallint GENERATED ALWAYS AS (floor(((100)::double precision * public.st_xmax((public.box2d(geometry))::public.box3d)))) STORED,
    north smallint GENERATED ALWAYS AS (floor(((100)::double precision * public.st_ymax((public.box2d(geometry))::public.box3d)))) STORED,
    second timestamp with time zone GENERATED ALWAYS AS (date_bin('00:00:01'::interval, datetime, '0001-01-01 00:00:00+00'::timestamp with time zone)) STORED,
    words tsvector,
    CONSTRAINT items_datetime_check CHECK (((datetime >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (datetime <= '9999-12-31 23:59:59.999999+00'::timestamp with time zone)))
)
PARTITION BY LIST (collection);
ALTER TABLE ONLY satapi.items ALTER COLUMN properties SET STORAGE MAIN;
ALTER TABLE ONLY satapi.items ALTER COLUMN properties SET COMPRESSION lz4;
ALTER TABLE ONLY satapi.items ALTER COLUMN content SET STORAGE EXTERNAL;
ALTER TABLE ONLY satapi.items ALTER COLUMN words SET STORAGE MAIN;
ALTER TABLE ONLY satapi.items ALTER COLUMN words SET COMPRESSION lz4;
CREATE TABLE satapi.items_default (
    collection text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    geometry public.geometry(Geometry,4326),
    datetime timestamp with time zone NOT NULL,
    start_datetime timestamp with time zone,
    end_datetime timestamp with time zone,
    created timestamp with time zone,
    updated timestamp with time zone,
    properties jsonb NOT NULL,
    content bytea NOT NULL,
    dictionary integer,
    west smallint GENERATED ALWAYS AS (floor(((100)::double precision * public.st_xmin((public.box2d(geometry))::public.box3d)))) STORED,
    south smallint GENERATED ALWAYS AS (floor(((100)::double precision * public.st_ymin((public.box2d(geometry))::public.box3d)))) STORED,
    east smallint GENERATED ALWAYS AS (floor(((100)::double precision * public.st_xmax((public.box2d(geometry))::public.box3d)))) STORED,
    north smallint GENERATED ALWAYS AS (floor(((100)::double precision * public.st_ymax((public.box2d(geometry))::public.box3d)))) STORED,
    second timestamp with time zone GENERATED ALWAYS AS (date_bin('00:00:01'::interval, datetime, '0001-01-01 00:00:00+00'::timestamp with time zone)) STORED,
    words tsvector,
    CONSTRAINT items_datetime_check CHECK (((datetime >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (datetime <= '9999-12-31 23:59:59.999999+00'::timestamp with time zone)))
)
WITH (toast_tuple_target='128');
ALTER TABLE ONLY satapi.items_default ALTER COLUMN properties SET STORAGE MAIN;
ALTER TABLE ONLY satapi.items_default ALTER COLUMN properties SET COMPRESSION lz4;
ALTER TABLE ONLY satapi.items_default ALTER COLUMN content SET STORAGE EXTERNAL;
ALTER TABLE ONLY satapi.items_default ALTER COLUMN words SET STORAGE MAIN;
ALTER TABLE ONLY satapi.items_default ALTER COLUMN words SET COMPRESSION lz4;
CREATE TABLE satapi.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE satapi.queryables (
    collection text COLLATE pg_catalog."C",
    found json DEFAULT '{}'::json NOT NULL,
    since json,
    defined json DEFAULT '{}'::json NOT NULL
);
CREATE TABLE satapi.webhooks (
    name text NOT NULL COLLATE pg_catalog."C",
    url text NOT NULL,
    secret text NOT NULL,
    collections text[] COLLATE pg_catalog."C",
    batch integer NOT NULL,
    active boolean DEFAULT true NOT NULL,
    version integer DEFAULT 0 NOT NULL,
    feed bigint NOT NULL,
    number bigint NOT NULL,
    index integer NOT NULL,
    delivered bigint DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_attempt timestamp with time zone,
    error text,
    CONSTRAINT webhooks_batch_check CHECK (((batch >= 1) AND (batch <= 1000)))
);
ALTER TABLE ONLY satapi.items ATTACH PARTITION satapi.items_default DEFAULT;
ALTER TABLE ONLY satapi.change_feed
    ADD CONSTRAINT change_feed_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY satapi.changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY (feed, number);
ALTER TABLE ONLY satapi.collections
    ADD CONSTRAINT collections_pkey PRIMARY KEY (id);
ALTER TABLE ONLY satapi.dead_letters
    ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (id);
ALTER TABLE ONLY satapi.dictionaries
    ADD CONSTRAINT dictionaries_pkey PRIMARY KEY (number);
ALTER TABLE ONLY satapi.extents
    ADD CONSTRAINT extents_collection UNIQUE NULLS NOT DISTINCT (collection);
ALTER TABLE ONLY satapi.indexes
    ADD CONSTRAINT indexes_property UNIQUE NULLS NOT DISTINCT (property, collection);
ALTER TABLE ONLY satapi.item_counts
    ADD CONSTRAINT item_counts_collection_day_key UNIQUE NULLS NOT DISTINCT (collection, day);
ALTER TABLE ONLY satapi.items
    ADD CONSTRAINT items_pkey PRIMARY KEY (id, collection);
ALTER TABLE ONLY satapi.items_default
    ADD CONSTRAINT items_default_pkey PRIMARY KEY (id, collection);
ALTER TABLE ONLY satapi.migrations
    ADD CONSTRAINT migrations_name_key UNIQUE (name);
ALTER TABLE ONLY satapi.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);
ALTER TABLE ONLY satapi.queryables
    ADD CONSTRAINT queryables_collection UNIQUE NULLS NOT DISTINCT (collection);
ALTER TABLE ONLY satapi.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (name);
CREATE INDEX changes_time ON satapi.changes USING btree ("time");
CREATE INDEX collections_geometry ON satapi.collections USING gist (geometry);
CREATE INDEX collections_span_after ON satapi.collections USING btree (span_after);
CREATE INDEX collections_span_before ON satapi.collections USING btree (span_before);
CREATE INDEX collections_times ON satapi.collections USING btree (start_datetime, end_datetime, id);
CREATE INDEX collections_words ON satapi.collections USING gin (words) WITH (gin_pending_list_limit='256');
CREATE INDEX dead_letters_webhook ON satapi.dead_letters USING btree (webhook, id);
CREATE INDEX extent_changes_collection ON satapi.extent_changes USING btree (collection);
CREATE INDEX extents_unsettled ON satapi.extents USING btree (collection) WHERE ((is_behind OR is_doubted) AND (collection IS NOT NULL));
CREATE UNIQUE INDEX free_text_single ON satapi.free_text USING btree ((true));
CREATE INDEX item_counts_all_days ON satapi.item_counts USING btree (collection) WHERE (day IS NULL);
CREATE INDEX items_cloud_cover ON ONLY satapi.items USING btree (NULLIF((properties -> 'eo:cloud_cover'::text), 'null'::jsonb), collection, id) WHERE (NULLIF((properties -> 'eo:cloud_cover'::text), 'null'::jsonb) IS NOT NULL);
CREATE INDEX items_collection_datetime ON ONLY satapi.items USING btree (collection, datetime DESC, id, west, south, east, north);
CREATE INDEX items_datetime ON ONLY satapi.items USING btree (datetime DESC, collection, id, west, south, east, north);
CREATE INDEX items_default_collection_datetime_id_west_south_east_north_idx ON satapi.items_default USING btree (collection, datetime DESC, id, west, south, east, north);
CREATE INDEX items_default_datetime_collection_id_west_south_east_north_idx ON satapi.items_default USING btree (datetime DESC, collection, id, west, south, east, north);
CREATE INDEX items_geometry_second ON ONLY satapi.items USING gist (geometry, second, hashtext(collection));
CREATE INDEX items_default_geometry_second_hashtext_idx ON satapi.items_default USING gist (geometry, second, hashtext(collection));
CREATE INDEX items_default_nullif_collection_id_idx ON satapi.items_default USING btree (NULLIF((properties -> 'eo:cloud_cover'::text), 'null'::jsonb), collection, id) WHERE (NULLIF((properties -> 'eo:cloud_cover'::text), 'null'::jsonb) IS NOT NULL);
CREATE INDEX items_words ON ONLY satapi.items USING gin (words) WITH (gin_pending_list_limit='256');
CREATE INDEX items_default_words_idx ON satapi.items_default USING gin (words) WITH (gin_pending_list_limit='256');
ALTER INDEX satapi.items_collection_datetime ATTACH PARTITION satapi.items_default_collection_datetime_id_west_south_east_north_idx;
ALTER INDEX satapi.items_datetime ATTACH PARTITION satapi.items_default_datetime_collection_id_west_south_east_north_idx;
ALTER INDEX satapi.items_geometry_second ATTACH PARTITION satapi.items_default_geometry_second_hashtext_idx;
ALTER INDEX satapi.items_cloud_cover ATTACH PARTITION satapi.items_default_nullif_collection_id_idx;
ALTER INDEX satapi.items_pkey ATTACH PARTITION satapi.items_default_pkey;
ALTER INDEX satapi.items_words ATTACH PARTITION satapi.items_default_words_idx;
CREATE TRIGGER begin_extents AFTER INSERT ON satapi.collections REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION satapi.begin_extents();
CREATE TRIGGER keep_dictionaries BEFORE DELETE OR UPDATE OR TRUNCATE ON satapi.dictionaries FOR EACH STATEMENT EXECUTE FUNCTION satapi.keep_dictionaries();
CREATE TRIGGER note_deletes AFTER DELETE ON satapi.items REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION satapi.note_item_changes();
CREATE TRIGGER note_extents_of_deletes AFTER DELETE ON satapi.items REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION satapi.note_extents();
CREATE TRIGGER note_extents_of_inserts AFTER INSERT ON satapi.items REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION satapi.note_extents();
CREATE TRIGGER note_extents_of_truncates AFTER TRUNCATE ON satapi.items FOR EACH STATEMENT EXECUTE FUNCTION satapi.note_extents();
CREATE TRIGGER note_extents_of_updates AFTER UPDATE ON satapi.items REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION satapi.note_extents();
CREATE TRIGGER note_inserts AFTER INSERT ON satapi.items REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION satapi.note_item_changes();
CREATE TRIGGER note_summaries AFTER INSERT OR UPDATE ON satapi.queryables FOR EACH ROW EXECUTE FUNCTION satapi.note_summaries();
CREATE TRIGGER note_truncates AFTER TRUNCATE ON satapi.items FOR EACH STATEMENT EXECUTE FUNCTION satapi.note_item_changes();
CREATE TRIGGER note_updates AFTER UPDATE ON satapi.items REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION satapi.note_item_changes();
CREATE TRIGGER note_writes AFTER INSERT OR DELETE OR UPDATE OF content, words OR TRUNCATE ON satapi.collections FOR EACH STATEMENT EXECUTE FUNCTION satapi.note_collection_write();
CREATE TRIGGER record_deletes AFTER DELETE ON satapi.collections REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION satapi.record_collection_changes();
CREATE TRIGGER record_deletes AFTER DELETE ON satapi.items REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION satapi.record_item_changes();
CREATE TRIGGER record_inserts AFTER INSERT ON satapi.collections REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION satapi.record_collection_changes();
CREATE TRIGGER record_inserts AFTER INSERT ON satapi.items REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION satapi.record_item_changes();
CREATE TRIGGER record_truncates AFTER TRUNCATE ON satapi.collections FOR EACH STATEMENT EXECUTE FUNCTION satapi.record_collection_changes();
CREATE TRIGGER record_truncates AFTER TRUNCATE ON satapi.items FOR EACH STATEMENT EXECUTE FUNCTION satapi.record_item_changes();
CREATE TRIGGER record_updates AFTER UPDATE ON satapi.collections REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION satapi.record_collection_changes();
CREATE TRIGGER record_updates AFTER UPDATE ON satapi.items REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION satapi.record_item_changes();
ALTER TABLE ONLY satapi.collections
    ADD CONSTRAINT collections_dictionary_fkey FOREIGN KEY (dictionary) REFERENCES satapi.dictionaries(number);
ALTER TABLE ONLY satapi.dead_letters
    ADD CONSTRAINT dead_letters_webhook_fkey FOREIGN KEY (webhook) REFERENCES satapi.webhooks(name) ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE ONLY satapi.extents
    ADD CONSTRAINT extents_collection_fkey FOREIGN KEY (collection) REFERENCES satapi.collections(id) ON DELETE CASCADE;
ALTER TABLE ONLY satapi.indexes
    ADD CONSTRAINT indexes_collection_fkey FOREIGN KEY (collection) REFERENCES satapi.collections(id) ON DELETE CASCADE;
ALTER TABLE ONLY satapi.queryables
    ADD CONSTRAINT queryables_collection_fkey FOREIGN KEY (collection) REFERENCES satapi.collections(id) ON DELETE CASCADE;
