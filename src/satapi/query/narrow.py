"""Narrowing: what a filter says of the item's geometry, as the area of the search, which has its own way by indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.cql2 import planar
from satapi.cql2.ast import And, BoundingBox, Geometry, GeometryCollection, Node, Property, Spatial
from satapi.query.inventory import is_geometry
from satapi.stac import geometry

if TYPE_CHECKING:
    from satapi.cql2.ast import Spot
    from satapi.stac.geometry import Area


def narrowed(node: Node, parameter: str) -> tuple[Area | None, Node | None]:
    """An area that the geometries of all matches meet, if there is one, and what is left to ask. Raises InvalidError.

    Every relation but s_disjoint means that two geometries meet, and s_intersects means nothing else.
    """
    parts = node.arguments if isinstance(node, And) else (node,)
    for part in parts:
        spot = _met(part)
        if spot is not None:
            shape = planar.shape(spot, parameter)
            if not geometry.is_of_the_world(shape):
                continue
            rest = tuple(other for other in parts if other is not part or not _is_intersection(part))
            return geometry.area(shape), rest[0] if len(rest) == 1 else And(rest) if rest else None
    return None, node


def _met(node: Node) -> Spot | None:
    match node:
        case Spatial("s_disjoint"):
            return None
        case Spatial(_, Property(name), Geometry() | GeometryCollection() | BoundingBox() as spot) if is_geometry(name):
            return spot
        case Spatial(_, Geometry() | GeometryCollection() | BoundingBox() as spot, Property(name)) if is_geometry(name):
            return spot
        case _:
            return None


def _is_intersection(node: Node) -> bool:
    return isinstance(node, Spatial) and node.operator == "s_intersects"
