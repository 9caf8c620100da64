"""Fields: which members of an item or a collection an answer holds (fields extension)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

if TYPE_CHECKING:
    from satapi.stac.search import Fields

_MEMBERS = frozenset(
    ("id", "type", "stac_version", "stac_extensions", "collection", "geometry", "bbox", "links", "assets", "properties")
)
Path = tuple[str, ...]

# What an answer has beside what is included: what makes it valid.
OF_ITEMS: frozenset[Path] = frozenset(
    {
        *((name,) for name in _MEMBERS - {"properties", "stac_extensions"}),
        ("properties", "datetime"),
    }
)
OF_COLLECTIONS: frozenset[Path] = frozenset(
    (name,) for name in ("type", "stac_version", "id", "description", "license", "extent", "links")
)


class Selection(msgspec.Struct):
    """What to do at one member: keep says whether it is in (None: as its parent), below are rules for its members."""

    keep: bool | None = None
    below: dict[str, Selection] = {}


def paths(name: str) -> list[Path]:
    """The paths that a field's name stands for: a member of properties may be named without that prefix."""
    path = tuple(name.split("."))
    return [path] if path[0] in _MEMBERS else [path, ("properties", *path)]


def selection(fields: Fields, defaults: frozenset[Path] = OF_ITEMS) -> Selection:
    """The rules for a choice of fields.

    The defaults are always in, less what is excluded; of the rules on a member's path the most specific wins, and
    include beats exclude.
    """
    root = Selection(keep=False)
    for path in defaults:
        if not any(path[: len(excluded)] == excluded for excluded in fields.exclude):
            _rule(root, path, keep=True)
    for path in fields.exclude:
        _rule(root, path, keep=False)
    for path in fields.include:
        _rule(root, path, keep=True)
    return root


def _rule(root: Selection, path: Path, *, keep: bool) -> None:
    at = root
    for name in path:
        at = at.below.setdefault(name, Selection(below={}))
    at.keep = keep


def has_links(chosen: Selection) -> bool:
    """Whether a document has the links that the server makes."""
    return bool("links" in chosen.below and chosen.below["links"].keep)


_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ENCODE = msgspec.json.Encoder().encode


def project(content: bytes, chosen: Selection) -> bytes:
    """The document with the chosen members alone; what is dropped is not decoded, and links stay last."""
    return _ENCODE(_members(content, chosen, keep=False))


def _members(content: bytes | Raw, chosen: Selection, *, keep: bool) -> dict[str, Raw]:
    kept: dict[str, Raw] = {}
    for name, value in _OBJECT.decode(content).items():
        rule = chosen.below.get(name)
        if rule is None:
            if keep:
                kept[name] = value
            continue
        inside = keep if rule.keep is None else rule.keep
        if not rule.below or bytes(value)[:1] != b"{":
            if inside:
                kept[name] = value
        elif (members := _members(value, rule, keep=inside)) or inside:
            kept[name] = Raw(_ENCODE(members))
    return kept
