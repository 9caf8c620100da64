"""Failures: what an error of PostgreSQL or of the way to it means to the caller."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import asyncpg

from satapi.errors import InvalidError, SatapiError, SchemaError, TimedOutError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Generator

# Lost and refused connections, restarts, full pools; on a connection that dies asyncpg raises its own.
_UNAVAILABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    # A replica, or a server that has become one.
    asyncpg.InvalidTransactionStateError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


@contextmanager
def translated() -> Generator[None]:
    """Raises errors of satapi for those of the database that a caller can do something about."""
    try:
        yield
    except asyncpg.QueryCanceledError:
        raise TimedOutError("The database took longer than the server allows; asking for less would help") from None
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.UndefinedFunctionError) as error:
        raise SchemaError("The database has not the schema that this server knows; run `satapi db migrate`") from error
    except asyncpg.DataError as error:
        raise _invalid(error) from error
    except asyncpg.InternalServerError as error:
        # What GEOS says of a geometry that it cannot work with.
        raise InvalidError("intersects", str(error), "allowed is a valid GeoJSON geometry") from error
    except _UNAVAILABLE as error:
        raise UnavailableError("The database cannot be reached; try again shortly") from error


def _invalid(error: asyncpg.DataError) -> SatapiError:
    return InvalidError("request", str(error), "a value cannot be stored or compared by the database")
