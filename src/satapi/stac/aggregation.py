"""Aggregations: what is answered about all items that match (aggregation extension v0.3.0)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

Interval = Literal["year", "quarter", "month", "week", "day", "hour", "minute", "second"]

DataType = Literal[
    "numeric",
    "string",
    "boolean",
    "datetime",
    "interval_year",
    "interval_quarter",
    "interval_month",
    "interval_week",
    "interval_day",
    "interval_hour",
    "interval_minute",
    "interval_second",
]


class Bucket(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """How many items have one key; a range includes `from` and not `to`, either of which may be open."""

    key: str
    data_type: DataType
    frequency: int
    from_: Annotated[float | UnsetType, Meta(description="The range's least value, which is in it.")] = UNSET
    to: Annotated[float | UnsetType, Meta(description="The range's end, which is not in it.")] = UNSET


class Aggregation(msgspec.Struct, frozen=True):
    """One answer: a single value, or buckets of items.

    `overflow` is the number of items that are in none of the buckets: they have no value, or their bucket is one of
    those that were left out because there are too many.
    """

    name: str
    data_type: DataType
    value: Annotated[
        Raw | UnsetType, Meta(extra_json_schema={"description": "A number, a text, or null where no item has a value."})
    ] = UNSET
    buckets: list[Bucket] | UnsetType = UNSET
    overflow: int | UnsetType = UNSET
