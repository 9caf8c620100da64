"""Searches with CQL2 filters that both servers are asked, each kind of operator once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios import LARGE, Json, Scenario, search

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenarios import Chance

_CLOUDS: Json = {"property": "eo:cloud_cover"}
_PLATFORM: Json = {"property": "platform"}


def _op(name: str, *arguments: object) -> Json:
    return {"op": name, "args": list(arguments)}


def _filtered(make: Callable[[Chance], Json], **body: object) -> Callable[[Chance], bytes]:
    return lambda chance: search(**{"filter-lang": "cql2-json", "filter": make(chance), "limit": 10, **body})


def _clear_landsat(chance: Chance) -> Json:
    return _op("and", _op("<", _CLOUDS, chance.random.randint(5, 40)), _op("=", _PLATFORM, "landsat-9"))


def _landsat_or_clear(chance: Chance) -> Json:
    return _op("or", _op("=", _PLATFORM, "landsat-8"), _op("<", _CLOUDS, chance.random.randint(1, 10)))


def _not_cloudy(chance: Chance) -> Json:
    return _op("not", _op(">=", _CLOUDS, chance.random.randint(10, 90)))


def _few_clouds(chance: Chance) -> Json:
    low = chance.random.randint(0, 80)
    return _op("between", _CLOUDS, low, low + 5)


def _within(chance: Chance) -> Json:
    return _op("s_within", {"property": "geometry"}, chance.polygon(30))


def _in_polygon_and_month(chance: Chance) -> Json:
    start, end = chance.window(30).split("/")
    met = _op("t_intersects", {"property": "datetime"}, {"interval": [start, end]})
    return _op("and", _op("s_intersects", {"property": "geometry"}, chance.polygon(30)), met)


def _paths(chance: Chance) -> Json:
    return _op("in", {"property": "landsat:wrs_path"}, [f"{chance.random.randint(1, 233):03d}" for _ in range(20)])


FILTERS = (
    Scenario("cloud cover and platform", "datetime", _filtered(_clear_landsat)),
    Scenario("platform or cloud cover", "datetime", _filtered(_landsat_or_clear)),
    Scenario("not cloudy, of a collection", "datetime", _filtered(_not_cloudy, collections=[LARGE[0]])),
    Scenario("between 5 % of clouds", "datetime", _filtered(_few_clouds)),
    Scenario("platform like", "datetime", _filtered(lambda _: _op("like", _PLATFORM, "Sentinel-2%"))),
    Scenario("one of 20 paths", "datetime", _filtered(_paths)),
    Scenario("within a polygon", "datetime", _filtered(_within)),
    Scenario("polygon and month, as a filter", "datetime", _filtered(_in_polygon_and_month)),
    Scenario("without cloud cover", "datetime", _filtered(lambda _: _op("isNull", _CLOUDS))),
)
