"""Templates of real-shaped items: the shared real ones, or look-alikes of the same size where those are absent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import orjson

from cluster import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARED = REPOSITORY.parent / "shared" / "data" / "stac"

# How many of 100 items belong to each collection: weighed so that an item has 14 KB on average.
WEIGHTS = {"landsat-c2-l2": 25, "sentinel-2-l2a": 41, "sentinel-1-rtc": 20, "naip": 14}

# Where an id names its place (tile, path and row, orbit, quadrangle): the characters that make copies distinct.
PLACES = {
    "landsat-c2-l2": r"_(\d{6})_",
    "sentinel-2-l2a": r"_T(\w{5})_",
    "sentinel-1-rtc": r"_(\d{6})_",
    "naip": r"_m_(\d{7})_",
}

Json = dict[str, object]


class Template(NamedTuple):
    """An item cut at what varies: constant bytes and, after each but the last, the name of a varying part."""

    collection: str
    bbox: list[float]
    rings: list[list[list[float]]]
    constants: list[bytes]
    names: list[str]

    def filled(self, parts: Mapping[str, bytes]) -> bytes:
        """The item as compact JSON."""
        pieces = [self.constants[0]]
        for name, constant in zip(self.names, self.constants[1:], strict=True):
            pieces += (parts[name], constant)
        return b"".join(pieces)


def source_items() -> list[Json]:
    """The items that templates are cut from."""
    if not SHARED.is_dir():
        return [_own_item(collection) for collection in WEIGHTS]
    documents = [orjson.loads(path.read_bytes()) for path in sorted(SHARED.glob("*.json"))]
    lists = [document if isinstance(document, list) else document["features"] for document in documents]
    return [item for items in lists for item in items]


def cut(item: Json) -> Template:
    """Cut an item at its code and date (wherever they stand), times, cloud cover, geometry and bbox."""
    geometry, bbox, properties = item["geometry"], item["bbox"], dict(item["properties"])
    code = re.search(PLACES[item["collection"]], item["id"])[1]
    date = properties["datetime"][:10]
    for name in ("datetime", "start_datetime", "end_datetime", "eo:cloud_cover"):
        if name in properties:
            properties[name] = _mark(name)
    marked = item | {"properties": properties, "geometry": _mark("geometry"), "bbox": _mark("bbox")}
    text = orjson.dumps(marked).decode()
    for name, form in CODE_FORMS.items():
        text = text.replace(form(code), _mark(name))
    text = text.replace(date.replace("-", ""), _mark("date")).replace(date.replace("-", "/"), _mark("date/"))
    # Geometry, bbox and numbers are not strings: their marks lose the quotes around them.
    text = re.sub(rf'"({MARK}(?:geometry|bbox|eo:cloud_cover){MARK})"', r"\1", text)
    constants, names = text.split(MARK)[::2], text.split(MARK)[1::2]
    return Template(item["collection"], bbox, geometry["coordinates"], [part.encode() for part in constants], names)


# A character that cannot stand in JSON.
MARK = "\x7f"

# Paths in hrefs spell a code with slashes: 089/090, 47/X/ML, 18065/51.
CODE_FORMS = {
    "code": lambda code: code,
    "code 3/": lambda code: f"/{code[:3]}/{code[3:]}/",
    "code 2/1/": lambda code: f"/{code[:2]}/{code[2]}/{code[3:]}/",
    "code 5/": lambda code: f"/{code[:5]}/{code[5:]}/",
}


def _mark(name: str) -> str:
    return f"{MARK}{name}{MARK}"


def make_collection(collection: str, items: list[Json]) -> Json:
    """The collection of some items, with item_assets: what is equal in an asset of all of them, but its href."""
    own = [item["assets"] for item in items if item["collection"] == collection]
    shared_names = [name for name in own[0] if all(name in assets for assets in own)]
    item_assets = {name: _in_common([assets[name] for assets in own]) for name in shared_names}
    return {
        "type": "Collection",
        "id": collection,
        "stac_version": "1.0.0",
        "description": f"Items shaped like those of {collection}, multiplied for benchmarks",
        "license": "other",
        "links": [],
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]]},
            "temporal": {"interval": [["2019-01-01T00:00:00Z", None]]},
        },
        "item_assets": item_assets,
    }


def _in_common(assets: list[Json]) -> Json:
    """What a definition can say of every asset: its members that are equal, but where and how one file lies."""
    first = assets[0].items()
    general = {name: value for name, value in first if name != "href" and not name.startswith(("proj:", "file:"))}
    return {name: value for name, value in general.items() if all(one.get(name) == value for one in assets)}


# Of the look-alikes: the id, how many assets, and how many bands each asset describes.
OWN_SHAPES = {
    "landsat-c2-l2": ("LC09_L2SP_089090_20240417_02_T1", 25, 6),
    "sentinel-2-l2a": ("S2B_MSIL2A_20240417_R122_T47XML_20240417", 24, 4),
    "sentinel-1-rtc": ("S1A_IW_GRDH_1SDV_20240417_053498_067DF2_rtc", 8, 3),
    "naip": ("pr_m_1806551_nw_20_030_20240417_20230329", 4, 3),
}


def _own_item(collection: str) -> Json:
    item_id, asset_count, band_count = OWN_SHAPES[collection]
    properties = {"datetime": "2024-04-17T10:00:00Z", "platform": "benchmark", "gsd": 30, "proj:epsg": 32655}
    if collection in {"landsat-c2-l2", "sentinel-2-l2a"}:
        properties["eo:cloud_cover"] = 50.0
    ring = [[10.0, 10.0], [11.0, 10.1], [11.1, 11.0], [10.1, 11.1], [10.0, 10.0]]
    base = "https://example.com"
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": ["https://stac-extensions.github.io/eo/v1.0.0/schema.json"],
        "id": item_id,
        "collection": collection,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [10.0, 10.0, 11.1, 11.1],
        "properties": properties,
        "assets": {f"band{n}": _own_asset(f"{base}/{item_id}/band{n}.tif", n, band_count) for n in range(asset_count)},
        "links": [{"rel": "collection", "type": "application/json", "href": f"{base}/collections/{collection}"}],
    }


def _own_asset(href: str, number: int, band_count: int) -> Json:
    bands = [{"nodata": -9999, "data_type": "int16", "unit": "kelvin", "scale": 0.01} for _ in range(band_count)]
    return {
        "href": href,
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"],
        "title": f"Band {number}: surface reflectance",
        "description": f"Surface reflectance of band {number}, corrected for the atmosphere, as it was projected",
        "proj:shape": [10980, 10980],
        "proj:transform": [10.0, 0.0, 399960.0, 0.0, -10.0, 9100020.0],
        "raster:bands": bands,
    }
