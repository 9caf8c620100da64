"""Grids: the cells that items lie in, as SQL; each has a key, and none overlap.

Geohash cells halve longitudes and latitudes in turn, from -180 and -90 degrees up; geotiles are the squares z/x/y of
web maps, and those at the edges of the map reach to the poles. A point between two cells is in the one that begins
there; an area is in the cells that its inside meets.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from satapi.query.sql import Param, Sql, sql

# The grids that SQL knows.
Squares = Literal["geohash", "geotile"]


def key_of_centroid(cells: Squares, precision: int, middle: Sql) -> Sql:
    """The key of the cell that a point is in."""
    if cells == "geohash":
        return sql("st_geohash({}, {}::integer)", middle, precision)
    size = Param(2**precision)
    column, row = _column(sql("st_x({})", middle), size), _tile_row(sql("st_y({})", middle), size)
    return sql("concat_ws('/', {}::integer, {}, {})", precision, column, row)


class _Lattice(msgspec.Struct, frozen=True):
    """The cells of one precision: `columns` of them, x from the west, and rows y, for the part `geom` of a geometry.

    `low` and `high` are the rows around it, `south` and `north` the ends of row y, and `key` is that of cell x, y.
    """

    columns: Param
    low: Sql
    high: Sql
    south: Sql
    north: Sql
    key: Sql


def keys_of_footprint(cells: Squares, precision: int, shape: Sql, cells_max: int) -> Sql:
    """Rows (key, kind) of the cells that a geometry meets; none where there are more than `cells_max` to look at.

    Each part is looked at by itself: the box around an item that was cut at the antimeridian is the whole world.
    """
    lattice = _geohashes(precision) if cells == "geohash" else _tiles(precision)
    columns = lattice.columns
    # Open to the east, but for the last column.
    east = sql(
        "case when x + 1 = {}::bigint then 181 else (x + 1) * 360 / {}::float8 - 180 - {}::float8 end",
        columns,
        columns,
        _EDGE,
    )
    return sql(
        "select distinct {} as key, 'string' as kind from ("
        "select *, sum((last - first + 1) * (high - low + 1)) over () as looked_at from ("
        "select geom, case when st_dimension(geom) = 2 then {}::float8 else 0 end as inset, "
        "{} as first, {} as last, {} as low, {} as high from st_dump({})) as part) as parts "
        "cross join lateral generate_series(first, last) as x cross join lateral generate_series(low, high) as y "
        "where looked_at <= {}::bigint and st_intersects(geom, st_makeenvelope("
        "x * 360 / {}::float8 - 180 + inset, {}, {}, {}, 4326))",
        lattice.key,
        _EDGE,
        _column(sql("st_xmin(geom)"), columns),
        _column(sql("st_xmax(geom)"), columns),
        lattice.low,
        lattice.high,
        shape,
        cells_max,
        columns,
        lattice.south,
        east,
        lattice.north,
    )


def _geohashes(precision: int) -> _Lattice:
    """Rows from the south, open to the north but for the last."""
    columns, rows = Param(2 ** ((5 * precision + 1) // 2)), Param(2 ** (5 * precision // 2))
    return _Lattice(
        columns=columns,
        low=_row(sql("st_ymin(geom)"), rows),
        high=_row(sql("st_ymax(geom)"), rows),
        south=sql("y * 180 / {}::float8 - 90 + inset", rows),
        north=sql(
            "case when y + 1 = {}::bigint then 91 else (y + 1) * 180 / {}::float8 - 90 - {}::float8 end",
            rows,
            rows,
            _EDGE,
        ),
        key=sql(
            "st_geohash(st_point((x + 0.5) * 360 / {}::float8 - 180, (y + 0.5) * 180 / {}::float8 - 90), {}::integer)",
            columns,
            rows,
            precision,
        ),
    )


def _tiles(precision: int) -> _Lattice:
    """Rows from the north, open to the south but for the last."""
    size = Param(2**precision)
    north, south = _latitude(sql("y"), size), _latitude(sql("(y + 1)"), size)
    return _Lattice(
        columns=size,
        low=_tile_row(sql("st_ymax(geom)"), size),
        high=_tile_row(sql("st_ymin(geom)"), size),
        south=sql("case when y + 1 = {}::bigint then -91 else {} + {}::float8 end", size, south, _EDGE),
        north=sql("case when y = 0 then 91 else {} - inset end", north),
        key=sql("concat_ws('/', {}::integer, x, y)", precision),
    )


# What an edge is moved by where it is not in a cell, in degrees: 0.1 mm.
_EDGE = Param(1e-9)


def _column(longitude: Sql, columns: Param) -> Sql:
    return sql("least(floor(({} + 180) / 360 * {}::bigint), {}::bigint - 1)::bigint", longitude, columns, columns)


def _row(latitude: Sql, rows: Param) -> Sql:
    return sql("least(floor(({} + 90) / 180 * {}::bigint), {}::bigint - 1)::bigint", latitude, rows, rows)


def _tile_row(latitude: Sql, rows: Param) -> Sql:
    """Web Mercator: the map ends at 85.05 degrees, where it is as high as it is wide."""
    return sql(
        "greatest(0, least(floor((1 - asinh(tan(radians({}))) / pi()) / 2 * {}::bigint), {}::bigint - 1))::bigint",
        latitude,
        rows,
        rows,
    )


def _latitude(row: Sql, rows: Param) -> Sql:
    """The northern edge of a row of tiles."""
    return sql("degrees(atan(sinh(pi() * (1 - 2 * {} / {}::float8))))", row, rows)
