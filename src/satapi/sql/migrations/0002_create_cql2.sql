-- What filters call. None of it fails, whatever a member of an item holds: what has no value of a kind is null.
--
-- The meaning in plain Python is satapi.cql2.evaluate, to the digit. Functions that catch errors are not parallel safe:
-- they begin subtransactions.

-- A number to calculate with: of at most 1,000 digits before and after the point.
create function cql2_bounded(value numeric) returns numeric
language plpgsql immutable strict parallel safe as $$
begin
    return case when abs(value) < 1e1000 and min_scale(value) <= 1000 then value end;
end
$$;

create function cql2_number(value jsonb) returns numeric
language plpgsql immutable strict parallel safe as $$
begin
    return case when jsonb_typeof(value) = 'number' then cql2_bounded(value::numeric) end;
end
$$;

-- A quotient keeps 40 digits after the point; powers are doubles, away from the ends of their range.
create function cql2_arithmetic(operator text, one numeric, other numeric) returns numeric
language plpgsql immutable strict parallel safe as $$
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

-- An RFC 3339 date (its first moment in UTC) or time; digits beyond microseconds are cut, a leap second is the second
-- after it.
create function cql2_instant(value jsonb) returns timestamp with time zone
language plpgsql immutable strict parallel safe as $$
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
$$;

-- Unicode's full case folding: lower(upper()) is that but for four letters.
create function cql2_casei(value text) returns text
language sql immutable strict parallel safe as $$
    select replace(replace(replace(
        lower(upper(replace(value, 'ı', e'\u0001') collate "und-x-icu")), 'ς', 'σ'), 'ß', 'ss'), e'\u0001', 'ı')
$$;

-- The combining marks that accents are written with, taken away.
create function cql2_accenti(value text) returns text
language sql immutable strict parallel safe as $$
    select normalize(
        regexp_replace(
            normalize(value, nfd),
            e'[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]', '', 'g'
        ),
        nfc
    )
$$;

create function cql2_lower(value text) returns text
language sql immutable strict parallel safe as $$
    select lower(value collate "und-x-icu")
$$;

create function cql2_upper(value text) returns text
language sql immutable strict parallel safe as $$
    select upper(value collate "und-x-icu")
$$;

-- Whether a value is a GeoJSON geometry. PostGIS takes much that is none: unclosed rings, texts for numbers.
create function cql2_is_geojson(value jsonb) returns boolean
language plpgsql immutable strict parallel safe as $$
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
$$;

-- A GeoJSON geometry, mended where it crosses itself; a collection is the union of its parts.
create function cql2_geometry(value jsonb) returns geometry
language plpgsql immutable strict parallel unsafe as $$
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

-- Relations that GEOS has, but before 3.13 not of collections: those are null with every version.
create function cql2_relates(relation text, one geometry, other geometry) returns boolean
language plpgsql immutable strict parallel unsafe as $$
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

-- Whether an array has all elements of another one.
create function cql2_holds(whole jsonb, part jsonb) returns boolean
language sql immutable strict parallel safe as $$
    select case when jsonb_typeof(whole) = 'array' and jsonb_typeof(part) = 'array' then not exists (
        select 1 from jsonb_array_elements(part) as wanted (element)
        where not exists (select 1 from jsonb_array_elements(whole) as held (element) where held.element = wanted.element)
    ) end
$$;

create function cql2_overlaps(one jsonb, other jsonb) returns boolean
language sql immutable strict parallel safe as $$
    select case when jsonb_typeof(one) = 'array' and jsonb_typeof(other) = 'array' then exists (
        select 1 from jsonb_array_elements(one) as held (element)
        inner join jsonb_array_elements(other) as wanted (element) on held.element = wanted.element
    ) end
$$;

create function cql2_size(value jsonb) returns integer
language sql immutable strict parallel safe as $$
    select case when jsonb_typeof(value) = 'array' then jsonb_array_length(value) end
$$;
