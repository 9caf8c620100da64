"""Preferences: what the Prefer headers of a request ask for (RFC 7240)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.datastructures import Headers

# A preference ends at a comma, and its own parameters follow a semicolon; both may stand in quotes (RFC 7240, 2).
_PREFERENCE = re.compile(r'\s*([\w-]+)(?:\s*=\s*(?:"([\w-]*)"|([\w-]+)))?\s*(?=[,;]|$)')
_QUOTED_OR_NOT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')


def preferred(headers: Headers, name: str) -> str | None:
    """The value of a preference in lower case; of several the first counts."""
    for preference in _QUOTED_OR_NOT.findall(", ".join(headers.getlist("prefer"))):
        found = _PREFERENCE.match(preference)
        if found is not None and found[1].lower() == name:
            return (found[2] or found[3] or "").lower()
    return None
