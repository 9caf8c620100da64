"""Items as lines of CSV."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest

import serving
from satapi.db.items import Row
from satapi.http.tables import Table


def read(table: Table, *items: dict[str, object]) -> list[dict[str, str]]:
    """The lines of a table as another program reads them."""
    rows = [Row(item["collection"], item["id"], msgspec.json.encode(item)) for item in items]
    text = (table.header + table.lines(rows)).decode()
    assert text.count("\r\n") >= len(items) + 1
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_without_fields_the_columns_are_the_standard_ones() -> None:
    (line,) = read(Table((), ()), serving.item("c", "i", properties={"platform": "p", "eo:cloud_cover": 7.5, "x": 1}))
    assert line == {
        "collection": "c",
        "id": "i",
        "datetime": "2024-06-01T00:00:00Z",
        "start_datetime": "",
        "end_datetime": "",
        "created": "",
        "updated": "",
        "title": "",
        "platform": "p",
        "constellation": "",
        "gsd": "",
        "eo:cloud_cover": "7.5",
        "west": "10",
        "south": "50",
        "east": "10",
        "north": "50",
    }


def test_fields_are_columns_in_their_order_wherever_they_live() -> None:
    names = ("view.angle", "properties.view.angle", "assets.data.href", "stac_version", "geometry", "nothing", "id")
    given = serving.item("c", "i", properties={"view": {"angle": 3}}, assets={"data": {"href": "./x"}})
    (line,) = read(Table(names, ["nothing"]), given)
    assert list(line) == ["collection", "id", "view.angle", "assets.data.href", "stac_version", "geometry"]
    assert list(line.values()) == ["c", "i", "3", "./x", "1.1.0", "POINT (10 50)"]
    assert list(read(Table((), ["bbox", "properties.gsd"]), given)[0])[-1] == "eo:cloud_cover"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (msgspec.Raw(b"1.00"), "1.00"),
        (msgspec.Raw(b"12345678901234567890"), "12345678901234567890"),
        (True, "true"),
        (None, ""),
        ("", ""),
        ('a "b",\r\nc', 'a "b",\r\nc'),
        ("日本", "日本"),
        (["a", 1], '["a",1]'),
        ({"a": None}, '{"a":null}'),
    ],
)
def test_a_value_is_written_as_it_was_given(value: object, written: str) -> None:
    (line,) = read(Table(["x"], ()), serving.item("c", "i", properties={"x": value}))
    assert line["x"] == written


@pytest.mark.parametrize(
    ("box", "sides"),
    [
        ([1, 2, 3, 4], "1 2 3 4"),
        ([1, 2, -9, 3, 4, 9], "1 2 3 4"),
        (None, "   "),
        ([], "   "),
        ("soon", "   "),
    ],
)
def test_a_box_has_four_columns_without_heights(box: object, sides: str) -> None:
    (line,) = read(Table(["bbox"], ()), serving.item("c", "i", bbox=box, geometry=None))
    assert " ".join(line[side] for side in ("west", "south", "east", "north")) == sides


def test_a_missing_geometry_is_no_text() -> None:
    assert read(Table(["geometry"], ()), serving.item("c", "i", geometry=None))[0]["geometry"] == ""
