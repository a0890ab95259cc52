"""Sorting database errors into the classes of failure."""

import asyncpg
from kernel.failures import Failure

from postgres.database import PoolExhaustedError

# Prefixes of SQLSTATE (PostgreSQL, appendix A).
_INFRASTRUCTURE = (
    "08",  # connection exceptions
    "53",  # insufficient resources: disk full, out of memory, too many connections
    "57",  # operator intervention: shutdown, crash, cancelled by a timeout
    "55P03",  # a lock could not be had in time: whoever holds it, nothing is wrong with the data, however long it takes
    "58",  # system errors
    "25006",  # read-only: a standby, or a disk that protects itself
    "25P02",  # the transaction was aborted before us
    "25P03",  # idle in transaction for too long
    "25P04",  # transaction timeout
    "XX",  # internal errors
)
_CONFLICT = (
    "40001",  # serialization failure
    "40P01",  # deadlock
)
_RACE = "23505"  # unique violation


def classify(error: BaseException) -> Failure:
    """Return the class of a failure. Unknown errors are deterministic: repeating them for ever would stop the line."""
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return Failure.CONFLICT  # a migration ran under our feet
    if isinstance(error, asyncpg.PostgresError):
        sqlstate = error.sqlstate or ""
        if sqlstate.startswith(_INFRASTRUCTURE):
            return Failure.INFRASTRUCTURE
        if sqlstate.startswith(_CONFLICT):
            return Failure.CONFLICT
        return Failure.RACE if sqlstate == _RACE else Failure.DETERMINISTIC
    # asyncpg raises InterfaceError both for a connection that went away and for a value of the wrong type (DataError).
    if isinstance(error, asyncpg.DataError):
        return Failure.DETERMINISTIC
    # InternalClientError is what a connection says whose session was ended between two messages.
    lost = asyncpg.InterfaceError | asyncpg.InternalClientError | PoolExhaustedError | OSError | TimeoutError
    # A process without memory cannot tell good data from bad.
    if isinstance(error, lost | MemoryError):
        return Failure.INFRASTRUCTURE
    return Failure.DETERMINISTIC
