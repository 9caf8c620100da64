"""Sample data: two collections and their items, made up, but placed and timed as the satellites fly.

The same documents come out every time, on every machine.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count, islice
from math import asin, atan2, ceil, cos, degrees, floor, pi, radians, sin
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import msgspec
import shapely
from shapely.geometry import mapping
from shapely.geometry.polygon import orient

from satapi.ingest.sample_collections import (
    COG,
    EXTENSIONS,
    LANDSAT_BANDS,
    LANDSAT_COLLECTION,
    SENTINEL_BANDS,
    SENTINEL_COLLECTION,
    Band,
    Document,
)
from satapi.ingest.sample_grids import TILE_M, Point, Scene, Tile, Utm, scene_at, tile_at, utm_at, wrapped
from satapi.ingest.sample_places import PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ITEMS_PER_COLLECTION = 1_000

_DAYLIGHT_DEGREES = 8.0
_FILES = "https://example.com"

Target = TypeVar("Target", Scene, Tile)


def sample_collections() -> list[bytes]:
    """Make the collections landsat-8-l1 and sentinel-2-l2a."""
    return [msgspec.json.encode(collection) for collection in (LANDSAT_COLLECTION, SENTINEL_COLLECTION)]


def sample_items() -> Iterator[bytes]:
    """Make the items, 1,000 of each collection."""
    scenes = _visits([scene_at(place.longitude, place.latitude) for place in PLACES], count(-150, 8))
    tiles = _visits([tile_at(place.longitude, place.latitude) for place in PLACES], count(-480, 25))
    for visit in islice(scenes, ITEMS_PER_COLLECTION):
        yield msgspec.json.encode(_landsat(visit))
    for visit in islice(tiles, ITEMS_PER_COLLECTION):
        yield msgspec.json.encode(_sentinel(visit))


class _Visit(NamedTuple, Generic[Target]):
    """A target that a satellite passed by in daylight; the sun's place is in degrees."""

    target: Target
    number: int
    time: datetime
    sun_azimuth: float
    sun_elevation: float


def _visits(targets: Sequence[Target], numbers: Iterator[int]) -> Iterator[_Visit[Target]]:
    for number in numbers:
        for target in targets:
            time = target.passed(number)
            azimuth, elevation = _sun(target.centre, time)
            if elevation >= _DAYLIGHT_DEGREES:
                yield _Visit(target, number, time, azimuth, elevation)


def _sun(place: Point, time: datetime) -> tuple[float, float]:
    """Azimuth and elevation of the sun to about a degree."""
    longitude, latitude = place
    declination = radians(-23.44) * cos(2 * pi * (time.timetuple().tm_yday + 10) / 365.24)
    hour = radians((time.hour + time.minute / 60 - 12) * 15 + longitude)
    phi = radians(latitude)
    elevation = asin(sin(phi) * sin(declination) + cos(phi) * cos(declination) * cos(hour))
    azimuth = atan2(
        -cos(declination) * sin(hour), cos(phi) * sin(declination) - sin(phi) * cos(declination) * cos(hour)
    )
    return degrees(azimuth) % 360, degrees(elevation)


def _landsat(visit: _Visit[Scene]) -> Document:
    scene = visit.target
    wrs = f"{scene.path:03}{scene.row:03}"
    made = visit.time + timedelta(days=9, hours=3)
    identity = f"LC08_L1TP_{wrs}_{visit.time:%Y%m%d}_{made:%Y%m%d}_02_T1"
    folder = f"{_FILES}/landsat-8-l1/{wrs[:3]}/{wrs[3:]}/{identity}"
    # Landsat counts northings from the equator in both hemispheres.
    utm = Utm(utm_at(*scene.centre).zone, south=False)
    xs, ys = zip(*(utm.project(*corner) for corner in scene.footprint), strict=True)
    west, north = floor(min(xs) / 30) * 30 - 15, ceil(max(ys) / 30) * 30 + 15
    return {
        **_item("landsat-8-l1", identity, ("eo", "proj", "view", "landsat"), scene.footprint),
        "properties": {
            **_acquired(visit, made, identity),
            "platform": "landsat-8",
            "instruments": ["oli", "tirs"],
            "gsd": 30,
            "proj:code": f"EPSG:{utm.epsg}",
            "proj:shape": [ceil((north - min(ys)) / 30), ceil((max(xs) - west) / 30)],
            "proj:transform": [30, 0, west, 0, -30, north],
            "landsat:scene_id": f"LC8{wrs}{visit.time:%Y%j}LGN00",
            "landsat:wrs_type": "2",
            "landsat:wrs_path": wrs[:3],
            "landsat:wrs_row": wrs[3:],
            "landsat:cloud_cover_land": _percent(identity, "clouds over land"),
            "landsat:collection_number": "02",
            "landsat:collection_category": "T1",
        },
        "assets": {
            **{band.key: _data(band, f"{folder}/{identity}_{band.key}.TIF") for band in LANDSAT_BANDS},
            "MTL": {"href": f"{folder}/{identity}_MTL.json", "type": "application/json", "roles": ["metadata"]},
            "thumbnail": {"href": f"{folder}/thumbnail.jpg", "type": "image/jpeg", "roles": ["thumbnail"]},
        },
    }


def _sentinel(visit: _Visit[Tile]) -> Document:
    tile = visit.target
    letter = "BA"[visit.number % 2]
    made = visit.time + timedelta(hours=5, minutes=17)
    sensed = visit.time - timedelta(minutes=3)
    orbit = tile.relative_orbit
    identity = f"S2{letter}_MSIL2A_{sensed:%Y%m%dT%H%M%S}_R{orbit:03}_T{tile.name}_{made:%Y%m%dT%H%M%S}"
    folder = f"{_FILES}/sentinel-2-l2a/{tile.name[:2]}/{tile.name[2]}/{tile.name[3:]}/{identity}"
    return {
        **_item("sentinel-2-l2a", identity, ("eo", "grid", "proj", "sat", "view"), tile.footprint),
        "properties": {
            **_acquired(visit, made, identity),
            "platform": f"sentinel-2{letter.lower()}",
            "constellation": "sentinel-2",
            "instruments": ["msi"],
            "gsd": 10,
            "grid:code": f"MGRS-{tile.name}",
            "proj:code": f"EPSG:{tile.utm.epsg}",
            "proj:bbox": [tile.west, tile.north - TILE_M, tile.west + TILE_M, tile.north],
            "sat:orbit_state": "descending",
            "sat:relative_orbit": orbit,
        },
        "assets": {
            **{
                band.key: {
                    **_data(band, f"{folder}/{band.name}.tif"),
                    "proj:shape": [TILE_M // band.gsd_m, TILE_M // band.gsd_m],
                    "proj:transform": [band.gsd_m, 0, tile.west, 0, -band.gsd_m, tile.north],
                }
                for band in SENTINEL_BANDS
            },
            "metadata": {"href": f"{folder}/metadata.json", "type": "application/json", "roles": ["metadata"]},
            "thumbnail": {"href": f"{folder}/thumbnail.jpg", "type": "image/jpeg", "roles": ["thumbnail"]},
        },
    }


def _item(collection: str, identity: str, extensions: Sequence[str], footprint: Sequence[Point]) -> Document:
    """Make what all items have, but for properties and assets."""
    geometry, bbox = _located(footprint)
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [EXTENSIONS[name] for name in extensions],
        "id": identity,
        "collection": collection,
        "geometry": geometry,
        "bbox": bbox,
        "links": [{"rel": "collection", "href": f"{_FILES}/{collection}/collection.json", "type": "application/json"}],
    }


def _acquired(visit: _Visit[Scene] | _Visit[Tile], made: datetime, identity: str) -> Document:
    """Make the properties that all items have."""
    return {
        "datetime": _text(visit.time),
        "created": _text(made),
        "updated": _text(made + timedelta(days=round(3 * _percent(identity, "update")))),
        "eo:cloud_cover": _percent(identity, "clouds"),
        "view:off_nadir": 0,
        "view:sun_azimuth": round(visit.sun_azimuth, 4),
        "view:sun_elevation": round(visit.sun_elevation, 4),
    }


def _percent(identity: str, what: str) -> float:
    """A number from 0 to 100, more often low than high, that is always the same for an item."""
    chance = int.from_bytes(sha256(f"{identity} {what}".encode()).digest()[:4], "big") / 2**32
    return round(100 * chance**2, 2)


def _data(band: Band, href: str) -> Document:
    return {
        "href": href,
        "type": COG,
        "title": band.title,
        "roles": ["data"],
        "gsd": band.gsd_m,
        "bands": [band.document],
    }


def _located(footprint: Sequence[Point]) -> tuple[Document, list[float]]:
    """Make geometry and bbox; what crosses the antimeridian is cut there, and its bbox is wider west than east."""
    whole = shapely.Polygon([(round(x, 6), round(y, 6)) for x, y in footprint])
    west, south, east, north = whole.bounds
    parts = [
        orient(shapely.Polygon([(round(x - turn, 6), round(y, 6)) for x, y in part.exterior.coords]))
        for turn in (-360, 0, 360)
        if isinstance(part := whole & shapely.box(turn - 180, -90, turn + 180, 90), shapely.Polygon)
        and not part.is_empty
    ]
    geometry = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    # 180 degrees east is the edge of the world, and not the same as 180 degrees west.
    return mapping(geometry), [round(wrapped(west), 6), south, round(-wrapped(-east), 6), north]


def _text(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
