"""Patches: changes of a JSON text that leave everything else of it as it is, digit by digit.

Only what a patch goes through is taken apart, and put together again from the texts of its members.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, cast

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from satapi.errors import ConflictError, InvalidError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SHOWN = 200
# About a third of a second, for which others wait.
_GONE_THROUGH_MAX_BYTES = 100 << 20

_object = msgspec.json.Decoder(dict[str, Raw])
_array = msgspec.json.Decoder(list[Raw])
_values = msgspec.json.Decoder(float_hook=Decimal)
_encode = msgspec.json.Encoder().encode


def merged(document: bytes, change: bytes) -> bytes:
    """The document after a JSON merge patch (RFC 7396, 2); both are JSON."""
    if not change.lstrip().startswith(b"{"):
        return change
    members = _object.decode(document) if document.lstrip().startswith(b"{") else {}
    for name, value in _object.decode(change).items():
        if bytes(value) == b"null":
            members.pop(name, None)
        else:
            members[name] = Raw(merged(bytes(members.get(name, b"null")), bytes(value)))
    return _encode(members)


# JSON patch -------------------------------------------------------------------------------------------------------

Tokens = tuple[str, ...]


class Operation(Struct, frozen=True, rename={"source": "from"}):
    """An operation of a JSON patch (RFC 6902, 4); paths are JSON pointers (RFC 6901)."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"]
    path: str
    source: str | UnsetType = UNSET
    value: Raw | UnsetType = UNSET


_operations = msgspec.json.Decoder(list[Operation])
_POINTER = re.compile(r"(/([^~/]|~[01])*)*")


def operations(body: bytes, at_most: int) -> list[Operation]:
    """Read a JSON patch. Raises InvalidError, and TooLargeError for more than that many operations."""
    try:
        found = _operations.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        allowed = f"{error}; allowed is an array of operations as in RFC 6902"
        raise InvalidError("body", body[:_SHOWN].decode(errors="replace"), allowed) from None
    if len(found) > at_most:
        raise TooLargeError("body", f"{len(found)} operations", f"at most {at_most} are allowed")
    for index, operation in enumerate(found):
        needed = {"move": "from", "copy": "from", "remove": None}.get(operation.op, "value")
        if (needed == "from" and operation.source is UNSET) or (needed == "value" and operation.value is UNSET):
            raise InvalidError(f"body[{index}]", operation.op, f"the operation has a member {needed!r}")
        for pointer in (operation.path, operation.source):
            if pointer is not UNSET and not _POINTER.fullmatch(pointer):
                raise InvalidError(f"body[{index}]", pointer, "allowed is a JSON pointer as in RFC 6901")
    return found


def patched(document: bytes, operations: Sequence[Operation], bytes_max: int) -> bytes:
    """The document after all operations. Raises ConflictError where one cannot be done, TooLargeError."""
    gone_through = 0
    for index, operation in enumerate(operations):
        # Each level of a path is taken apart and put together again.
        gone_through += len(document) * (1 + operation.path.count("/") + len(_tokens(operation.source)))
        if gone_through > _GONE_THROUGH_MAX_BYTES:
            raise TooLargeError("body", f"{len(operations)} operations", "fewer or shallower ones are allowed at once")
        try:
            document = _done(document, operation)
        except (LookupError, ValueError) as error:
            what = f"{operation.op} {operation.path}"
            raise ConflictError(f"Operation {index} of the patch ({what}) cannot be done: {error.args[0]}") from None
        if len(document) > bytes_max:
            raise TooLargeError("body", f"{len(document)} bytes", f"at most {bytes_max} may come of a patch")
    return document


def _done(document: bytes, operation: Operation) -> bytes:
    """The document after one operation. Raises LookupError and ValueError with the reason why that cannot be."""
    path = _tokens(operation.path)
    value = b"" if operation.value is UNSET else bytes(operation.value)
    match operation.op:
        case "add":
            return _added(document, path, value)
        case "remove":
            return _removed(document, path)
        case "replace":
            return _at(document, path, lambda _: value)
        case "move":
            source = _tokens(operation.source)
            if path[: len(source)] == source and path != source:
                raise ValueError("nothing can be moved into itself")
            return _added(_removed(document, source), path, _found(document, source))
        case "copy":
            return _added(document, path, _found(document, _tokens(operation.source)))
        case "test":
            if not _equal(_value(_found(document, path)), _value(value)):
                raise ValueError("the value there is another one")
            return document


def _value(text: bytes) -> object:
    try:
        return _values.decode(text)
    except (msgspec.DecodeError, ArithmeticError):
        raise ValueError("a number in it is too long to be compared") from None


def _tokens(pointer: str | UnsetType) -> Tokens:
    if pointer is UNSET or not pointer:
        return ()
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def _at(document: bytes, path: Tokens, change: Callable[[bytes], bytes]) -> bytes:
    """The document with another value at a path, which must be there."""
    if not path:
        return change(document)
    members, key = _taken_apart(document, path[0])
    held = cast("dict[str | int, Raw]", members)
    held[key] = Raw(_at(bytes(held[key]), path[1:], change))
    return _encode(members)


def _found(document: bytes, path: Tokens) -> bytes:
    """The value at a path."""
    for token in path:
        members, key = _taken_apart(document, token)
        document = bytes(cast("dict[str | int, Raw]", members)[key])
    return document


def _removed(document: bytes, path: Tokens) -> bytes:
    """The document without the value at a path."""
    if not path:
        raise ValueError("the whole document cannot be removed")

    def remove(parent: bytes) -> bytes:
        members, key = _taken_apart(parent, path[-1])
        del cast("dict[str | int, Raw]", members)[key]
        return _encode(members)

    return _at(document, path[:-1], remove)


def _added(document: bytes, path: Tokens, value: bytes) -> bytes:
    """The document with a value added at a path: a member set, or an entry put before the one that is there."""
    if not path:
        return value

    def add(parent: bytes) -> bytes:
        if parent.startswith(b"["):
            entries = _array.decode(parent)
            at = len(entries) if path[-1] == "-" else _index(path[-1], len(entries))
            entries.insert(at, Raw(value))
            return _encode(entries)
        if not parent.startswith(b"{"):
            raise LookupError("only objects and arrays have members")
        return _encode(_object.decode(parent) | {path[-1]: Raw(value)})

    return _at(document, path[:-1], add)


def _taken_apart(parent: bytes, token: str) -> tuple[dict[str, Raw] | list[Raw], str | int]:
    """The members of an object or array, and the key of one that is there."""
    if parent.startswith(b"{"):
        members = _object.decode(parent)
        if token not in members:
            raise LookupError(f"there is no member {token!r}")
        return members, token
    if parent.startswith(b"["):
        entries = _array.decode(parent)
        return entries, _index(token, len(entries) - 1)
    raise LookupError(f"there is no member {token!r}: only objects and arrays have any")


def _index(token: str, at_most: int) -> int:
    # Indexes have no leading zeros (RFC 6901, 4); enough digits for every array, and no more.
    if not re.fullmatch("0|[1-9][0-9]{0,9}", token) or int(token) > at_most:
        raise LookupError(f"there is no entry {token!r}")
    return int(token)


def _equal(one: object, other: object) -> bool:
    """Whether two JSON values are equal (RFC 6902, 4.6): numbers as numbers, and never as booleans."""
    if isinstance(one, dict) and isinstance(other, dict):
        left, right = cast("dict[str, object]", one), cast("dict[str, object]", other)
        return left.keys() == right.keys() and all(_equal(value, right[name]) for name, value in left.items())
    if isinstance(one, list) and isinstance(other, list):
        first, second = cast("list[object]", one), cast("list[object]", other)
        return len(first) == len(second) and all(map(_equal, first, second))
    return isinstance(one, bool) == isinstance(other, bool) and one == other
