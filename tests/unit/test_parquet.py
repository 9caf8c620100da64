"""Items come back out of Parquet as they were put in, but for what columns cannot tell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from satapi.errors import ExportError, InvalidError
from satapi.ingest import parquet
from satapi.ingest.parquet import Writer
from satapi.ingest.parquet_items import read
from satapi.ingest.read import read as read_any
from satapi.ingest.shapes import instant
from serving import item

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TIMES = ("datetime", "start_datetime", "end_datetime", "created", "updated")


def written(path: Path, items: Sequence[object]) -> Path:
    with Writer() as writer, path.open("wb") as file:
        for each in items:
            writer.add(json.dumps(each).encode())
        file.writelines(writer.pieces())
    return path


def back(path: Path) -> list[dict[str, object]]:
    return [json.loads(raw) for raw in read("file", str(path))]


def without_nulls(value: object) -> object:
    """As columns tell it: a null member may be a missing one."""
    match value:
        case dict():
            return {name: without_nulls(member) for name, member in value.items() if member is not None}
        case list():
            return [without_nulls(entry) for entry in value]
        case _:
            return value


def told(document: dict[str, object]) -> object:
    """What must come back: times as instants, and nulls where STAC demands them."""
    properties = without_nulls(document["properties"])
    for name in TIMES:
        if name in properties and is_time(properties[name]):
            properties[name] = instant(properties[name])
    kept = {"properties": {"datetime": None, **properties}, "geometry": document["geometry"]}
    return without_nulls(document) | kept


def is_time(value: object) -> bool:
    try:
        instant(value)
    except (ValueError, TypeError):
        return False
    return True


names = some.sampled_from(
    ["a", "b", "eo:x", "id", "type", "geometry", "properties.id", "item.a", "", "é.\u0000", "created"]
)
values = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(2**70), 2**70)
    | some.integers(-5, 5)
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(max_size=5)
    | some.sampled_from(["2020-01-01T00:00:00Z", "2020-01-01 02:00:00.123456+02:00", "0001-01-01T00:00:00Z"]),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
boxes = some.none() | some.lists(some.integers(-90, 90) | some.floats(-90, 90), min_size=4, max_size=4)
geometries = some.sampled_from(
    [
        None,
        {"type": "Point", "coordinates": [1.1, 2.0]},
        {"type": "Point", "coordinates": [1.1, 2.0, 3.5]},
        {"type": "Polygon", "coordinates": [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]},
        {"type": "MultiPoint", "coordinates": [[1.0, 2.0]]},
        {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1.0, 2.0]}]},
    ]
)


@some.composite
def documents(draw: some.DrawFn) -> dict[str, object]:
    drawn = item("c", draw(some.text(min_size=1, max_size=3)), geometry=draw(geometries), bbox=draw(boxes))
    drawn["properties"] = draw(some.dictionaries(names, values, max_size=4)) | {"datetime": "2020-01-01T00:00:00Z"}
    drawn["assets"] = draw(some.dictionaries(names, some.dictionaries(names, values, max_size=3), max_size=3))
    drawn["links"] = draw(some.lists(some.fixed_dictionaries({"rel": some.text(max_size=3)}), max_size=2))
    for name in draw(some.sets(some.sampled_from(["foreign", "a", "stac_extensions"]))):
        drawn[name] = draw(values)
    if drawn["bbox"] is None:
        del drawn["bbox"]
    return drawn


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=some.lists(documents(), max_size=5))
def test_any_items_come_back(tmp_path: Path, items: list[dict[str, object]]) -> None:
    found = back(written(tmp_path / "items.parquet", items))
    assert [told(document) for document in found] == [told(document) for document in items]


def test_a_null_that_no_item_lacks_comes_back_and_others_are_told(tmp_path: Path) -> None:
    items = [item("c", "1", properties={"a": None, "b": None, "c": {"d": None, "e": 1}}), item("c", "2")]
    items[1]["properties"] |= {"a": 1, "c": {"d": 2}}
    with Writer() as writer:
        for each in items:
            writer.add(json.dumps(each).encode())
        assert writer.mixed_nulls == ["properties.b"]
    path = written(tmp_path / "items.parquet", items)
    assert json.loads(pq.read_schema(path).metadata[parquet.MIXED_NULLS]) == ["properties.b"]
    found = back(path)
    assert found[0]["properties"] == {"datetime": "2024-06-01T00:00:00Z", "a": None, "c": {"d": None, "e": 1}}
    assert found[1] == items[1]


@pytest.mark.parametrize("fractions", [("", ""), (".5", ".0"), (".120", ".000"), (".123456", ".000000"), ("", ".250")])
def test_times_are_written_as_they_were_where_all_are_written_alike(tmp_path: Path, fractions: tuple[str, str]) -> None:
    items = [item("c", each, properties={"datetime": f"2020-01-01T00:00:00{each}Z"}) for each in fractions]
    assert back(written(tmp_path / "items.parquet", items)) == items


def test_the_columns_are_those_of_stac_geoparquet(tmp_path: Path) -> None:
    items = [
        item("c", "1", properties={"eo:cloud_cover": 5, "n": 1, "mixed": "x", "created": "2020-01-01T00:00:00Z"}),
        item("c", "2", properties={"eo:cloud_cover": 0.5, "n": 2, "mixed": 1}, assets={"a": {"href": "h"}}),
    ]
    file = pq.ParquetFile(written(tmp_path / "items.parquet", items))
    fields = {field.name: field.type for field in file.schema_arrow}
    assert fields["geometry"] == pa.binary()
    assert [field.name for field in fields["bbox"]] == ["xmin", "ymin", "xmax", "ymax"]
    assert fields["datetime"] == fields["created"] == pa.timestamp("us", "UTC")
    assert (fields["eo:cloud_cover"], fields["n"]) == (pa.float64(), pa.int64())
    assert (fields["mixed"], file.schema_arrow.field("mixed").metadata[b"satapi:json"]) == (pa.string(), b"true")
    metadata = file.schema_arrow.metadata
    geo = json.loads(metadata[b"geo"])
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    assert geo["columns"]["geometry"]["geometry_types"] == ["Point"]
    assert geo["columns"]["geometry"]["covering"]["bbox"]["xmax"] == ["bbox", "xmax"]
    assert json.loads(metadata[b"stac-geoparquet"])["version"] == "1.0.0"
    table = file.read().to_pydict()
    assert table["geometry"][0] == shapely.to_wkb(shapely.Point(10, 50))
    assert table["mixed"] == ['"x"', "1"]


def test_many_items_are_several_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_GROUP_ROWS", 1_000)
    items = [item("c", str(number), properties={"n": number}) for number in range(2_600)]
    path = written(tmp_path / "items.parquet", items)
    assert pq.ParquetFile(path).num_row_groups == 3
    assert [document["properties"]["n"] for document in back(path)] == list(range(2_600))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"bbox": [1, 2]}, "c/i cannot be written as Parquet: bbox: "),
        ({"bbox": [1, 2, 3, "4"]}, "bbox: "),
        ({"geometry": {"type": "Point", "coordinates": [1, 2], "crs": {}}}, "geometry.crs: "),
        ({"properties": {"n": "x"}, "big": 7}, "out of range"),
    ],
)
def test_an_item_that_no_columns_hold_is_refused_with_its_member(changed: dict[str, object], reason: str) -> None:
    raw = json.dumps(item("c", "i", **changed)).replace('"big": 7', '"big": 1e999').encode()
    with Writer() as writer, pytest.raises(ExportError, match=reason):
        writer.add(raw)


def test_files_of_others_are_read(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": ["1"],
            "collection": ["c"],
            "geometry": pa.array([shapely.to_wkb(shapely.Point(1, 2))], pa.binary()),
            "bbox": [{"xmin": 1.0, "ymin": 2.0, "zmin": 0.0, "xmax": 1.0, "ymax": 2.0, "zmax": 9.0}],
            "datetime": pa.array([None], pa.timestamp("ms", "UTC")),
            "start_datetime": pa.array([0], pa.timestamp("ms", "UTC")),
            "end_datetime": pa.array([1], pa.timestamp("ns", "UTC")),
            "gsd": [float("nan")],
            "assets": [{"a": {"href": "h", "title": None}, "b": None}],
            "proj:geometry": pa.array([shapely.to_wkb(shapely.Point(3, 4))], pa.binary()),
        }
    )
    pq.write_table(table, tmp_path / "others.parquet")
    (document,) = read_any(str(tmp_path / "others.parquet"))
    assert document[:2] == (str(tmp_path / "others.parquet"), 1)
    assert json.loads(document.raw) == {
        "type": "Feature",
        "id": "1",
        "collection": "c",
        "geometry": {"type": "Point", "coordinates": [1.0, 2.0]},
        "bbox": [1.0, 2.0, 0.0, 1.0, 2.0, 9.0],
        "properties": {
            "datetime": None,
            "start_datetime": "1970-01-01T00:00:00Z",
            "end_datetime": "1970-01-01T00:00:00Z",
            "gsd": None,
            "proj:geometry": {"type": "Point", "coordinates": [3.0, 4.0]},
        },
        "links": [],
        "assets": {"a": {"href": "h"}},
    }


@pytest.mark.parametrize("made", ["cut", "text", "bytes", "columns"])
def test_what_is_no_stac_geoparquet_is_refused_with_its_name(tmp_path: Path, made: str) -> None:
    path = written(tmp_path / "bad.parquet", [item("c", "1")])
    match made:
        case "cut":
            path.write_bytes(path.read_bytes()[:-50])
        case "text":
            path.write_bytes(b"PAR1 and more")
        case "bytes":
            other = pa.table(
                {"id": ["1"], "geometry": pa.array([None], pa.binary()), "x": pa.array([b"x"], pa.binary())}
            )
            pq.write_table(other, path)
        case "columns":
            pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(InvalidError, match=r"bad\.parquet.*stac-geoparquet"):
        list(read_any(str(path)))
