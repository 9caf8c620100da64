"""The sample's UTM against that of PROJ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from satapi.ingest.sample_grids import utm_at
from satapi.ingest.sample_places import PLACES

if TYPE_CHECKING:
    import asyncpg


async def test_utm_agrees_with_proj_to_a_millimetre(connection: asyncpg.Connection) -> None:
    for place in PLACES:
        utm = utm_at(place.longitude, place.latitude)
        x, y = await connection.fetchrow(
            "select st_x(g), st_y(g) from st_transform(st_setsrid(st_point($1, $2), 4326), $3::int) as g",
            place.longitude,
            place.latitude,
            utm.epsg,
        )
        assert utm.project(place.longitude, place.latitude) == pytest.approx((x, y), abs=0.001)
