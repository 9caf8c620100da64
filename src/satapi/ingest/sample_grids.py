"""Where satellite scenes lie: UTM, the MGRS tiles of Sentinel-2 and the WRS-2 scenes of Landsat.

Longitudes, latitudes and bearings are degrees, distances and UTM coordinates metres. A footprint is a ring of
(longitude, latitude), counter-clockwise, first point not repeated; its longitudes may pass 180.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import asin, asinh, atan, atan2, atanh, ceil, cos, cosh, degrees, floor, hypot, radians, sin, sinh, sqrt, tan
from typing import NamedTuple

Point = tuple[float, float]


# UTM on WGS 84 ----------------------------------------------------------------------------------------------------
# Krueger's series to the third order, better than a millimetre: C. F. F. Karney, "Transverse Mercator with an accuracy
# of a few nanometers", Journal of Geodesy 85 (2011), https://arxiv.org/abs/1002.1417

_FLATTENING = 1 / 298.257223563
_N = _FLATTENING / (2 - _FLATTENING)
_RADIUS_M = 0.9996 * 6_378_137 / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_ALPHA = (_N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16, 13 * _N**2 / 48 - 3 * _N**3 / 5, 61 * _N**3 / 240)
_BETA = (_N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96, _N**2 / 48 + _N**3 / 15, 17 * _N**3 / 480)
_DELTA = (2 * _N - 2 * _N**2 / 3 - 2 * _N**3, 7 * _N**2 / 3 - 8 * _N**3 / 5, 56 * _N**3 / 15)
_FALSE_EASTING_M = 500_000.0
_FALSE_NORTHING_M = 10_000_000.0


class Utm(NamedTuple):
    """A zone of UTM."""

    zone: int
    south: bool

    @property
    def epsg(self) -> int:
        """The zone's number in the EPSG registry."""
        return (32700 if self.south else 32600) + self.zone

    def project(self, longitude: float, latitude: float) -> Point:
        """From degrees to metres."""
        east = radians(wrapped(longitude - self._meridian))
        e = 2 * sqrt(_N) / (1 + _N)
        t = sinh(atanh(sin(radians(latitude))) - e * atanh(e * sin(radians(latitude))))
        xi = atan2(t, cos(east))
        eta = asinh(sin(east) / hypot(t, cos(east)))
        x = eta + sum(a * cos(2 * j * xi) * sinh(2 * j * eta) for j, a in enumerate(_ALPHA, 1))
        y = xi + sum(a * sin(2 * j * xi) * cosh(2 * j * eta) for j, a in enumerate(_ALPHA, 1))
        return _FALSE_EASTING_M + _RADIUS_M * x, self._false_northing_m + _RADIUS_M * y

    def unproject(self, x: float, y: float) -> Point:
        """From metres to degrees; the longitude is counted on from the zone's meridian."""
        eta = (x - _FALSE_EASTING_M) / _RADIUS_M
        xi = (y - self._false_northing_m) / _RADIUS_M
        east = eta - sum(b * cos(2 * j * xi) * sinh(2 * j * eta) for j, b in enumerate(_BETA, 1))
        north = xi - sum(b * sin(2 * j * xi) * cosh(2 * j * eta) for j, b in enumerate(_BETA, 1))
        chi = asin(sin(north) / cosh(east))
        latitude = chi + sum(d * sin(2 * j * chi) for j, d in enumerate(_DELTA, 1))
        return self._meridian + degrees(atan2(sinh(east), cos(north))), degrees(latitude)

    @property
    def _meridian(self) -> int:
        return self.zone * 6 - 183

    @property
    def _false_northing_m(self) -> float:
        return _FALSE_NORTHING_M if self.south else 0.0


def utm_at(longitude: float, latitude: float) -> Utm:
    """The zone of a place (those of Norway and Svalbard are widened, which is left out)."""
    return Utm(floor((wrapped(longitude) + 180) / 6) + 1, latitude < 0)


# Orbits -----------------------------------------------------------------------------------------------------------
# Circular and sun-synchronous over a turning sphere: places to about 10 km, times to about a minute.


class Orbit(NamedTuple):
    """An orbit that repeats; `along` is the angle flown since the crossing of the equator southwards."""

    inclination: float
    revolutions: int
    """Revolutions in a cycle, after which the ground track repeats."""
    cycle: timedelta

    @property
    def period(self) -> timedelta:
        """How long a revolution takes."""
        return self.cycle / self.revolutions

    def along(self, latitude: float) -> float:
        """The angle at which the descending satellite passes a latitude."""
        geocentric = atan((1 - _FLATTENING) ** 2 * tan(radians(latitude)))
        return -degrees(asin(max(-1.0, min(1.0, sin(geocentric) / sin(radians(self.inclination))))))

    def position(self, along: float) -> Point:
        """How far east of the crossing the satellite is, and its latitude."""
        flown, tilt = radians(along), radians(self.inclination)
        geocentric = -asin(sin(tilt) * sin(flown))
        east = (
            degrees(atan2(cos(tilt) * sin(flown), cos(flown))) - along * (self.cycle / timedelta(1)) / self.revolutions
        )
        return east, degrees(atan(tan(geocentric) / (1 - _FLATTENING) ** 2))


def wrapped(longitude: float) -> float:
    """The same meridian from -180 up to, but not including, 180."""
    return (longitude + 180) % 360 - 180


# Sentinel-2 -------------------------------------------------------------------------------------------------------

SENTINEL = Orbit(98.57, 143, timedelta(days=10))
# Relative orbit 22 crosses the equator here, and each further one a 143rd of ten turns to the west.
_CROSSING_22 = -0.7
# A crossing of Sentinel-2B in relative orbit 122; Sentinel-2A follows half a cycle later.
_CROSSED_122 = datetime(2024, 4, 19, 10, 22, 43, tzinfo=UTC)

_BANDS = "CDEFGHJKLMNPQRSTUVWX"
_COLUMNS = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
_ROWS = "ABCDEFGHJKLMNPQRSTUV"
_EVEN_ZONE_ROWS = 5
_SQUARE_M = 100_000
TILE_M = 109_800
# The corners of tiles lie on the coarsest of their grids.
_COARSEST_M = 60


class Tile(NamedTuple):
    """A tile of Sentinel-2: the 100 km square of MGRS that names it, and a margin to the south and the east."""

    name: str
    utm: Utm
    west: int
    north: int

    @property
    def footprint(self) -> list[Point]:
        """The tile's corners."""
        west, north, east, south = self.west, self.north, self.west + TILE_M, self.north - TILE_M
        return [self.utm.unproject(x, y) for x, y in ((west, north), (west, south), (east, south), (east, north))]

    @property
    def centre(self) -> Point:
        """The tile's middle."""
        return self.utm.unproject(self.west + TILE_M / 2, self.north - TILE_M / 2)

    @property
    def relative_orbit(self) -> int:
        """The relative orbit that passes nearest to the centre."""
        longitude, latitude = self.centre
        crossing = longitude - SENTINEL.position(SENTINEL.along(latitude))[0]

        def off(number: int) -> float:
            return abs(wrapped(_CROSSING_22 - (number - 22) * 3600 / SENTINEL.revolutions - crossing))

        return min(range(1, SENTINEL.revolutions + 1), key=off)

    def passed(self, pass_number: int) -> datetime:
        """When the satellites passed by, Sentinel-2B at even and Sentinel-2A at odd numbers; 0 is in April 2024."""
        flown = self.relative_orbit - 122 + SENTINEL.along(self.centre[1]) / 360
        return _CROSSED_122 + flown * SENTINEL.period + pass_number * SENTINEL.cycle / 2


def tile_at(longitude: float, latitude: float) -> Tile:
    """The tile whose square a place lies in."""
    utm = utm_at(longitude, latitude)
    x, y = utm.project(longitude, latitude)
    column, row = floor(x / _SQUARE_M), floor(y / _SQUARE_M)
    band = _BANDS[min(floor((latitude + 80) / 8), len(_BANDS) - 1)]
    letters = _COLUMNS[(utm.zone - 1) % 3][column - 1], _ROWS[(row + (1 - utm.zone % 2) * _EVEN_ZONE_ROWS) % len(_ROWS)]
    west = floor(column * _SQUARE_M / _COARSEST_M) * _COARSEST_M
    north = ceil((row + 1) * _SQUARE_M / _COARSEST_M) * _COARSEST_M
    return Tile(f"{utm.zone:02}{band}{''.join(letters)}", utm, west, north)


# Landsat ----------------------------------------------------------------------------------------------------------
# https://landsat.gsfc.nasa.gov/about/the-worldwide-reference-system/

LANDSAT = Orbit(98.2, 233, timedelta(days=16))
_ROWS_AN_ORBIT = 248
_EQUATOR_ROW = 60
_CROSSING_1 = -64.6
# A crossing of Landsat 8 in path 89. The satellite moves on by 16 paths with each revolution, and 102 * 16 % 233 is 1.
_CROSSED_89 = datetime(2024, 4, 9, 23, 34, 22, tzinfo=UTC)
_REVOLUTIONS_TO_NEXT_PATH = 102
_HALF_WIDTH_M = 92_500
_HALF_HEIGHT_M = 90_000
_EARTH_RADIUS_M = 6_371_000


class Scene(NamedTuple):
    """A scene of the Worldwide Reference System 2."""

    path: int
    row: int

    @property
    def along(self) -> float:
        """The angle flown from the equator to the centre."""
        return (self.row - _EQUATOR_ROW) * 360 / _ROWS_AN_ORBIT

    @property
    def centre(self) -> Point:
        """The nominal centre."""
        east, latitude = LANDSAT.position(self.along)
        return wrapped(_CROSSING_1 - (self.path - 1) * 360 / LANDSAT.revolutions + east), latitude

    @property
    def footprint(self) -> list[Point]:
        """The scene's corners."""
        (behind, north), (ahead, south) = LANDSAT.position(self.along - 0.1), LANDSAT.position(self.along + 0.1)
        bearing = degrees(atan2(wrapped(ahead - behind) * cos(radians(self.centre[1])), south - north))
        off = degrees(atan2(_HALF_WIDTH_M, _HALF_HEIGHT_M))
        reach = hypot(_HALF_WIDTH_M, _HALF_HEIGHT_M)
        return [_from(self.centre, bearing + turn, reach) for turn in (off, -off, off - 180, -off - 180)]

    def passed(self, pass_number: int) -> datetime:
        """When Landsat 8 passed by; 0 is in April 2024."""
        revolutions = (self.path - 89) * _REVOLUTIONS_TO_NEXT_PATH % LANDSAT.revolutions
        return _CROSSED_89 + (revolutions + self.along / 360) * LANDSAT.period + pass_number * LANDSAT.cycle


def scene_at(longitude: float, latitude: float) -> Scene:
    """The scene whose centre is about nearest to a place."""
    row = round(_EQUATOR_ROW + LANDSAT.along(latitude) * _ROWS_AN_ORBIT / 360)
    east, _ = LANDSAT.position(LANDSAT.along(latitude))
    path = round((_CROSSING_1 + east - longitude) * LANDSAT.revolutions / 360) % LANDSAT.revolutions + 1
    return Scene(path, row)


def _from(start: Point, bearing: float, distance_m: float) -> Point:
    longitude, latitude = start
    angle, phi, turn = distance_m / _EARTH_RADIUS_M, radians(latitude), radians(bearing)
    end = asin(sin(phi) * cos(angle) + cos(phi) * sin(angle) * cos(turn))
    east = atan2(sin(turn) * sin(angle) * cos(phi), cos(angle) - sin(phi) * sin(end))
    return longitude + degrees(east), degrees(end)
