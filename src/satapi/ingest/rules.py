"""Rules: what a load demands of documents and gives them, as plain values that another process can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from satapi.ingest.stamps import stamped_collection, stamped_item
from satapi.ingest.validation import checks

if TYPE_CHECKING:
    from satapi.ingest.prepare import CollectionRow, Row
    from satapi.ingest.stamps import Stamp
    from satapi.ingest.validation import Checks
    from satapi.settings import Settings


class Rules(Struct, frozen=True):
    """Whether documents are checked, with which schemas beside those of STAC, and whether they get their times."""

    validate: Literal["off", "known", "strict"] = "off"
    schemas: str | None = None
    timestamps: Literal["off", "maintain"] = "off"

    def checks(self) -> Checks | None:
        """What finds out what is wrong with documents; raises InvalidError for schemas that cannot be used."""
        return None if self.validate == "off" else checks(self.schemas, is_strict=self.validate == "strict")

    @property
    def item_stamp(self) -> Stamp[Row] | None:
        """What gives items their times, where that is wanted."""
        return stamped_item if self.timestamps == "maintain" else None

    @property
    def collection_stamp(self) -> Stamp[CollectionRow] | None:
        """What gives collections their times, where that is wanted."""
        return stamped_collection if self.timestamps == "maintain" else None


def of_writers(settings: Settings) -> Rules:
    """The rules of who writes over HTTP."""
    return Rules("off" if settings.writes == "off" else settings.validate, settings.schemas, settings.timestamps)


def of_loads(settings: Settings, *, validate: bool) -> Rules:
    """The rules of a load, which checks documents where the command says so."""
    mode = "off" if not validate else "strict" if settings.validate == "strict" else "known"
    return Rules(mode, settings.schemas, settings.timestamps)


def of_backups(settings: Settings, *, validate: bool) -> Rules:
    """The rules of loading what was exported, which comes back as it was."""
    return Rules(of_loads(settings, validate=validate).validate, settings.schemas)
