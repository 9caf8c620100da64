"""Parquet: items written as stac-geoparquet, whose columns are known before the first row.

Items are read once. Meanwhile they are kept, compressed, in a temporary file, and it is noted what each place of them
holds; then they are written, some at a time. So every item fits, and memory does not grow with their number.

The columns are those of the stac-geoparquet specification 1.0.0 (GeoParquet 1.1.0): properties stand beside the other
members, the geometry is WKB and the bbox a struct. What that does not tell is in the metadata of fields
(`parquet_columns`), where other readers find nothing that disturbs them.
"""

from __future__ import annotations

import struct
import tempfile
from typing import TYPE_CHECKING, BinaryIO, Self, cast

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
import zstandard
from msgspec import Raw

from satapi.errors import ExportError
from satapi.ingest.parquet_columns import FLAT, SIDES, TIMES, Item, array, boxes, columns, fit, geometries
from satapi.ingest.shapes import Json, Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Documents that are decoded at once, and what makes a row group: rows, or bytes in memory.
_CHUNK_DOCUMENTS = 500
_CHUNK_BYTES = 4 << 20
_GROUP_ROWS = 50_000
_GROUP_BYTES = 32 << 20

MIXED_NULLS = b"satapi:mixed_nulls"
"""In the metadata of a file: the paths of members that some items have as null, and come back as missing."""

_members = msgspec.json.Decoder(dict[str, Raw]).decode
_value = cast("Callable[[bytes | Raw], Json]", msgspec.json.decode)
_encode = msgspec.json.Encoder().encode
_LENGTH = struct.Struct("<Q")


class Writer:
    """Items that are added as JSON texts, and then the file of all of them."""

    def __init__(self) -> None:
        self.items = 0
        self._spool = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - it is closed with the writer
        self._chunk: list[bytes] = []
        self._chunk_bytes = 0
        self._others = Shape()
        self._properties = Shape()
        self._geometries: set[str] = set()
        self._heights = False
        self._missing_boxes = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self._spool.close()

    def add(self, raw: bytes) -> None:
        """Add an item. Raises ExportError for one that no columns can hold, naming the member."""
        try:
            item = _item(raw)
            self._see_place(item)
            self._others.see_members(item.others)
            self._properties.see_members(item.properties, TIMES)
        except RecursionError:
            raise ExportError(f"An item is nested too deeply for Parquet; it begins with {raw[:200]!r}") from None
        self.items += 1
        self._chunk.append(raw)
        self._chunk_bytes += len(raw)
        if len(self._chunk) == _CHUNK_DOCUMENTS or self._chunk_bytes >= _CHUNK_BYTES:
            self._keep()

    def pieces(self) -> Iterator[bytes]:
        """The file, in pieces, of all items that were added."""
        self._keep()
        # A file without items has these columns too.
        self._others.members.setdefault("id", Shape())
        self._properties.members.setdefault("datetime", Shape())
        taken = {"geometry", "bbox"}
        found = [
            *columns(self._others, taken, of_properties=False),
            *columns(self._properties, taken, of_properties=True),
        ]
        sides = SIDES if self._heights else FLAT
        fields = [
            pa.field("geometry", pa.binary()),
            pa.field("bbox", pa.struct([pa.field(side, pa.float64()) for side in sides])),
            *(column.field for column in found),
        ]
        schema = pa.schema(fields, metadata=self._metadata())
        ways = [fit(column.shape) for column in found]
        sink = _Sink()
        with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
            group: list[pa.RecordBatch] = []
            for items in self._kept():
                arrays = [geometries(items), boxes(items, fields[1], sides)]
                arrays += [array(column, way, items) for column, way in zip(found, ways, strict=True)]
                group.append(pa.record_batch(arrays, schema=schema))
                if (
                    sum(one.num_rows for one in group) >= _GROUP_ROWS
                    or sum(one.nbytes for one in group) >= _GROUP_BYTES
                ):
                    writer.write_table(pa.Table.from_batches(group, schema))
                    group = []
                    yield sink.taken()
            if group:
                writer.write_table(pa.Table.from_batches(group, schema))
        yield sink.taken()

    @property
    def mixed_nulls(self) -> list[str]:
        """Members that are null in some items and missing in others: they come back as missing."""
        found = self._others.mixed_nulls("")
        return found + [
            place for place in self._properties.mixed_nulls("properties.") if place != "properties.datetime"
        ]

    def _see_place(self, item: Item) -> None:
        if item.geometry != b"null":
            shape = _members(item.geometry)
            if more := shape.keys() - {"type", "coordinates", "geometries"}:
                raise _unfit(item, f"geometry.{min(more)}", "no column of geometries has it")
            geometry = shapely.from_geojson(item.geometry)
            self._geometries.add(geometry.geom_type + (" Z" if geometry.has_z else ""))
            self._missing_boxes |= item.box is None
        match item.box:
            case None:
                pass
            case list(numbers) if len(numbers) in {len(FLAT), len(SIDES)} and all(map(_is_number, numbers)):
                self._heights |= len(numbers) == len(SIDES)
            case _:
                raise _unfit(item, "bbox", "a column of boxes has 4 or 6 numbers")

    def _keep(self) -> None:
        """Put what was added into the temporary file."""
        if self._chunk:
            packed = zstandard.compress(msgspec.msgpack.encode(self._chunk), 1)
            self._spool.write(_LENGTH.pack(len(packed)) + packed)
            self._chunk, self._chunk_bytes = [], 0

    def _kept(self) -> Iterator[list[Item]]:
        self._spool.seek(0)
        while head := self._spool.read(_LENGTH.size):
            packed = self._spool.read(*_LENGTH.unpack(head))
            yield [_item(raw) for raw in msgspec.msgpack.decode(zstandard.decompress(packed), type=list[bytes])]

    def _metadata(self) -> dict[bytes, bytes]:
        """What says that this is GeoParquet (1.1.0, file metadata), and stac-geoparquet; no crs is CRS84."""
        column: dict[str, object] = {"encoding": "WKB", "geometry_types": sorted(self._geometries)}
        if not self._missing_boxes:
            column["covering"] = {"bbox": {side: ["bbox", side] for side in FLAT}}
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        told = {b"geo": _encode(geo), b"stac-geoparquet": _encode({"version": "1.0.0"})}
        return told | ({MIXED_NULLS: _encode(missing)} if (missing := self.mixed_nulls) else {})


class _Sink:
    """A file that gives what was written to it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True

    def taken(self) -> bytes:
        """What was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _item(raw: bytes) -> Item:
    members = _members(raw)
    geometry = bytes(members.pop("geometry", b"null"))
    try:
        others = {name: _value(value) for name, value in members.items()}
    except msgspec.DecodeError as error:
        raise ExportError(f"An item cannot be written as Parquet: {error}; it begins with {raw[:200]!r}") from None
    box, properties = others.pop("bbox", None), others.pop("properties", None)
    return Item(geometry, box, others, properties if isinstance(properties, dict) else {})


def _unfit(item: Item, member: str, reason: str) -> ExportError:
    name = f"{item.others.get('collection')}/{item.others.get('id')}"
    return ExportError(f"The item {name} cannot be written as Parquet: {member}: {reason}")


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
