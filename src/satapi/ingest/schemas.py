"""Schemas: the JSON Schemas of STAC and GeoJSON, and those of extensions that an operator keeps in a folder.

Those of STAC 1.1.0 and GeoJSON are what pystac brings; those of 1.0.0 are in the folder beside this module, written as
what differs from 1.1.0. Nothing is ever fetched: a schema that is not here is not known.
"""

from __future__ import annotations

from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import jsonschema_rs
import msgspec

from satapi.errors import InvalidError, SatapiError
from satapi.settings import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema_rs import Registry, Validator

Kind = Literal["item", "collection"]
Schema = dict[str, object]

VERSIONS = ("1.0.0", "1.1.0")

_HOST = "https://schemas.stacspec.org"
FEATURE = "https://geojson.org/schema/Feature.json"

_COMMON = ("basics", "datetime", "instrument", "licensing", "provider")
_SINCE_1_1 = ("bands", "common", "data-values")

# A pattern with lookahead may backtrack: this many steps are a millisecond, and then the value is refused.
_BACKTRACK_MAX = 100_000


def stac_uri(kind: str, version: str) -> str:
    """Where the schema of items or collections of a version is published, which is its name here."""
    return f"{_HOST}/v{version}/{kind}-spec/json-schema/{kind}.json"


def _part_uri(name: str, version: str) -> str:
    return f"{_HOST}/v{version}/item-spec/json-schema/{name}.json"


class _Known(NamedTuple):
    """The schemas by their URIs, and what finds them for each other."""

    schemas: Mapping[str, Schema]
    registry: Registry


class Schemas:
    """The schemas that are known by their URIs, each compiled when it is first asked for, by whichever thread."""

    def __init__(self, folder: str | None = None) -> None:
        """Read the schemas of a folder; raises InvalidError for one that cannot be used."""
        self._compiled: dict[str, Validator] = {}
        self._given = {} if folder is None else dict(_read_folder(Path(folder)))
        self._known: _Known | None = None
        if folder is not None:
            self._check_given(Path(folder))

    def _check_given(self, folder: Path) -> None:
        try:
            self._all()
        except ValueError as error:
            raise _unusable(folder, f"a schema in it refers to what is not here: {_first_line(error)}") from None
        for uri, (path, _) in self._given.items():
            try:
                self.validator(uri)
            except (jsonschema_rs.ReferencingError, ValueError) as error:
                raise _unusable(path, f"it is no schema that can be used offline: {_first_line(error)}") from None

    def validator(self, uri: str) -> Validator | None:
        """What checks documents against a schema; None where it is not known."""
        name = _name(uri)
        if name not in self._compiled and name in self._all().schemas:
            self._compiled[name] = self._compile(name)
        return self._compiled.get(name)

    def _all(self) -> _Known:
        if self._known is None:
            schemas = {**_bundled(), **{uri: schema for uri, (_, schema) in self._given.items()}}
            self._known = _Known(schemas, jsonschema_rs.Registry(list(schemas.items()), draft=jsonschema_rs.Draft7))
        return self._known

    def _compile(self, uri: str) -> Validator:
        known = self._all()
        schema = known.schemas[uri]
        # Formats are not checked, as in other validators of STAC: of hrefs with spaces there are many.
        return jsonschema_rs.validator_cls_for(schema)(
            schema,
            registry=known.registry,
            base_uri=uri,
            validate_formats=False,
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACK_MAX),
            offline=True,
        )


def _name(uri: str) -> str:
    return uri.removesuffix("#")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


# Files ------------------------------------------------------------------------------------------------------------


def _bundled() -> dict[str, Schema]:
    """The schemas of STAC and GeoJSON by their URIs."""
    root = Path(str(distribution("pystac-core").locate_file("pystac/validation/jsonschemas")))
    ours = files("satapi.ingest") / "stac-1.0.0"
    found: dict[str, Schema] = {}
    try:
        for name in ("Feature", "Geometry"):
            found[f"https://geojson.org/schema/{name}.json"] = _decode((root / "geojson" / f"{name}.json").read_bytes())
        folder = root / "stac-spec" / "v1.1.0"
        for kind in ("item", "collection", "catalog"):
            found[stac_uri(kind, "1.1.0")] = _decode((folder / f"{kind}.json").read_bytes())
        for name in (*_COMMON, *_SINCE_1_1):
            found[_part_uri(name, "1.1.0")] = _decode((folder / f"{name}.json").read_bytes())
    except OSError as error:
        raise SatapiError(f"This version of pystac-core has no schemas of STAC 1.1.0: {error}") from None
    for name in _COMMON:
        # But for the basics, what they say has not changed.
        found[_part_uri(name, "1.0.0")] = {"$ref": _part_uri(name, "1.1.0")}
    for uri, name in (
        (stac_uri("item", "1.0.0"), "item"),
        (stac_uri("collection", "1.0.0"), "collection"),
        (_part_uri("basics", "1.0.0"), "basics"),
    ):
        found[uri] = _decode((ours / f"{name}.json").read_bytes())
    return found


_object = msgspec.json.Decoder(dict[str, object])


def _decode(text: bytes) -> Schema:
    return _object.decode(text)


def _read_folder(folder: Path) -> Iterator[tuple[str, tuple[Path, Schema]]]:
    """The schemas of a folder and those below it, by their `$id`, with their files."""
    if not folder.is_dir():
        raise _unusable(folder, "there is no such folder")
    read: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.json")):
        try:
            schema = _decode(path.read_bytes())
        except OSError as error:
            raise _unusable(path, f"it cannot be read: {error.strerror}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _unusable(path, f"it is no JSON object: {error}") from None
        identifier = schema.get("$id", schema.get("id"))
        if not isinstance(identifier, str) or not identifier:
            raise _unusable(path, "it has no $id, by which items name a schema in stac_extensions")
        uri = _name(identifier)
        if uri in read:
            raise _unusable(path, f"it has the $id of {read[uri]}")
        read[uri] = path
        yield uri, (path, schema)


def _unusable(path: Path, reason: str) -> InvalidError:
    return InvalidError(f"{PREFIX}SCHEMAS", str(path), reason)
