-- What the migrations make; written by tests/db/test_schema.py.
CREATE SCHEMA satapi;
CREATE FUNCTION satapi.is_broad(area public.geometry, above double precision) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
declare
    estimated real;
begin
    select c.reltuples into estimated from pg_class as c where c.oid = 'items'::regclass;
    return power(_postgis_selectivity('items'::regclass, 'geometry', area), 2) * estimated > above;
exception when internal_error then
    return false;
end
$$;
CREATE FUNCTION satapi.keep_dictionaries() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'dictionaries are never changed: items cannot be read without them';
end
$$;
CREATE TABLE satapi.collections (
    id text NOT NULL COLLATE pg_catalog."C",
    content json NOT NULL,
    dictionary integer,
    span_before interval DEFAULT '00:00:00'::interval NOT NULL,
    span_after interval DEFAULT '00:00:00'::interval NOT NULL
);
ALTER TABLE ONLY satapi.collections ALTER COLUMN content SET COMPRESSION lz4;
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
    CONSTRAINT items_datetime_check CHECK (((datetime >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (datetime <= '9999-12-31 23:59:59.999999+00'::timestamp with time zone)))
)
PARTITION BY LIST (collection);
ALTER TABLE ONLY satapi.items ALTER COLUMN properties SET STORAGE MAIN;
ALTER TABLE ONLY satapi.items ALTER COLUMN properties SET COMPRESSION lz4;
ALTER TABLE ONLY satapi.items ALTER COLUMN content SET STORAGE EXTERNAL;
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
    CONSTRAINT items_datetime_check CHECK (((datetime >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (datetime <= '9999-12-31 23:59:59.999999+00'::timestamp with time zone)))
)
WITH (toast_tuple_target='128');
ALTER TABLE ONLY satapi.items_default ALTER COLUMN properties SET STORAGE MAIN;
ALTER TABLE ONLY satapi.items_default ALTER COLUMN properties SET COMPRESSION lz4;
ALTER TABLE ONLY satapi.items_default ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE TABLE satapi.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY satapi.items ATTACH PARTITION satapi.items_default DEFAULT;
ALTER TABLE ONLY satapi.collections
    ADD CONSTRAINT collections_pkey PRIMARY KEY (id);
ALTER TABLE ONLY satapi.dictionaries
    ADD CONSTRAINT dictionaries_pkey PRIMARY KEY (number);
ALTER TABLE ONLY satapi.items
    ADD CONSTRAINT items_pkey PRIMARY KEY (id, collection);
ALTER TABLE ONLY satapi.items_default
    ADD CONSTRAINT items_default_pkey PRIMARY KEY (id, collection);
ALTER TABLE ONLY satapi.migrations
    ADD CONSTRAINT migrations_name_key UNIQUE (name);
ALTER TABLE ONLY satapi.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);
CREATE INDEX collections_span_after ON satapi.collections USING btree (span_after);
CREATE INDEX collections_span_before ON satapi.collections USING btree (span_before);
CREATE INDEX items_cloud_cover ON ONLY satapi.items USING btree (NULLIF((properties -> 'eo:cloud_cover'::text), 'null'::jsonb), collection, id) WHERE (NULLIF((properties -> 'eo:cloud_cover'::text), 'null'::jsonb) IS NOT NULL);
CREATE INDEX items_collection_datetime ON ONLY satapi.items USING btree (collection, datetime DESC, id, west, south, east, north);
CREATE INDEX items_datetime ON ONLY satapi.items USING btree (datetime DESC, collection, id, west, south, east, north);
CREATE INDEX items_default_collection_datetime_id_west_south_east_north_idx ON satapi.items_default USING btree (collection, datetime DESC, id, west, south, east, north);
CREATE INDEX items_default_datetime_collection_id_west_south_east_north_idx ON satapi.items_default USING btree (datetime DESC, collection, id, west, south, east, north);
CREATE INDEX items_geometry_second ON ONLY satapi.items USING gist (geometry, second, hashtext(collection));
CREATE INDEX items_default_geometry_second_hashtext_idx ON satapi.items_default USING gist (geometry, second, hashtext(collection));
CREATE INDEX items_default_nullif_collection_id_idx ON satapi.items_default USING btree (NULLIF((properties -> 'eo:cloud_cover'::text), 'null'::jsonb), collection, id) WHERE (NULLIF((properties -> 'eo:cloud_cover'::text), 'null'::jsonb) IS NOT NULL);
ALTER INDEX satapi.items_collection_datetime ATTACH PARTITION satapi.items_default_collection_datetime_id_west_south_east_north_idx;
ALTER INDEX satapi.items_datetime ATTACH PARTITION satapi.items_default_datetime_collection_id_west_south_east_north_idx;
ALTER INDEX satapi.items_geometry_second ATTACH PARTITION satapi.items_default_geometry_second_hashtext_idx;
ALTER INDEX satapi.items_cloud_cover ATTACH PARTITION satapi.items_default_nullif_collection_id_idx;
ALTER INDEX satapi.items_pkey ATTACH PARTITION satapi.items_default_pkey;
CREATE TRIGGER keep_dictionaries BEFORE DELETE OR UPDATE OR TRUNCATE ON satapi.dictionaries FOR EACH STATEMENT EXECUTE FUNCTION satapi.keep_dictionaries();
ALTER TABLE ONLY satapi.collections
    ADD CONSTRAINT collections_dictionary_fkey FOREIGN KEY (dictionary) REFERENCES satapi.dictionaries(number);
