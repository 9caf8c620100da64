"""The ways in which a request or a command can fail, and what each tells its caller.

    SatapiError
    ├── InvalidError        the caller sent something that is not allowed      400
    │   ├── TooLargeError   it is well formed but over a limit                 413
    │   └── DocumentError   it is well formed but no valid item or collection  422
    ├── NotFoundError       what was named does not exist                      404
    ├── GoneError           what a token of changes stands for is gone         410
    ├── ConflictError       it exists already, or is not as a change expects   409
    ├── RefusedError        documents of a request that is done whole or not   by their codes
    ├── MediaTypeError      the body is of a kind that is not read here        415
    ├── PreconditionError   what is to change is not the version that is meant 412
    ├── UnconditionalError  a change does not say which version it means       428
    ├── LoadError           a load stopped; whole batches before it are kept
    ├── SourceError         what a load is to read cannot be had, or is no STAC document
    ├── ExportError         an export stopped; what is written is whole lines
    ├── PartitionError      PostgreSQL stopped what was to be done with partitions
    ├── SchemaError         the database schema is not the one this code knows
    ├── ClusterError        the embedded PostgreSQL cannot be found or started
    └── UnavailableError    the database cannot answer now                     503
        └── TimedOutError   the statement took longer than is allowed          504

HTTP status codes are given to these in one table, `satapi.http.problems`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct


class SatapiError(Exception):
    """Any failure that satapi explains to its caller: `description` is a whole sentence."""

    code = "Error"

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.description = description


class InvalidError(SatapiError):
    """A parameter or document is not allowed: names the `parameter`, the `value` and what is allowed."""

    code = "InvalidParameterValue"

    def __init__(self, parameter: str, value: object, allowed: str) -> None:
        shown = value if isinstance(value, str) else repr(value)
        if len(shown) > _SHOWN_CHARACTERS:
            shown = shown[:_SHOWN_CHARACTERS] + "..."
        super().__init__(f"{parameter}: {shown!r} is not allowed; {allowed}")
        self.parameter = parameter
        self.value = shown
        self.allowed = allowed


class TooLargeError(InvalidError):
    """Something well formed is over one of the limits in the settings."""

    code = "TooLarge"


class Fault(Struct, frozen=True):
    """One thing that is wrong with a document: where, as a JSON pointer (RFC 6901), and why, as a whole sentence."""

    pointer: str
    reason: str


class DocumentError(InvalidError):
    """A document is JSON, but no valid item or collection, or a patch makes none of it; `id` is its own, if known.

    `faults` are all things that were found to be wrong, where a document was looked through for them; the first of
    them is what `parameter`, `value` and `allowed` tell.
    """

    code = "InvalidDocument"

    def __init__(
        self, parameter: str, value: object, allowed: str, faults: Sequence[Fault] = (), identifier: str | None = None
    ) -> None:
        super().__init__(parameter, value, allowed)
        self.faults = faults
        self.id = identifier
        if faults:
            self.description = ". ".join(fault.reason for fault in faults)
            self.args = (self.description,)


class NotFoundError(SatapiError):
    """What the path names does not exist."""

    code = "NotFound"


class GoneError(SatapiError):
    """What a token of the change feed stands for is there no more: who holds it has missed changes."""

    code = "Gone"


class ConflictError(SatapiError):
    """What is to be made exists already, or what is to be changed is not as the change expects it."""

    code = "Conflict"


class Refusal(Struct, frozen=True):
    """A document that is not stored: its place in the request, its id if it has one, and why."""

    index: int
    id: str | None
    code: Literal["InvalidDocument", "NotFound", "Conflict"]
    reason: str
    faults: Sequence[Fault] = ()


class RefusedError(SatapiError):
    """Documents of a request are refused, and so nothing of it is stored; `refusals` has each of them."""

    def __init__(self, refusals: Sequence[Refusal], among: int) -> None:
        super().__init__(
            f"Nothing is stored: {len(refusals)} of {among} documents are refused; errors has them, 1,000 at most"
        )
        self.refusals = refusals
        codes = {refusal.code for refusal in refusals}
        self.code = codes.pop() if len(codes) == 1 else DocumentError.code


class MediaTypeError(SatapiError):
    """A body is of a media type or an encoding that is not read here; `allowed` are the media types that are."""

    code = "UnsupportedMediaType"

    def __init__(self, description: str, allowed: Sequence[str]) -> None:
        super().__init__(description)
        self.allowed = allowed


class PreconditionError(SatapiError):
    """What is to be changed is not the version that the request means."""

    code = "PreconditionFailed"


class UnconditionalError(SatapiError):
    """The server only changes what a request names the version of."""

    code = "PreconditionRequired"


class LoadError(SatapiError):
    """A load stopped at a bad item or a failed batch."""

    code = "LoadFailed"


class SourceError(SatapiError):
    """What a load is to read cannot be had, or is no STAC document: names the `source`, and the `reason`."""

    code = "SourceFailed"

    def __init__(self, source: str, reason: str, origin: str | None = None) -> None:
        self.source = source
        self.reason = reason if origin is None else f"{reason} (linked from {origin})"
        super().__init__(f"{source}: {self.reason}")


class ExportError(SatapiError):
    """An export stopped, or cannot be gone on with."""

    code = "ExportFailed"


class PartitionError(SatapiError):
    """PostgreSQL stopped what was to be done with partitions."""

    code = "PartitionFailed"


class SchemaError(SatapiError):
    """The database schema is older, newer or other than this version of satapi knows."""

    code = "SchemaMismatch"


class ClusterError(SatapiError):
    """The embedded PostgreSQL cannot be found, initialised or started."""

    code = "ClusterFailed"


class UnavailableError(SatapiError):
    """The database cannot answer now; trying again later may help."""

    code = "Unavailable"


class TimedOutError(UnavailableError):
    """The statement ran into the statement timeout: trying again helps less than asking for less."""

    code = "TimedOut"


# Enough of a bad value to recognise it, not enough to flood a log.
_SHOWN_CHARACTERS = 200
