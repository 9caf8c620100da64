-- What is known of the properties of items: what loads have found, and what operators say of them.
create table queryables (
    -- null: all collections together
    collection text collate "C" references collections on delete cascade,
    -- by name what the items have; never less, and more where items were deleted, until it is read anew
    found json not null default '{}',
    -- while it is read anew: what was stored meanwhile
    since json,
    -- by name a JSON Schema that stands for what was found, or adds to it
    defined json not null default '{}',
    constraint queryables_collection unique nulls not distinct (collection)
);

insert into queryables default values;

-- Which properties have indexes: for all collections (null) or one of them. One is ready when all of it is built.
create table indexes (
    property text collate "C" not null,
    collection text collate "C" references collections on delete cascade,
    ready boolean not null default false,
    constraint indexes_property unique nulls not distinct (property, collection)
);
