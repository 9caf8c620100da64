"""A SpatioTemporal Asset Catalog (STAC) API on PostgreSQL and PostGIS."""

__version__ = "0.1.0"
