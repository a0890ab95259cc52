"""Shared transactions: what is posted to one route at the same time is written in one transaction, each with its kept answer.

    @routes.post("/crm/messages", permission="messages.send", status=202, together=send_all)
    async def send_message(body: Send, share: Share, caller: TheCaller) -> Response: ...
        return await share.take(draft, answer_of)

The handler hands over what it wants; `together` does it for many and returns for each what came of it, or the DomainError that refuses it.
A refusal must have stored nothing. One batch is written at a time; what comes meanwhile is the next, so one alone waits for nobody. A batch
that fails is taken apart: each of it in a transaction of its own, repeated where two of them met.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias

from fastapi import Depends, Request
from kernel.errors import DomainError
from outbox.work import UnitOfWork, Works
from starlette.responses import Response
from telemetry.metrics import ITEMS, histogram

from web.exchange import Exchange, exchange_of
from web.idempotency import Claim, Idempotency, in_progress, may_be_kept
from web.problems import problem_of
from web.races import MOST_REPEATS, lost_a_race
from web.works import Scope

SHARED = histogram("shared_transaction_requests", "requests written in one transaction", ("route",), buckets=ITEMS)

MOST = 100
REST_S = 0.01
"""After a batch of several there is a rest of as long as it took, at most so long: half as many commits, twice as large."""

ActTogether: TypeAlias = Callable[[Sequence[Any], UnitOfWork], Awaitable[Sequence[Any]]]


@dataclass(eq=False)
class Place:
    """One request's place in a shared transaction. `taken` tells that its key was looked up there, and its answer kept."""

    transactions: "SharedTransactions"
    request: Request
    exchange: Exchange
    scope: Scope
    claim: Claim | None
    taken: bool = False

    async def take(self, wanted: Any, answer_of: Callable[[Any], Response]) -> Response:
        """Return the answer once what is wanted has committed, or the answer that was kept for this key. Raises what refuses it."""
        self.taken = True
        return await self.transactions.join(_Waiting(self, wanted, answer_of))


@dataclass(eq=False)
class _Waiting:
    place: Place
    wanted: Any
    answer_of: Callable[[Any], Response]
    answer: "asyncio.Future[Response]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def say(self, outcome: Response | Exception) -> None:
        if self.answer.done():
            return
        if isinstance(outcome, Exception):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


class SharedTransactions:
    """Those of one route."""

    def __init__(self, works: Works, idempotency: Idempotency, act: ActTogether, route: str) -> None:
        self._works = works
        self._idempotency = idempotency
        self._act = act
        self._route = route
        self._queue: list[_Waiting] = []
        self._flusher: asyncio.Task[None] | None = None

    async def join(self, waiting: _Waiting) -> Response:
        """Return the answer of one request."""
        self._queue.append(waiting)
        if self._flusher is None:
            # In nobody's context: what it logs belongs to no single request.
            self._flusher = asyncio.create_task(self._flush(), name="shared transactions", context=Context())
        return await waiting.answer

    async def _flush(self) -> None:
        try:
            while self._queue:
                batch, self._queue = self._queue[:MOST], self._queue[MOST:]
                SHARED.labels(self._route).observe(len(batch))
                began = time.monotonic()
                await self._settle(batch)
                if len(batch) > 1:
                    await asyncio.sleep(min(REST_S, time.monotonic() - began))
        finally:
            self._flusher = None

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._write(batch)
        except Exception as error:
            if len(batch) > 1:
                await asyncio.gather(*(self._alone(each) for each in batch))
            else:
                await self._alone(batch[0], error)
            return
        for waiting, outcome in zip(batch, outcomes, strict=True):
            waiting.say(outcome)

    async def _alone(self, waiting: _Waiting, error: Exception | None = None) -> None:
        """Write one by itself; `error` is what came of the first try."""
        tries = 0 if error is None else 1
        while error is None or lost_a_race(error, waiting.place.request):
            if tries > MOST_REPEATS:
                error = DomainError("conflict", "somebody else is changing it")
                break
            tries += 1
            try:
                (outcome,) = await self._write([waiting])
            except Exception as next_error:
                error = next_error
            else:
                waiting.say(outcome)
                return
        waiting.say(error)

    async def _write(self, batch: Sequence[_Waiting]) -> list[Response | Exception]:
        """Do it in one transaction; return the outcomes, which hold since it has committed."""
        async with self._works.begin(*_seen_by([each.place.scope for each in batch])) as work:
            outcomes = await self._known(batch, work)
            fresh = [each for each in batch if each not in outcomes]
            results = await self._act([each.wanted for each in fresh], work) if fresh else []
            kept = []
            for each, result in zip(fresh, results, strict=True):
                place = each.place
                if isinstance(result, DomainError):
                    outcomes[each] = result
                    response = problem_of(result).response(place.exchange, place.request.scope["path"])
                else:
                    outcomes[each] = response = each.answer_of(result)
                    if place.exchange.trail is not None:
                        place.exchange.trail.say(work)
                if place.claim is not None and may_be_kept(response.status_code):
                    kept.append((place.claim, response, place.exchange))
            await self._idempotency.keep_all(work.connection, kept)
        return [outcomes[each] for each in batch]

    async def _known(self, batch: Sequence[_Waiting], work: UnitOfWork) -> dict[_Waiting, Response | Exception]:
        """Return what is answered without doing anything: keys that were used, or are in use, in this batch too."""
        outcomes: dict[_Waiting, Response | Exception] = {}
        first: dict[tuple[str, str, str], _Waiting] = {}
        for each in batch:
            claim = each.place.claim
            if claim is not None and first.setdefault(claim.place, each) is not each:
                outcomes[each] = in_progress(claim)
        claims = [each.place.claim for each in first.values() if each.place.claim is not None]
        found = await self._idempotency.look_all(work.connection, claims)
        outcomes.update((first[place], outcome) for place, outcome in found.items())
        return outcomes


def _seen_by(scopes: Sequence[Scope]) -> tuple[set[str], set[str] | None]:
    """Return the tenants and the projects of several requests; None if one of them is kept to no projects."""
    tenants = {tenant for each in scopes for tenant in each.tenants}
    if any(each.projects is None for each in scopes):
        return tenants, None
    return tenants, {project for each in scopes for project in each.projects or ()}


async def the_place(request: Request) -> Place:
    """Return the request's place. A dependency; only routes with `together` have one."""
    place = exchange_of(request.scope).place
    assert place is not None, "the route is declared with `together`"
    return place


Share = Annotated[Place, Depends(the_place)]
