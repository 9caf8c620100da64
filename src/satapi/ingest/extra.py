"""The extra `parquet`: pyarrow, without which all but Parquet works."""

from __future__ import annotations

from importlib.util import find_spec

MISSING = "Parquet needs the extra `parquet`: pip install 'sat-api-pg[parquet]'"
"""What to do where it is not installed."""


def has_parquet() -> bool:
    """Whether Parquet can be read and written."""
    return find_spec("pyarrow") is not None
