"""Messages: changes as CloudEvents 1.0 in JSON, signed as the Standard Webhooks specification says."""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from binascii import Error as BinasciiError
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, Struct, UnsetType

from satapi.errors import InvalidError
from satapi.stac import paths
from satapi.stac.changes import Change, Operation, Place
from satapi.stac.links import JSON

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# CloudEvents 1.0, JSON format 3 and 4 and HTTP binding 3.2 and 3.3.
_ONE = "application/cloudevents+json"
_MANY = "application/cloudevents-batch+json"

_DONE: Mapping[Operation, str] = {"insert": "created", "update": "updated", "delete": "deleted"}
RESTARTED = "satapi.feed.restarted"

_PREFIX = "whsec_"
_SECRET_BYTES = 32
_SECRET_BYTES_MIN, _SECRET_BYTES_MAX = 24, 64


class Data(Struct, frozen=True):
    """What a change is of."""

    kind: str
    operation: str
    collection: str
    id: str


class Restarted(Struct, frozen=True):
    """Why changes were missed."""

    reason: str


class Event(Struct, frozen=True):
    """A CloudEvent."""

    specversion: str
    id: str
    source: str
    type: str
    time: datetime
    datacontenttype: str
    data: Data | Restarted
    subject: str | UnsetType = UNSET


class Message(Struct, frozen=True):
    """What is sent at once: its id, which is the same however often it is sent, and the place behind it."""

    id: str
    content_type: str
    body: bytes
    behind: Place
    events: int


def event(change: Change, source: str) -> Event:
    """The event of a change."""
    path = paths.collection(change.id) if change.kind == "collection" else paths.item(change.collection, change.id)
    return Event(
        "1.0",
        change.place.token,
        source,
        f"satapi.{change.kind}.{_DONE[change.operation]}",
        change.time,
        JSON,
        Data(change.kind, change.operation, change.collection, change.id),
        subject=path[1:],
    )


def of_changes(changes: Sequence[Change], source: str, behind: Place, *, batched: bool) -> Message:
    """The message of some changes; of one that is not in a batch there is one only."""
    events = [event(change, source) for change in changes]
    body = msgspec.json.encode(events if batched else events[0])
    return Message(changes[-1].place.token, _MANY if batched else _ONE, body, behind, len(events))


def of_restart(reason: str, source: str, time: datetime, behind: Place, *, batched: bool) -> Message:
    """The message that changes were missed: whoever gets it has to read the catalog anew."""
    told = Event("1.0", "restarted-" + behind.token, source, RESTARTED, time, JSON, Restarted(reason))
    return Message(told.id, _MANY if batched else _ONE, msgspec.json.encode([told] if batched else told), behind, 1)


def new_secret() -> str:
    """A secret that nobody knows."""
    return _PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def checked(secret: str) -> str:
    """The secret, if it is one. Raises InvalidError."""
    try:
        size = len(_key(secret))
    except (BinasciiError, ValueError):
        size = 0
    if not _SECRET_BYTES_MIN <= size <= _SECRET_BYTES_MAX:
        allowed = f"allowed is whsec_ and {_SECRET_BYTES_MIN} to {_SECRET_BYTES_MAX} bytes in base64"
        raise InvalidError("secret", "what was given", allowed)
    return secret


def headers(message: Message, secret: str, timestamp: int) -> dict[str, str]:
    """The headers of a message that is sent at a time (seconds since 1970)."""
    signed = b".".join((message.id.encode(), str(timestamp).encode(), message.body))
    signature = b64encode(hmac.new(_key(secret), signed, sha256).digest()).decode()
    return {
        "content-type": message.content_type,
        "webhook-id": message.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1," + signature,
    }


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        raise ValueError("no prefix")
    return b64decode(secret.removeprefix(_PREFIX), validate=True)
