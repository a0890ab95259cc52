"""What every call of WAHA's API goes through: the key, faults, the answer's shape, and the ledger."""

import asyncio
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from waha_simulator import answers
from waha_simulator.answers import ApiError
from waha_simulator.api_requests import Answer, ApiRequest, ApiRoute, ApiRoutes
from waha_simulator.door import Door
from waha_simulator.faults import Fault
from waha_simulator.payloads import environment
from waha_simulator.sessions import Session
from waha_simulator.simulator import Simulator

Json = dict[str, Any]


@dataclass
class Call:
    """One request to the API. `effects` is what it changed on WhatsApp, for the ledger."""

    request: ApiRequest
    simulator: Simulator
    body: Json
    effects: list[Json] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    session_name: str | None = None

    def query(self, name: str) -> str | None:
        return self.request.query.get(name)

    def session(self, name: str | None = None) -> Session:
        """The session of the path, the body or the query; 404 where there is none of that name."""
        name = name or self.request.path_params.get("session") or self.body.get("session") or self.query("session")
        self.session_name = name or "default"
        session = self.simulator.sessions.get(self.session_name)
        if session is None:
            raise answers.not_found()
        return session

    async def working_session(self) -> Session:
        """The session once it is WORKING. Otherwise WAHA waits, up to about 15 s, and then answers 422."""
        session = self.session()
        patience = self.simulator.manners.hang_before_422_seconds * self.simulator.time_factor
        until = time.monotonic() + patience
        while session.status != "WORKING" and time.monotonic() < until:  # noqa: ASYNC110  WAHA polls too
            await asyncio.sleep(min(0.1, patience))
        if session.status != "WORKING":
            raise answers.wrong_status(session.name, session.status, "WORKING")
        return session

    def required(self, *names: str) -> list[str]:
        """These texts of the body; a 400 with one message for each that is missing."""
        missing = [f"{name} must be a string" for name in names if not isinstance(self.body.get(name), str)]
        if missing:
            raise answers.validation(*missing)
        return [self.body[name] for name in names]

    def thrown(self, text: str, engine: str) -> ApiError:
        """A 500 of this engine, echoing the request."""
        request = {
            "path": self.request.path,
            "method": self.request.method,
            "body": self.body,
            "query": self.request.query,
        }
        version = environment(engine, self.simulator.settings.version)
        return answers.thrown(text, request=request, version=version, grpc=engine == "GOWS")


Handler = Callable[[Call], Awaitable[Answer]]


class Endpoint(NamedTuple):
    """What answers a call; `open_to_all`: without a key, and without a line in the ledger."""

    handler: Handler
    open_to_all: bool


class Api:
    """Answers as WAHA does. `door` None: no connection of its own can be broken off."""

    def __init__(self, simulator: Simulator, door: Door | None) -> None:
        self.simulator = simulator
        self.door = door
        self.routes: ApiRoutes[Endpoint] = ApiRoutes()
        self._counted: Counter[str] = Counter()

    def route(
        self, path: str, handler: Handler, method: str = "GET", *, open_to_all: bool = False
    ) -> ApiRoute[Endpoint]:
        return ApiRoute(method, path, Endpoint(handler, open_to_all))

    async def answer(self, request: ApiRequest, endpoint: Endpoint) -> tuple[Answer, bool]:
        """The answer to one request, and whether all of it is said."""
        self.simulator.calls_open += 1
        try:
            return await self._answer_open(request, endpoint)
        finally:
            self.simulator.calls_open -= 1

    async def _answer_open(self, request: ApiRequest, endpoint: Endpoint) -> tuple[Answer, bool]:
        started, clock = datetime.now(UTC), time.perf_counter()
        call = Call(request, self.simulator, {})
        dropped = False
        try:
            if not endpoint.open_to_all:
                self._check_key(request)
            call.body = _json_body(request.body)
            answer, dropped = await self._with_faults(call, endpoint.handler)
        except ApiError as problem:
            answer = Answer(problem.status, problem.body, headers=problem.headers)
        whole = "half_answer" not in call.faults
        if not endpoint.open_to_all:
            self._write(call, answer, started, time.perf_counter() - clock, dropped=dropped or not whole)
        if dropped and self.door is not None:
            self.door.drop(request.peer_port)
        return answer, whole

    def _check_key(self, request: ApiRequest) -> None:
        """The plain key in `X-Api-Key`, or in the query for files; the server may hold only its SHA-512."""
        given = request.headers.get("x-api-key") or request.query.get("x-api-key") or ""
        wanted = self.simulator.settings.api_key
        if wanted.startswith("sha512:"):
            given = "sha512:" + hashlib.sha512(given.encode()).hexdigest()
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise answers.unauthorized()

    async def _with_faults(self, call: Call, handler: Handler) -> tuple[Answer, bool]:
        path = call.request.path
        if path not in self.simulator.faults.paths:
            return await handler(call), False
        self._counted[path] += 1
        what = (path, self._counted[path])
        if self._strikes(call, "refuse", what):
            return Answer(499, {}), True
        if stalled := self._strikes(call, "stalled", what):
            await asyncio.sleep(self.simulator.faults.seconds(stalled, *what) * self.simulator.time_factor)
            return Answer(499, {}), True
        self._refusals(call, what)
        broken = self._strikes(call, "error_500", what) or self._strikes(call, "bad_gateway", what)
        if broken is None:
            answer = await handler(call)
        elif self.simulator.faults.chance(broken, "after_effect", *what):
            await handler(call)
            raise self._breakdown(call)
        else:
            raise self._breakdown(call)
        if slow := self._strikes(call, "slow", what):
            await asyncio.sleep(self.simulator.faults.seconds(slow, *what) * self.simulator.time_factor)
        if self._strikes(call, "lost_answer", what):
            return answer, True
        if self._strikes(call, "half_answer", what):
            return answer, False
        if self._strikes(call, "empty_answer", what):
            return Answer(answer.status, None), False
        return answer, False

    def _breakdown(self, call: Call) -> ApiError:
        """WAHA's 500, or the 502 of a proxy before it: neither says whether anything was sent."""
        if "bad_gateway" in call.faults:
            return ApiError(502, {"message": "Bad Gateway"})
        return call.thrown("Protocol error: Target closed", self._engine(call))

    def _refusals(self, call: Call, what: tuple[object, ...]) -> None:
        """Faults that answer with an error and have no effect."""
        if self._strikes(call, "not_working", what):
            raise answers.wrong_status(str(call.body.get("session") or "default"), "STARTING", "WORKING")
        if limited := self._strikes(call, "rate_limited", what):
            raise answers.rate_limited(limited.options["retry_after"])
        if self._strikes(call, "no_lid", what):
            user = str(call.body.get("chatId") or "").partition("@")[0]
            raise call.thrown(f"no LID found for {user}@s.whatsapp.net from server", self._engine(call))
        for name, code in (("error_463", 463), ("error_475", 475)):
            if self._strikes(call, name, what):
                raise call.thrown(f"server returned error {code}", self._engine(call))

    def _strikes(self, call: Call, name: str, what: tuple[object, ...]) -> Fault | None:
        if not self.simulator.faults.has("api", name):
            return None
        if name in ("error_463", "error_475") and not self._is_first_contact(call):
            shown = self.simulator.faults.shown()["api"][name]
            if shown["only_first_contacts"]:
                return None
        fault = self.simulator.faults.strikes("api", name, *what)
        if fault is not None:
            call.faults.append(name)
        return fault

    def _is_first_contact(self, call: Call) -> bool:
        """Nobody ever wrote to us in this chat: only such sends meet the reach-out limits."""
        session = str(call.body.get("session") or "default")
        chat = str(call.body.get("chatId") or "")
        return not any(not message.from_me for message in self.simulator.history.of(session, {chat}))

    def _engine(self, call: Call) -> str:
        session = self.simulator.sessions.get(str(call.body.get("session") or "default"))
        return session.engine if session else self.simulator.settings.default_engine

    def _write(self, call: Call, answer: Answer, started: datetime, seconds: float, *, dropped: bool) -> None:
        text = call.body.get("text")
        entry = {
            "method": call.request.method,
            "path": call.request.path,
            "query": {k: v for k, v in call.request.query.items() if k.lower() != "x-api-key"},
            "session": call.session_name or call.body.get("session"),
            "chat": call.body.get("chatId"),
            "text_hash": text_hash(text) if isinstance(text, str) else None,
            "reserved_id": call.body.get("id"),
            "status": answer.status,
            "answered": not dropped,
            "effects": call.effects,
            "faults": call.faults,
            "started_at": started.isoformat(),
            "seconds": round(seconds, 6),
        }
        self.simulator.ledger.calls.add(entry)


def text_hash(text: str) -> str:
    """How the ledger names a text without keeping it: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _json_body(raw: bytes) -> Json:
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as problem:
        raise answers.validation("Unexpected token in JSON") from problem
    if not isinstance(body, dict):
        raise answers.validation("body must be an object")
    return body
