"""Around a handler: one transaction, repeated where two of them met, with its answer kept where a key asks for that."""

from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg
from kernel.errors import DomainError
from outbox.work import UnitOfWork, Works
from starlette.requests import Request
from starlette.responses import Response

from web.exchange import Exchange
from web.idempotency import Claim, Idempotency, claim_of, may_be_kept
from web.problems import problem_of
from web.works import Scope

MOST_REPEATS = 3

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

# PostgreSQL, appendix A: serialization failure, deadlock, and a unique key that somebody else took first.
_RACES = ("40001", "40P01", "23505")


class Transactions:
    """Runs handlers. The answer is returned only after the commit."""

    def __init__(self, works: Works, idempotency: Idempotency) -> None:
        self._works = works
        self._idempotency = idempotency

    async def run(
        self,
        request: Request,
        exchange: Exchange,
        handler: Handler,
        scope: Scope | None,
        *,
        wants_work: bool,
        secret_answer: bool,
    ) -> Response:
        """Answer a request, in a transaction of `scope` if the handler wants one."""
        claim = (
            None if scope is None else await claim_of(request, exchange, scope, self._idempotency, secret=secret_answer)
        )
        if scope is None or not wants_work:
            if claim is None:
                return await handler(request)
            return await self._claimed(request, exchange, handler, claim)
        repeats = 0
        while True:
            try:
                if claim is None:
                    return await self._once(request, exchange, handler, scope)
                return await self._kept(request, exchange, handler, claim)
            except (DomainError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if not _lost_a_race(error, request):
                    raise
                repeats += 1
                if repeats > MOST_REPEATS:
                    raise DomainError("conflict", "somebody else is changing it") from error

    async def _once(self, request: Request, exchange: Exchange, handler: Handler, scope: Scope) -> Response:
        async with self._works.begin(scope.tenants) as work:
            exchange.work = work
            try:
                return await handler(request)
            finally:
                exchange.work = None

    async def _kept(self, request: Request, exchange: Exchange, handler: Handler, claim: Claim) -> Response:
        """The effect and the kept answer commit together; a refusal is kept too, and its effects are undone."""
        async with self._works.begin(claim.scope.tenants) as work:
            kept = await self._idempotency.look(work.connection, claim)
            if kept is not None:
                return kept
            response = await self._in_savepoint(request, exchange, handler, work)
            if may_be_kept(response.status_code):
                await self._idempotency.keep(work.connection, claim, response, exchange)
            return response

    async def _in_savepoint(self, request: Request, exchange: Exchange, handler: Handler, work: UnitOfWork) -> Response:
        await work.connection.execute("savepoint before_handler")
        exchange.work = work
        try:
            response = await handler(request)
        except Exception as error:
            problem = problem_of(error)
            if not may_be_kept(problem.status) or _lost_a_race(error, request):
                raise
            await work.connection.execute("rollback to savepoint before_handler")
            work.said.clear()
            return problem.response(exchange, request.scope["path"])
        finally:
            exchange.work = None
        await work.connection.execute("release savepoint before_handler")
        return response

    async def _claimed(self, request: Request, exchange: Exchange, handler: Handler, claim: Claim) -> Response:
        """For handlers that commit by themselves, around calls to the outside: claim the key, later keep the answer.

        No transaction is open meanwhile. Who dies in between leaves a claim that holds for a minute.
        """
        async with self._works.begin(claim.scope.tenants) as work:
            kept = await self._idempotency.look(work.connection, claim)
            if kept is not None:
                return kept
            await self._idempotency.claim(work.connection, claim)
        try:
            response = await handler(request)
        except Exception as error:
            problem = problem_of(error)
            if not may_be_kept(problem.status):
                await self._forget(claim)
                raise
            response = problem.response(exchange, request.scope["path"])
        if not may_be_kept(response.status_code):
            await self._forget(claim)
            return response
        async with self._works.begin(claim.scope.tenants) as work:
            await self._idempotency.keep(work.connection, claim, response, exchange)
        return response

    async def _forget(self, claim: Claim) -> None:
        async with self._works.begin(claim.scope.tenants) as work:
            await self._idempotency.forget(work.connection, claim)


def _lost_a_race(error: Exception, request: Request) -> bool:
    if isinstance(error, DomainError):
        # With If-Match the caller has said which version they mean: the second look cannot find that one.
        return error.code == "conflict" and "if-match" not in request.headers
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return True
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate in _RACES
