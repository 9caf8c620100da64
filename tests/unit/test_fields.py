"""Fields: which members are kept, down to any depth, and nothing else is touched."""

from __future__ import annotations

import json

import pytest

from satapi.stac.fields import paths, project, selection
from satapi.stac.search import Fields

_TIME = {"datetime": "2020-01-01T00:00:00Z"}
_OTHERS = {"eo:cloud_cover": 5, "proj": {"code": "x", "shape": [1, 2]}, "none": None}
_DATA, _THUMBNAIL = {"href": "d", "roles": ["data"]}, {"href": "t"}

DEFAULT = {
    "type": "Feature",
    "stac_version": "1.1.0",
    "id": "i",
    "collection": "c",
    "geometry": {"type": "Point", "coordinates": [1, 2]},
    "bbox": [1, 2, 1, 2],
    "properties": _TIME,
    "assets": {"data": _DATA, "thumbnail": _THUMBNAIL},
    "links": [{"rel": "x", "href": "y"}],
}
_OWN = {"a": 1, "b": {"c": 2, "d": 3}}
ITEM = {
    **{name: value for name, value in DEFAULT.items() if name != "links"},
    "stac_extensions": ["https://example.com/x"],
    "properties": {**_TIME, **_OTHERS},
    "own": _OWN,
    "links": DEFAULT["links"],
}


def chosen(include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> dict[str, object]:
    asked = Fields(
        frozenset(path for name in include for path in paths(name)),
        frozenset(path for name in exclude for path in paths(name)),
    )
    content = project(json.dumps(ITEM).encode(), selection(asked))
    found = json.loads(content)
    # The links that the server adds are spliced in at the end.
    assert "links" not in found or list(found)[-1] == "links"
    return found


def changed(**members: object) -> dict[str, object]:
    """The default members with others instead; None leaves one out."""
    return {name: value for name, value in {**DEFAULT, **members}.items() if value is not None}


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ((), (), DEFAULT),
        (("id",), (), DEFAULT),
        (("stac_extensions",), (), changed(stac_extensions=["https://example.com/x"])),
        (("own",), (), changed(own=_OWN)),
        (("own.b.c",), (), changed(own={"b": {"c": 2}})),
        (("properties",), (), changed(properties={**_TIME, **_OTHERS})),
        (("properties.eo:cloud_cover",), (), changed(properties={**_TIME, "eo:cloud_cover": 5})),
        (("eo:cloud_cover",), (), changed(properties={**_TIME, "eo:cloud_cover": 5})),
        (("properties.none",), (), changed(properties={**_TIME, "none": None})),
        (("properties.proj.code",), (), changed(properties={**_TIME, "proj": {"code": "x"}})),
        (("properties.missing", "missing", "geometry.type.x"), (), DEFAULT),
        ((), ("geometry", "bbox"), changed(geometry=None, bbox=None)),
        ((), ("properties.datetime",), changed(properties=None)),
        ((), ("properties",), changed(properties=None)),
        ((), ("assets.thumbnail",), changed(assets={"data": _DATA})),
        ((), ("assets.data.roles",), changed(assets={"data": {"href": "d"}, "thumbnail": _THUMBNAIL})),
        ((), ("id", "type", "collection", "links"), changed(id=None, type=None, collection=None, links=None)),
        (("properties",), ("properties.datetime",), changed(properties=_OTHERS)),
        (("assets.data.href",), ("assets",), changed(assets={"data": {"href": "d"}})),
        (("assets.data",), ("assets.data",), DEFAULT),
        (("own",), ("own.b",), changed(own={"a": 1})),
        (("own", "own.b.c"), ("own.b",), changed(own={"a": 1, "b": {"c": 2}})),
    ],
)
def test_the_most_specific_path_wins_and_include_beats_exclude(
    include: tuple[str, ...], exclude: tuple[str, ...], expected: dict[str, object]
) -> None:
    assert chosen(include, exclude) == expected


def test_what_is_kept_keeps_its_text() -> None:
    properties = b'{"text":"\\u00e9","datetime":null,"n":1.50,"big":12345678901234567890,"e":1E5}'
    raw = b'{"own":"\\u00e9","properties":' + properties + b',"links":[]}'
    kept = project(raw, selection(Fields(frozenset({("properties",)}))))
    assert kept == raw.replace(b'"own":"\\u00e9",', b"")


def test_what_is_dropped_is_not_read() -> None:
    # The depth of what is dropped does not matter.
    raw = b'{"id":"i","own":' + b"[" * 500 + b"]" * 500 + b',"links":[]}'
    assert project(raw, selection(Fields())) == b'{"id":"i","links":[]}'
