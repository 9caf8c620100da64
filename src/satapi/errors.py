"""The ways in which a request or a command can fail, and what each tells its caller.

    SatapiError
    ├── InvalidError        the caller sent something that is not allowed      400
    │   └── TooLargeError   it is well formed but over a limit                 413
    ├── NotFoundError       what was named does not exist                      404
    ├── ConflictError       it exists already                                  409
    ├── LoadError           a load stopped; whole batches before it are kept
    ├── ExportError         an export stopped; what is written is whole lines
    ├── PartitionError      PostgreSQL stopped what was to be done with partitions
    ├── SchemaError         the database schema is not the one this code knows
    ├── ClusterError        the embedded PostgreSQL cannot be found or started
    └── UnavailableError    the database cannot answer now                     503
        └── TimedOutError   the statement took longer than is allowed          504

HTTP status codes are given to these in one table, `satapi.http.problems`.
"""

from __future__ import annotations


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


class NotFoundError(SatapiError):
    """What the path names does not exist."""

    code = "NotFound"


class ConflictError(SatapiError):
    """What is to be made exists already."""

    code = "Conflict"


class LoadError(SatapiError):
    """A load stopped at a bad item or a failed batch."""

    code = "LoadFailed"


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
