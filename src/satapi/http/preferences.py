"""Preferences: what the Prefer headers of a request ask for (RFC 7240)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.datastructures import Headers

# A preference ends at a comma, and its own parameters follow a semicolon (RFC 7240, 2).
_PREFERENCE = re.compile(r"(?:^|,)\s*([\w-]+)\s*=\s*\"?([\w-]+)\"?\s*(?=[,;]|$)")


def preferred(headers: Headers, name: str) -> str | None:
    """The value of a preference in lower case; of several the first counts."""
    for found, value in _PREFERENCE.findall(", ".join(headers.getlist("prefer"))):
        if found.lower() == name:
            return value.lower()
    return None
