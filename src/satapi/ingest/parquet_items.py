"""The items of Parquet files: those that satapi wrote, and stac-geoparquet of others."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, BinaryIO, cast

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from msgspec import UNSET, Raw

from satapi.errors import InvalidError
from satapi.ingest.parquet_columns import DIGITS, IS_JSON, KEEPS_NULLS, MEMBERS, PLACE, SIDES
from satapi.stac.times import format_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Rows that are Python objects at once.
_ROWS = 500

_encode = msgspec.json.Encoder().encode
_path = msgspec.json.Decoder(list[str]).decode

_SHAPES = ("geometry", "proj:geometry")


def read(source: str, file: BinaryIO | str) -> Iterator[bytes]:
    """The items of a file, which is read some rows at a time. Raises InvalidError that names the source.

    A null is a missing member, unless the file says otherwise or STAC demands it (`datetime`).
    """
    try:
        opened = pq.ParquetFile(file)
        row = _Row(opened.schema_arrow)
        if "geometry" not in opened.schema_arrow.names or "id" not in opened.schema_arrow.names:
            raise InvalidError(source, "Parquet", "items have columns id and geometry, as stac-geoparquet says")
        for batch in opened.iter_batches(_ROWS):
            yield from row.documents(batch)
    except (ValueError, NotImplementedError, ArithmeticError, shapely.errors.ShapelyError) as error:
        raise InvalidError(source, "Parquet", f"it cannot be read as stac-geoparquet: {error}") from None


class _Row:
    """How the rows of a file become items."""

    def __init__(self, schema: pa.Schema) -> None:
        self._names = list(schema.names)
        self._fields = {field.name: field for field in schema}
        self._backs = {name: _back(field) for name, field in self._fields.items() if name not in _SHAPES}

    def documents(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        """The items of some rows."""
        columns = dict(zip(self._names, batch.columns, strict=True))
        values = {name: _shapes(column) if name in _SHAPES else _values(column) for name, column in columns.items()}
        for at in range(batch.num_rows):
            item: dict[str, object] = {"type": "Feature"}
            properties: dict[str, object] = {}
            for name, column in values.items():
                value = self._value(name, column[at])
                if value is UNSET:
                    continue
                place = _place(self._fields[name])
                if place[0] == "properties":
                    properties[place[1]] = value
                else:
                    item[place[0]] = value
            yield _encode(_ordered(item, properties))

    def _value(self, name: str, value: object) -> object:
        if name == "geometry":
            return value
        if value is None:
            is_kept = name == "datetime" or KEEPS_NULLS in (self._fields[name].metadata or {})
            return None if is_kept else UNSET
        if name == "bbox":
            return _box(value)
        return value if name in _SHAPES else self._backs[name](value)


def _ordered(item: dict[str, object], properties: dict[str, object]) -> dict[str, object]:
    """The members of an item in their usual order, with those that STAC demands."""
    others = {name: value for name, value in item.items() if name not in {"links", "assets"}}
    return {**others, "properties": properties, "links": item.get("links", []), "assets": item.get("assets", {})}


def _place(field: pa.Field) -> list[str]:
    if told := (field.metadata or {}).get(PLACE):
        return _path(told)
    return [field.name] if field.name in MEMBERS else ["properties", field.name]


def _shapes(column: pa.Array) -> list[object]:
    """Geometries in WKB as GeoJSON."""
    shapes = shapely.from_wkb(cast("list[bytes | None]", column.to_pylist()))
    texts = cast("list[str | None]", shapely.to_geojson(shapes).tolist())
    return [None if text is None else Raw(text.encode()) for text in texts]


def _values(column: pa.Array) -> list[object]:
    kind = column.type
    if isinstance(kind, pa.TimestampType) and kind.unit == "ns":
        # Python has no nanoseconds, nor has the catalog.
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    return column.to_pylist()


def _box(value: object) -> object:
    """A list of 4 or 6 numbers, of which a struct has the names."""
    if isinstance(value, dict):
        sides = cast("dict[str, object]", value)
        return [sides[side] for side in SIDES if sides.get(side) is not None]
    return value


# Values -----------------------------------------------------------------------------------------------------------


def _back(field: pa.Field) -> Callable[[object], object]:
    """What makes JSON of the values of a field that are not null."""
    if IS_JSON in (field.metadata or {}):
        return lambda value: Raw(cast("str", value).encode())
    if digits := (field.metadata or {}).get(DIGITS):
        return lambda value: _time(cast("datetime", value), int(digits))
    kind = field.type
    if isinstance(kind, pa.StructType):
        backs = {each.name: (_back(each), KEEPS_NULLS in (each.metadata or {})) for each in kind}
        return lambda value: _object(cast("dict[str, object]", value), backs)
    if isinstance(kind, pa.ListType):
        entry = _back(kind.value_field)
        return lambda value: [None if each is None else entry(each) for each in cast("list[object]", value)]
    return _plain


def _object(value: dict[str, object], backs: dict[str, tuple[Callable[[object], object], bool]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, (back, keeps_nulls) in backs.items():
        member = value[name]
        if member is not None:
            found[name] = back(member)
        elif keeps_nulls:
            found[name] = None
    return found


def _time(value: datetime, digits: int) -> str:
    """RFC 3339, with so many digits for the fraction of a second."""
    whole = format_instant(value.replace(tzinfo=value.tzinfo or UTC, microsecond=0)).removesuffix("Z")
    return f"{whole}.{value.microsecond:06}"[: len(whole) + 1 + digits].rstrip(".") + "Z"


def _plain(value: object) -> object:
    match value:
        case datetime():
            return _time(value, next(digits for digits in (0, 3, 6) if not value.microsecond % 10 ** (6 - digits)))
        case date():
            return value.isoformat()
        case float() if not math.isfinite(value):
            # What others have for a missing number.
            return None
        case bytes():
            raise ValueError("a column has bytes, and is neither geometry nor proj:geometry")
        case list():
            return [None if each is None else _plain(each) for each in cast("list[object]", value)]
        case _:
            return value
