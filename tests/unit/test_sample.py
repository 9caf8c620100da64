"""The sample data is valid, plausible and always the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import shapely
from stac_pydantic import Collection, Item

from satapi.ingest.prepare import prepare_collection, prepare_item
from satapi.ingest.sample import sample_collections, sample_items
from satapi.ingest.sample_grids import Scene, Utm, scene_at, tile_at
from satapi.ingest.sample_places import PLACES

Json = dict[str, object]

ITEMS = [json.loads(raw) for raw in sample_items()]
COLLECTIONS = {collection["id"]: collection for collection in map(json.loads, sample_collections())}


def test_there_are_a_thousand_items_of_each_collection_and_no_id_is_twice() -> None:
    assert Counter(item["collection"] for item in ITEMS) == {"landsat-8-l1": 1000, "sentinel-2-l2a": 1000}
    assert len({item["id"] for item in ITEMS}) == 2000


def test_the_sample_is_the_same_every_time() -> None:
    assert list(sample_items()) == list(sample_items())
    assert sample_collections() == sample_collections()


def test_ids_are_those_of_wrs_2_scenes_and_mgrs_tiles() -> None:
    forms = {
        "landsat-8-l1": r"LC08_L1TP_(?P<path>\d{3})(?P<row>\d{3})_20\d{6}_20\d{6}_02_T1",
        "sentinel-2-l2a": r"S2[AB]_MSIL2A_20\d{6}T\d{6}_R(?P<orbit>\d{3})_T(?P<tile>\d\d[C-X][A-Z][A-V])_20\d{6}T\d{6}",
    }
    for item in ITEMS:
        found = re.fullmatch(forms[item["collection"]], item["id"])
        assert found, item["id"]
        properties = item["properties"]
        if "path" in found.groupdict():
            assert (properties["landsat:wrs_path"], properties["landsat:wrs_row"]) == found.groups()
            assert 1 <= int(found["path"]) <= 233
        else:
            assert properties["grid:code"] == "MGRS-" + found["tile"]
            assert 1 <= properties["sat:relative_orbit"] == int(found["orbit"]) <= 143


def test_items_and_collections_are_valid_stac() -> None:
    for item in ITEMS:
        Item.model_validate(item)
    for collection in COLLECTIONS.values():
        Collection.model_validate(collection)


def test_the_loader_takes_them() -> None:
    for raw in sample_items():
        prepare_item(raw)
    for raw in sample_collections():
        prepare_collection(raw)


def test_items_lie_within_the_extent_of_their_collection() -> None:
    for item in ITEMS:
        extent = COLLECTIONS[item["collection"]]["extent"]
        ((_, south, _, north),) = extent["spatial"]["bbox"]
        ((start, end),) = extent["temporal"]["interval"]
        assert south <= item["bbox"][1] < item["bbox"][3] <= north
        assert start < item["properties"]["datetime"] < end


def test_summaries_and_item_assets_say_what_the_items_have() -> None:
    for item in ITEMS:
        collection = COLLECTIONS[item["collection"]]
        for name, summary in collection["summaries"].items():
            value = item["properties"][name]
            if isinstance(summary, dict):
                assert summary["minimum"] <= value <= summary["maximum"]
            else:
                assert set(value if isinstance(value, list) else [value]) <= set(summary)
        assert item["assets"].keys() == collection["item_assets"].keys()
        for name, asset in item["assets"].items():
            assert asset["type"] == collection["item_assets"][name]["type"]


def test_the_sun_was_up() -> None:
    assert all(8 <= item["properties"]["view:sun_elevation"] <= 90 for item in ITEMS)
    assert all(0 <= item["properties"]["view:sun_azimuth"] < 360 for item in ITEMS)


def test_footprints_lie_where_the_places_on_land_are() -> None:
    places = shapely.STRtree([shapely.Point(place.longitude, place.latitude) for place in PLACES])
    for item in ITEMS:
        assert len(places.query(shapely.from_geojson(json.dumps(item["geometry"])), "dwithin", 1.5))


def test_footprints_are_valid_and_fill_their_bbox() -> None:
    for item in ITEMS:
        geometry = shapely.from_geojson(json.dumps(item["geometry"]))
        assert geometry.is_valid
        west, south, east, north = item["bbox"]
        parts = [geometry] if west < east else list(geometry.geoms)
        bounds = [part.bounds for part in parts]
        assert (south, north) == (min(b[1] for b in bounds), max(b[3] for b in bounds))
        assert (west, east) == (bounds[0][0], bounds[-1][2])
        assert all(shapely.is_ccw(part.exterior) for part in parts)


def test_some_cross_the_antimeridian_and_are_cut_there() -> None:
    crossing = [item for item in ITEMS if item["bbox"][0] > item["bbox"][2]]
    assert len({item["collection"] for item in crossing}) == 2
    for item in crossing:
        assert item["geometry"]["type"] == "MultiPolygon"
        east, west = shapely.from_geojson(json.dumps(item["geometry"])).geoms
        assert (east.bounds[2], west.bounds[0]) == (180, -180)
    assert all(item["geometry"]["type"] == "Polygon" for item in ITEMS if item not in crossing)


@pytest.mark.parametrize(
    ("scene", "centre", "passed"),
    [
        (Scene(44, 34), (-122.1, 37.5), datetime(2014, 3, 18, 18, 46, tzinfo=UTC)),
        (Scene(89, 90), (148.7, -43.2), datetime(2024, 4, 9, 23, 46, tzinfo=UTC)),
        (Scene(37, 34), (-111.3, 37.5), datetime(2024, 4, 13, 18, 3, tzinfo=UTC)),
        (Scene(201, 24), (0.4, 51.7), datetime(2024, 4, 10, 10, 52, tzinfo=UTC)),
    ],
)
def test_scenes_are_where_and_when_landsat_8_took_them(
    scene: Scene, centre: tuple[float, float], passed: datetime
) -> None:
    assert scene.centre == pytest.approx(centre, abs=0.1)
    assert scene_at(*centre) == scene
    assert min(abs(scene.passed(cycle) - passed) for cycle in range(-250, 1)) < timedelta(minutes=2)


@pytest.mark.parametrize(
    ("place", "name", "epsg", "corner"),
    [
        ((96.0, 81.5), "47XML", 32647, (399960, 9100020)),
        ((95.0, 82.5), "46XES", 32646, (499980, 9200040)),
        ((11.1, 48.3), "32UPU", 32632, (600000, 5400000)),
    ],
)
def test_tiles_are_those_of_sentinel_2(
    place: tuple[float, float], name: str, epsg: int, corner: tuple[float, float]
) -> None:
    tile = tile_at(*place)
    assert (tile.name, tile.utm.epsg, (tile.west, tile.north)) == (name, epsg, corner)


@pytest.mark.parametrize("place", PLACES)
def test_utm_leads_there_and_back(place: tuple[str, float, float]) -> None:
    _, longitude, latitude = place
    utm = Utm(tile_at(longitude, latitude).utm.zone, latitude < 0)
    there = utm.unproject(*utm.project(longitude, latitude))
    assert there == pytest.approx((longitude, latitude), abs=1e-8)
