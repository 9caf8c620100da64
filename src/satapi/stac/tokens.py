"""Tokens: values as opaque texts that URLs hold as they are."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

import msgspec

T = TypeVar("T")


def encode(value: object) -> str:
    """The token of a value."""
    return urlsafe_b64encode(msgspec.msgpack.encode(value)).rstrip(b"=").decode()


def decode(text: str, kind: type[T]) -> T:
    """The value of a token, of that kind. Raises ValueError for what is none."""
    try:
        return msgspec.msgpack.decode(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)), type=kind)
    except (UnicodeEncodeError, binascii.Error, msgspec.DecodeError) as error:
        raise ValueError(text) from error
