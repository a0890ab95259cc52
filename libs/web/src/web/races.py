"""Two requests that met: which failures are worth another try."""

import asyncpg
from kernel.errors import DomainError
from starlette.requests import Request

MOST_REPEATS = 3

# PostgreSQL, appendix A: serialization failure, deadlock, and a unique key that somebody else took first.
_RACES = ("40001", "40P01", "23505")


def lost_a_race(error: Exception, request: Request) -> bool:
    """Tell whether a request that failed so may succeed when it is run again."""
    if isinstance(error, DomainError):
        # With If-Match the caller has said which version they mean: the second look cannot find that one.
        return error.code == "conflict" and "if-match" not in request.headers
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return True
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate in _RACES
