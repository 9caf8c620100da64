"""Constants: values that are the same for all items, as JSON texts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from satapi.cql2 import geojson, instants
from satapi.cql2.ast import Array, BoundingBox, Expression, Geometry, GeometryCollection, Interval, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence


def json_text(value: object) -> str:
    """The JSON text of a value; a number keeps every digit."""
    if isinstance(value, int) and not isinstance(value, bool):
        # Of any size.
        return str(value)
    return _ENCODER.encode(value).decode()


_ENCODER = msgspec.json.Encoder(decimal_format="number")


def constant(expression: Expression | None) -> str | None:
    """The JSON text of a value that is the same for all items."""
    match expression:
        case None:
            return json_text("..")
        case Literal(date() as value):
            return json_text(instants.written(value))
        case Literal(value):
            return json_text(value)
        case Interval(start, end):
            return _several((start, end))
        case Array(elements):
            return _several(elements)
        case Geometry() | GeometryCollection():
            return json_text(geojson.document(expression))
        case BoundingBox():
            return json_text(geojson.box_document(expression))
        case _:
            return None


def _several(elements: Sequence[Expression | None]) -> str | None:
    found = [text for element in elements if (text := constant(element)) is not None]
    return f"[{','.join(found)}]" if len(found) == len(elements) else None
