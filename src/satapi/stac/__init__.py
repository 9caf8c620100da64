"""The words of STAC as frozen values: searches, times, geometries, links and paths."""
