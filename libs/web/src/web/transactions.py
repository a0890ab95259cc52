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
from web.races import MOST_REPEATS, lost_a_race
from web.sharing import ActTogether, Place, SharedTransactions
from web.works import Scope

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


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
        return await self._repeated(request, exchange, handler, scope, claim)

    def shared(self, act: ActTogether, route: str) -> SharedTransactions:
        """Return the shared transactions of one route."""
        return SharedTransactions(self._works, self._idempotency, act, route)

    async def run_shared(
        self, request: Request, exchange: Exchange, handler: Handler, scope: Scope, shared: SharedTransactions
    ) -> Response:
        """Answer a request whose handler takes part in a shared transaction. One that is refused before that is kept as any other."""
        claim = await claim_of(request, exchange, scope, self._idempotency, secret=False)
        place = exchange.place = Place(shared, request, exchange, scope, claim)
        try:
            return await handler(request)
        except DomainError as error:
            if claim is None or place.taken or not may_be_kept(problem_of(error).status):
                raise
            refusal = error
        finally:
            exchange.place = None

        async def refuse(_: Request) -> Response:
            raise refusal

        return await self._repeated(request, exchange, refuse, scope, claim)

    async def _repeated(
        self, request: Request, exchange: Exchange, handler: Handler, scope: Scope, claim: Claim | None
    ) -> Response:
        repeats = 0
        while True:
            try:
                if claim is None:
                    return await self._once(request, exchange, handler, scope)
                return await self._kept(request, exchange, handler, claim)
            except (DomainError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if not lost_a_race(error, request):
                    raise
                repeats += 1
                if repeats > MOST_REPEATS:
                    raise DomainError("conflict", "somebody else is changing it") from error

    async def _once(self, request: Request, exchange: Exchange, handler: Handler, scope: Scope) -> Response:
        async with self._works.begin(scope.tenants, scope.projects) as work:
            exchange.work = work
            try:
                return await handler(request)
            finally:
                exchange.work = None

    async def _kept(self, request: Request, exchange: Exchange, handler: Handler, claim: Claim) -> Response:
        """The effect and the kept answer commit together; a refusal is kept too, and its effects are undone."""
        async with self._works.begin(claim.scope.tenants, claim.scope.projects) as work:
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
            if not may_be_kept(problem.status) or lost_a_race(error, request):
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
        async with self._works.begin(claim.scope.tenants, claim.scope.projects) as work:
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
        async with self._works.begin(claim.scope.tenants, claim.scope.projects) as work:
            await self._idempotency.keep(work.connection, claim, response, exchange)
        return response

    async def _forget(self, claim: Claim) -> None:
        async with self._works.begin(claim.scope.tenants, claim.scope.projects) as work:
            await self._idempotency.forget(work.connection, claim)
