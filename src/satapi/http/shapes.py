"""Shapes: the documents that clients send and get, for the API's description alone; stored ones pass unparsed."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from satapi.http.geometries import Geometry
from satapi.stac.aggregation import Aggregation, DataType
from satapi.stac.links import Link

Bbox = Annotated[
    list[float],
    Meta(
        min_length=4,
        max_length=6,
        description="West, south, east, north in degrees, or with heights: west, south, lowest, east, north, highest. "
        "West is greater than east in a box across the antimeridian.",
    ),
]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


_OPERATOR_NAMES = {"starts_with": "startsWith", "ends_with": "endsWith", "one_of": "in"}


class Comparisons(Struct, frozen=True, rename=_OPERATOR_NAMES, forbid_unknown_fields=True):
    """What must hold of a property (query extension). Text is compared without regard to case, but for lt to gte."""

    eq: str | float | bool | UnsetType | None = UNSET
    neq: str | float | bool | UnsetType | None = UNSET
    lt: str | float | UnsetType = UNSET
    lte: str | float | UnsetType = UNSET
    gt: str | float | UnsetType = UNSET
    gte: str | float | UnsetType = UNSET
    starts_with: str | UnsetType = UNSET
    ends_with: str | UnsetType = UNSET
    contains: str | UnsetType = UNSET
    one_of: list[str | float | bool] | UnsetType = UNSET


class Operation(Struct, frozen=True):
    """An operation of CQL2 JSON: its operator or function, and what it is of (requirements class cql2-json).

    Arguments are operations, arrays, texts, numbers, booleans, GeoJSON geometries, and objects with one member:
    property, date, timestamp, interval or bbox.
    """

    op: str
    args: list[Raw] | UnsetType = UNSET


ANY_FILTER = Operation | bool


class Argument(Struct, frozen=True):
    """An argument of a function."""

    type: list[str]


class Function(Struct, frozen=True):
    """A function that filters may call."""

    name: str
    description: str
    arguments: list[Argument]
    returns: list[str]


class Functions(Struct, frozen=True):
    """All functions that filters may call (OGC API Features, part 3, 8.2)."""

    functions: list[Function]


class AggregationCollection(Struct, frozen=True):
    """What is answered of all items that match (aggregation extension v0.3.0)."""

    type: Literal["AggregationCollection"]
    aggregations: list[Aggregation]
    links: list[Link]


class AvailableAggregation(Struct, frozen=True):
    """An aggregation that may be asked for: {property} in its name stands for the name of any property."""

    name: str
    data_type: DataType
    description: str


class Aggregations(Struct, frozen=True):
    """All aggregations that may be asked for."""

    aggregations: list[AvailableAggregation]
    links: list[Link]


class Asset(Struct, frozen=True):
    """A file of an item or a collection."""

    href: str
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    type: Annotated[str, Meta(description="Its media type.")] | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET


class Properties(Struct, frozen=True):
    """An item's properties: its times, and whatever its extensions say."""

    datetime: Annotated[Time | None, Meta(description="Null where the item has a start and an end.")] | UnsetType = (
        UNSET
    )
    start_datetime: Time | UnsetType = UNSET
    end_datetime: Time | UnsetType = UNSET
    created: Time | UnsetType = UNSET
    updated: Time | UnsetType = UNSET


class ItemMembers(Struct, frozen=True, kw_only=True):
    """An item, or the members of one that the fields parameter chose."""

    type: Literal["Feature"] | UnsetType = UNSET
    stac_version: str | UnsetType = UNSET
    stac_extensions: list[str] | UnsetType = UNSET
    id: str | UnsetType = UNSET
    collection: str | UnsetType = UNSET
    geometry: Geometry | UnsetType | None = UNSET
    bbox: Bbox | UnsetType = UNSET
    properties: Properties | UnsetType = UNSET
    assets: dict[str, Asset] | UnsetType = UNSET
    links: list[Link] | UnsetType = UNSET


class Item(ItemMembers, frozen=True, kw_only=True):
    """A STAC item: a GeoJSON feature with assets and links."""


ITEM_REQUIRED = ("type", "stac_version", "id", "collection", "geometry", "properties", "assets", "links")


class ItemCollection(Struct, frozen=True, rename="camel"):
    """A page of items; the links next and prev lead to the pages beside it."""

    type: Literal["FeatureCollection"]
    features: list[ItemMembers]
    links: list[Link]
    number_returned: int
    number_matched: Annotated[int, Meta(description="Left out where it is not known.")] | UnsetType = UNSET


class Choices(Struct, frozen=True):
    """The items of one id in several collections."""

    description: str
    links: list[Link]


class Provider(Struct, frozen=True):
    """An organisation that made, processed, licenses or hosts the data."""

    name: str
    description: str | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET
    url: str | UnsetType = UNSET


class SpatialExtent(Struct, frozen=True):
    """Where the items are: all of them in the first box."""

    bbox: Annotated[list[Bbox], Meta(min_length=1)]


class TemporalExtent(Struct, frozen=True):
    """When the items are: all of them in the first interval; null is an open end."""

    interval: Annotated[
        list[Annotated[list[Time | None], Meta(min_length=2, max_length=2)]],
        Meta(min_length=1),
    ]


class Extent(Struct, frozen=True):
    """Where and when a collection's items are."""

    spatial: SpatialExtent
    temporal: TemporalExtent


class CollectionMembers(Struct, frozen=True, kw_only=True):
    """A collection, or the members of one that the fields parameter chose."""

    type: Literal["Collection"] | UnsetType = UNSET
    stac_version: str | UnsetType = UNSET
    stac_extensions: list[str] | UnsetType = UNSET
    id: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    keywords: list[str] | UnsetType = UNSET
    license: str | UnsetType = UNSET
    providers: list[Provider] | UnsetType = UNSET
    extent: Extent | UnsetType = UNSET
    summaries: dict[str, Raw] | UnsetType = UNSET
    assets: dict[str, Asset] | UnsetType = UNSET
    item_assets: dict[str, Raw] | UnsetType = UNSET
    links: list[Link] | UnsetType = UNSET


class Collection(CollectionMembers, frozen=True, kw_only=True):
    """A STAC collection."""


COLLECTION_REQUIRED = ("type", "stac_version", "id", "description", "license", "extent", "links")


class Collections(Struct, frozen=True, rename="camel"):
    """A page of collections; the links next and prev lead to the pages beside it."""

    collections: list[CollectionMembers]
    links: list[Link]
    number_matched: int
    number_returned: int


class Children(Struct, frozen=True, rename="camel"):
    """A page of the catalog's children, which are collections."""

    children: list[Collection]
    links: list[Link]
    number_matched: int
    number_returned: int


class Conformance(Struct, frozen=True, rename="camel"):
    """The conformance classes that the API keeps."""

    conforms_to: list[str]


class Catalog(Struct, frozen=True):
    """A STAC catalog whose links lead to what is in it."""

    type: Literal["Catalog"]
    stac_version: str
    id: str
    title: str
    description: str
    links: list[Link]


class Landing(Struct, frozen=True, rename={"conforms_to": "conformsTo"}):
    """The landing page: a STAC catalog whose links lead on."""

    type: Literal["Catalog"]
    stac_version: str
    id: str
    title: str
    description: str
    conforms_to: list[str]
    links: list[Link]


class Health(Struct, frozen=True):
    """The server's state and version."""

    status: Literal["ok"]
    version: str
