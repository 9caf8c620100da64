"""Validation: whether a document is as the JSON Schemas of its version of STAC, and of its extensions, say."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

import msgspec

from satapi.errors import DocumentError
from satapi.ingest.faults import FAULTS_MAX, explained, fault
from satapi.ingest.schemas import FEATURE, VERSIONS, Kind, Schemas, stac_uri

if TYPE_CHECKING:
    from jsonschema_rs import Validator

Check = Callable[[bytes, Mapping[str, str]], Sequence[DocumentError]]
"""What is wrong with a document that gets these members where it has none of the name."""


def checks(folder: str | None, *, is_strict: bool) -> Checks:
    """The checks by what is known, with the schemas of a folder; raises InvalidError for those of no use."""
    return Checks(Schemas(folder), is_strict=is_strict)


class Checks:
    """The checks of items and of collections; where they are strict, what has no schema here is wrong."""

    def __init__(self, schemas: Schemas, *, is_strict: bool = False) -> None:
        self._schemas = schemas
        self._is_strict = is_strict
        self.item: Check = partial(self._faults, "item")
        self.collection: Check = partial(self._faults, "collection")

    def _faults(self, kind: Kind, raw: bytes, added: Mapping[str, str]) -> Sequence[DocumentError]:
        try:
            document = _decoded(raw)
        except RecursionError:
            return [fault((), "it", "it is nested too deeply")]
        if not isinstance(document, dict):
            return ()
        members = cast("dict[str, object]", document)
        for name, text in added.items():
            members.setdefault(name, text)
        members.setdefault("links", [])
        version = members.get("stac_version")
        if not isinstance(version, str):
            return [fault(("stac_version",), version, f"it must be a version of STAC, such as {VERSIONS[-1]}")]
        found = self._of_version(kind, version, members)
        for uri, at in _extensions(members).items():
            if len(found) < FAULTS_MAX:
                found += self._of_extension(at, uri, members)
        return found

    def _of_version(self, kind: Kind, version: str, members: Mapping[str, object]) -> list[DocumentError]:
        uri = stac_uri(kind, version)
        if (validator := self._schemas.validator(uri)) is not None:
            return _found(validator, members, uri)
        if self._is_strict:
            allowed = f"there is no schema of this version here; there are those of {' and '.join(VERSIONS)}"
            return [fault(("stac_version",), version, allowed)]
        feature = self._schemas.validator(FEATURE)
        return [] if kind == "collection" or feature is None else _found(feature, members, FEATURE)

    def _of_extension(self, at: int, uri: str, members: Mapping[str, object]) -> list[DocumentError]:
        if (validator := self._schemas.validator(uri)) is not None:
            return _found(validator, members, uri)
        allowed = "there is no schema of this extension here, and without one nothing is stored"
        return [fault(("stac_extensions", at), uri, allowed)] if self._is_strict else []


def _extensions(members: Mapping[str, object]) -> dict[str, int]:
    """The extensions of a document, each with its last place among them."""
    listed = members.get("stac_extensions")
    uris = cast("list[object]", listed) if isinstance(listed, list) else []
    return {uri: at for at, uri in enumerate(uris) if isinstance(uri, str)}


def _found(validator: Validator, members: Mapping[str, object], uri: str) -> list[DocumentError]:
    """What is wrong with a document. It is looked at as it would be served: what names its collection links to it."""
    return [] if validator.is_valid(_linked(members)) else explained(validator, members, uri, _linked)


_COLLECTION_LINK = {"rel": "collection", "href": "collection"}


def _linked(members: Mapping[str, object]) -> Mapping[str, object]:
    links = members.get("links")
    if "collection" not in members or not isinstance(links, list):
        return members
    return {**members, "links": [*cast("list[object]", links), _COLLECTION_LINK]}


# Numbers ----------------------------------------------------------------------------------------------------------

_decoder = msgspec.json.Decoder()


def _decoded(raw: bytes) -> object:
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError:
        # A number that is larger than those of machines, which is stored as it is given.
        return json.loads(raw, parse_int=_number, parse_float=_number)


def _number(text: str) -> float:
    largest = sys.float_info.max
    return max(min(float(text), largest), -largest)
