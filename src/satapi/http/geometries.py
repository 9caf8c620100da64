"""Geometries: those of GeoJSON (RFC 7946, 3.1), for the API's description alone."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct

from satapi.http import schemas

Position = Annotated[
    list[float],
    Meta(min_length=2, max_length=3, description="Longitude and latitude in degrees (WGS 84), perhaps a height."),
]
Line = Annotated[list[Position], Meta(min_length=2)]
Ring = Annotated[list[Position], Meta(min_length=4, description="Its first position is its last one too.")]
# Unions have no name of their own in schemas: this stands for ANY_GEOMETRY.
Geometry = Annotated[Raw, Meta(extra_json_schema=schemas.ref("Geometry"))]


class Point(Struct, frozen=True, tag_field="type"):
    """A GeoJSON point (RFC 7946)."""

    coordinates: Position


class MultiPoint(Struct, frozen=True, tag_field="type"):
    """GeoJSON points."""

    coordinates: Annotated[list[Position], Meta(min_length=1)]


class LineString(Struct, frozen=True, tag_field="type"):
    """A GeoJSON line."""

    coordinates: Line


class MultiLineString(Struct, frozen=True, tag_field="type"):
    """GeoJSON lines."""

    coordinates: Annotated[list[Line], Meta(min_length=1)]


class Polygon(Struct, frozen=True, tag_field="type"):
    """A GeoJSON polygon: its outer ring, and those of its holes."""

    coordinates: Annotated[list[Ring], Meta(min_length=1)]


class MultiPolygon(Struct, frozen=True, tag_field="type"):
    """GeoJSON polygons."""

    coordinates: Annotated[list[Annotated[list[Ring], Meta(min_length=1)]], Meta(min_length=1)]


class GeometryCollection(Struct, frozen=True, tag_field="type"):
    """GeoJSON geometries of any types."""

    geometries: Annotated[list[Geometry], Meta(min_length=1)]


ANY_GEOMETRY = Point | MultiPoint | LineString | MultiLineString | Polygon | MultiPolygon | GeometryCollection
