"""The two sample collections, and the bands that their items' assets are made from."""

from __future__ import annotations

from typing import NamedTuple

Document = dict[str, object]

COG = "image/tiff; application=geotiff; profile=cloud-optimized"


class Band(NamedTuple):
    """A spectral band: the key of its asset, names, middle and width in micrometres, and resolution in metres."""

    key: str
    name: str
    common_name: str
    center_wavelength: float
    full_width_half_max: float
    gsd_m: int

    @property
    def document(self) -> Document:
        """The band as STAC describes it."""
        return {
            "name": self.name,
            "eo:common_name": self.common_name,
            "eo:center_wavelength": self.center_wavelength,
            "eo:full_width_half_max": self.full_width_half_max,
        }

    @property
    def title(self) -> str:
        """What the band's asset is called."""
        return f"{self.name} ({self.common_name}), {self.gsd_m} m"


LANDSAT_BANDS = (
    Band("B1", "B1", "coastal", 0.44, 0.02, 30),
    Band("B2", "B2", "blue", 0.48, 0.06, 30),
    Band("B3", "B3", "green", 0.56, 0.06, 30),
    Band("B4", "B4", "red", 0.65, 0.04, 30),
    Band("B5", "B5", "nir08", 0.86, 0.03, 30),
    Band("B6", "B6", "swir16", 1.6, 0.08, 30),
    Band("B7", "B7", "swir22", 2.2, 0.2, 30),
    Band("B8", "B8", "pan", 0.59, 0.18, 15),
    Band("B9", "B9", "cirrus", 1.37, 0.02, 30),
    Band("B10", "B10", "lwir11", 10.9, 0.8, 30),
    Band("B11", "B11", "lwir12", 12.0, 1.0, 30),
)

SENTINEL_BANDS = (
    Band("coastal", "B01", "coastal", 0.443, 0.027, 60),
    Band("blue", "B02", "blue", 0.49, 0.098, 10),
    Band("green", "B03", "green", 0.56, 0.045, 10),
    Band("red", "B04", "red", 0.665, 0.038, 10),
    Band("rededge1", "B05", "rededge071", 0.704, 0.019, 20),
    Band("rededge2", "B06", "rededge075", 0.74, 0.018, 20),
    Band("rededge3", "B07", "rededge078", 0.783, 0.028, 20),
    Band("nir", "B08", "nir", 0.842, 0.145, 10),
    Band("nir08", "B8A", "nir08", 0.865, 0.033, 20),
    Band("nir09", "B09", "nir09", 0.945, 0.026, 60),
    Band("swir16", "B11", "swir16", 1.61, 0.143, 20),
    Band("swir22", "B12", "swir22", 2.19, 0.242, 20),
)

EXTENSIONS = {
    "eo": "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
    "grid": "https://stac-extensions.github.io/grid/v1.1.0/schema.json",
    "landsat": "https://landsat.usgs.gov/stac/landsat-extension/v1.1.1/schema.json",
    "proj": "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "sat": "https://stac-extensions.github.io/sat/v1.0.0/schema.json",
    "view": "https://stac-extensions.github.io/view/v1.0.0/schema.json",
}


def _item_assets(bands: tuple[Band, ...]) -> Document:
    return {
        band.key: {
            "type": COG,
            "title": band.title,
            "roles": ["data"],
            "gsd": band.gsd_m,
            "bands": [band.document],
        }
        for band in bands
    }


def _extent(south: float, north: float, start: str) -> Document:
    return {
        "spatial": {"bbox": [[-180.0, south, 180.0, north]]},
        "temporal": {"interval": [[start, "2025-01-01T00:00:00Z"]]},
    }


_METADATA: Document = {"type": "application/json", "title": "Metadata", "roles": ["metadata"]}
_THUMBNAIL: Document = {"type": "image/jpeg", "title": "Thumbnail", "roles": ["thumbnail"]}
_HOST: Document = {"name": "satapi", "roles": ["host"], "description": "Made these sample documents."}

LANDSAT_COLLECTION: Document = {
    "type": "Collection",
    "stac_version": "1.1.0",
    "stac_extensions": [EXTENSIONS["eo"], EXTENSIONS["view"]],
    "id": "landsat-8-l1",
    "title": "Landsat 8 Level-1 (sample)",
    "description": (
        "Sample metadata in the shape of Landsat 8 Level-1 scenes. Ids, footprints and times follow the satellite's "
        "orbit and the Worldwide Reference System 2; everything else, and every link to a file, is made up."
    ),
    "keywords": ["Landsat", "USGS", "NASA", "Level-1", "OLI", "TIRS", "imagery", "sample"],
    "license": "other",
    "providers": [
        {"name": "USGS", "roles": ["producer", "licensor"], "url": "https://www.usgs.gov/landsat-missions"},
        _HOST,
    ],
    "extent": _extent(-60.0, 85.0, "2017-01-01T00:00:00Z"),
    "summaries": {
        "platform": ["landsat-8"],
        "instruments": ["oli", "tirs"],
        "gsd": [15, 30],
        "eo:cloud_cover": {"minimum": 0, "maximum": 100},
        "view:off_nadir": [0],
        "landsat:collection_category": ["T1"],
    },
    "item_assets": {**_item_assets(LANDSAT_BANDS), "MTL": _METADATA, "thumbnail": _THUMBNAIL},
    "links": [
        {
            "rel": "license",
            "href": "https://www.usgs.gov/centers/eros/data-citation",
            "type": "text/html",
            "title": "Use of Landsat data",
        }
    ],
}

SENTINEL_COLLECTION: Document = {
    "type": "Collection",
    "stac_version": "1.1.0",
    "stac_extensions": [EXTENSIONS["eo"], EXTENSIONS["view"]],
    "id": "sentinel-2-l2a",
    "title": "Sentinel-2 Level-2A (sample)",
    "description": (
        "Sample metadata in the shape of Sentinel-2 Level-2A products. Ids, footprints and times follow the "
        "satellites' orbits and the tiles of the Military Grid Reference System; everything else, and every link to "
        "a file, is made up."
    ),
    "keywords": ["Sentinel-2", "Copernicus", "ESA", "Level-2A", "MSI", "surface reflectance", "sample"],
    "license": "other",
    "providers": [
        {"name": "ESA", "roles": ["producer", "licensor"], "url": "https://sentinels.copernicus.eu/"},
        _HOST,
    ],
    "extent": _extent(-60.0, 85.0, "2017-01-01T00:00:00Z"),
    "summaries": {
        "platform": ["sentinel-2a", "sentinel-2b"],
        "constellation": ["sentinel-2"],
        "instruments": ["msi"],
        "gsd": [10, 20, 60],
        "eo:cloud_cover": {"minimum": 0, "maximum": 100},
        "sat:orbit_state": ["descending"],
    },
    "item_assets": {**_item_assets(SENTINEL_BANDS), "metadata": _METADATA, "thumbnail": _THUMBNAIL},
    "links": [
        {
            "rel": "license",
            "href": "https://sentinels.copernicus.eu/documents/247904/690755/Sentinel_Data_Legal_Notice",
            "type": "application/pdf",
            "title": "Legal notice on the use of Copernicus Sentinel data",
        }
    ],
}
