"""How the sources of a load are read: from the options of the command and the settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from satapi.cli.database import say
from satapi.errors import InvalidError
from satapi.ingest.sources import Chosen, Reading
from satapi.settings import from_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satapi.ingest.sources import Hrefs


def read_how(
    *,
    hrefs: Hrefs,
    headers: Sequence[str] | None,
    collections: list[str] | None = None,
    bbox: str | None = None,
    datetime: str | None = None,
    filter: str | None = None,  # noqa: A002 - as the option
    page_size: int = 250,
    resume: str | None = None,
) -> Reading:
    """Raises InvalidError for a header that is none."""
    return Reading(
        hrefs=hrefs,
        chosen=Chosen(collections, bbox, datetime, filter),
        page_size=page_size,
        must_be_api=resume is not None,
        headers=dict(map(_header, headers or ())),
        tell=say,
        settings=from_environment(os.environ),
    )


def _header(given: str) -> tuple[str, str]:
    name, colon, value = given.partition(":")
    if not colon or not name.strip() or not given.isascii() or not given.isprintable():
        # The value may be a secret.
        raise InvalidError("header", name, "it must be a name, a colon and a value, all in printable ASCII")
    return name.strip(), value.strip()
