"""The control API under `/control`: what tests and the demo make happen in the simulated world, and what they may
know of it.
"""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from waha_simulator.control_requests import (
    ControlError,
    Fields,
    group_id,
    message_from,
    person_from,
    working_session,
)
from waha_simulator.door import Door
from waha_simulator.faults import UnknownFaultError
from waha_simulator.load import Loads, Plan
from waha_simulator.payloads import full_id, me_of
from waha_simulator.payloads.happenings import ACK_NAMES, Message
from waha_simulator.sessions import Session
from waha_simulator.simulator import Manners, Simulator

Json = dict[str, Any]
Handler = Callable[[Request, Fields], Awaitable[Any]]
LEVELS = {name: level for level, name in ACK_NAMES.items() if level is not None}
STATUSES = (
    "STOPPED",
    "STARTING",
    "SCAN_QR_CODE",
    "PASSKEY_REQUIRED",
    "PASSKEY_CONFIRMATION_REQUIRED",
    "WORKING",
    "FAILED",
)
MOST_LINES = 10_000


class Control:
    """All control calls. `door` None: connections cannot be refused (the app runs without its door)."""

    def __init__(self, simulator: Simulator, door: Door | None = None) -> None:
        self.simulator = simulator
        self.door = door
        self.loads = Loads(simulator)

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/control/state", self.state),
            ("POST", "/control/reset", self.reset),
            ("POST", "/control/settings", self.change_settings),
            ("POST", "/control/drain", self.drain),
            ("POST", "/control/door/refuse", self.refuse),
            ("POST", "/control/sessions/{name}/scan", self.scan),
            ("POST", "/control/sessions/{name}/status", self.status),
            ("POST", "/control/people", self.meet),
            ("POST", "/control/customer/writes", self.customer_writes),
            ("POST", "/control/customer/reads", self.customer_reads),
            ("POST", "/control/customer/silent", self.customer_silent),
            ("POST", "/control/owner/writes", self.owner_writes),
            ("POST", "/control/owner/reads", self.owner_reads),
            ("POST", "/control/acks", self.ack),
            ("POST", "/control/load", self.load),
            ("GET", "/control/load/{number}", self.load_state),
            ("GET", "/control/faults", self.faults),
            ("POST", "/control/faults", self.set_faults),
            ("DELETE", "/control/faults", self.clear_faults),
            ("GET", "/control/ledger/webhooks", self.webhooks),
            ("GET", "/control/ledger/calls", self.calls),
        ]
        return [self._route(method, path, handler) for method, path, handler in table]

    # The world

    async def state(self, request: Request, fields: Fields) -> Json:
        simulator = self.simulator
        return {
            "sessions": [self._session_shown(session) for session in simulator.sessions.all()],
            "pending": simulator.deliveries.pending,
            "ordered": simulator.deliveries.ordered,
            "time_factor": simulator.time_factor,
            "delivers": simulator.manners.delivers,
            "delivered_after_seconds": simulator.manners.delivered_after_seconds,
            "reads_after_seconds": simulator.manners.reads_after_seconds,
            "hang_before_422_seconds": simulator.manners.hang_before_422_seconds,
            "webhook_lines": len(simulator.ledger.webhooks),
            "call_lines": len(simulator.ledger.calls),
            "calls_open": simulator.calls_open,
        }

    async def reset(self, request: Request, fields: Fields) -> Json:
        keep_sessions = fields.flag("keep_sessions", False)
        fields.nothing_else()
        await self.loads.stop()
        await self.simulator.reset(keep_sessions=keep_sessions)
        return {"reset": True}

    async def change_settings(self, request: Request, fields: Fields) -> Any:
        simulator = self.simulator
        ordered = fields.flag("ordered", simulator.deliveries.ordered)
        time_factor = fields.number("time_factor", simulator.time_factor)
        delivers = fields.flag("delivers", simulator.manners.delivers)
        hang = fields.number("hang_before_422_seconds", simulator.manners.hang_before_422_seconds)
        delivered = fields.number("delivered_after_seconds", simulator.manners.delivered_after_seconds)
        reads = simulator.manners.reads_after_seconds
        if fields.given("reads_after_seconds"):
            reads = fields.number("reads_after_seconds", 0.0)
        fields.nothing_else()
        simulator.deliveries.ordered, simulator.time_factor = ordered, time_factor
        simulator.manners = Manners(delivers, delivered, reads, hang)
        return await self.state(request, fields)

    async def drain(self, request: Request, fields: Fields) -> Json:
        """Wait until no webhook is in flight or waits for its retry."""
        seconds = fields.number("seconds", 30.0)
        fields.nothing_else()
        drained = await self.simulator.deliveries.drain(seconds)
        return {"drained": drained, "pending": self.simulator.deliveries.pending}

    async def refuse(self, request: Request, fields: Fields) -> Json:
        """The API's port refuses connections for so long; the metrics port stays open."""
        if self.door is None:
            raise ControlError(409, "this simulator runs without its door")
        seconds = fields.number("seconds", 1.0)
        fields.nothing_else()
        self.simulator.deliveries.start(self._refuse_soon(self.door, seconds))
        return {"refuses_for_seconds": seconds}

    async def _refuse_soon(self, door: Door, seconds: float) -> None:
        # The answer to this very call has to get out through the door first.
        await asyncio.sleep(0.05)
        await door.refuse(seconds)

    async def scan(self, request: Request, fields: Fields) -> Json:
        """The owner scans the QR code: the session works."""
        session = self._session(request.path_params["name"])
        account = person_from(fields) if fields.given("phone") else None
        fields.nothing_else()
        self.simulator.sessions.pair(session, account)
        return self._session_shown(session)

    async def status(self, request: Request, fields: Fields) -> Json:
        session = self._session(request.path_params["name"])
        status, data = fields.choice("status", STATUSES), fields.object("data")
        if status == "WORKING" and session.paired is None:
            raise ControlError(409, f"session {session.name} is not paired; call /control/sessions/{session.name}/scan")
        fields.nothing_else()
        self.simulator.sessions.force(session, status, data)
        return self._session_shown(session)

    async def meet(self, request: Request, fields: Fields) -> Json:
        person = person_from(fields)
        on_whatsapp = fields.flag("on_whatsapp", True)
        fields.nothing_else()
        known = self.simulator.people.meet(person)
        if person.phone:
            self.simulator.people.leave(person.phone, absent=not on_whatsapp)
        return {"phone": known.phone, "lid": known.lid, "name": known.name}

    # What people do

    async def customer_writes(self, request: Request, fields: Fields) -> Json:
        session = working_session(self.simulator, fields)
        customer = self.simulator.people.meet(person_from(fields.inside("customer")))
        message = message_from(self.simulator, session, fields, customer=customer, from_me=False)
        fields.nothing_else()
        return self._written(session, message, self._happen(self.simulator.customer_writes, session, message))

    async def owner_writes(self, request: Request, fields: Fields) -> Json:
        """We type on the phone, to a customer or into a group."""
        session = working_session(self.simulator, fields)
        given = fields.inside("customer") if fields.given("customer") else None
        customer = self.simulator.people.meet(person_from(given)) if given else None
        if customer is None and group_id(fields) is None:
            raise ControlError(400, "give a customer or a group")
        message = message_from(self.simulator, session, fields, customer=customer, from_me=True)
        fields.nothing_else()
        return self._written(session, message, self._happen(self.simulator.owner_writes, session, message))

    async def customer_reads(self, request: Request, fields: Fields) -> Json:
        session = working_session(self.simulator, fields)
        customer = self.simulator.people.meet(person_from(fields.inside("customer")))
        played, up_to = fields.flag("played", False), fields.text("up_to", None)
        fields.nothing_else()
        return {"read": self.simulator.customer_reads(session, customer, up_to=up_to, played=played)}

    async def owner_reads(self, request: Request, fields: Fields) -> Json:
        session = working_session(self.simulator, fields)
        customer = self.simulator.people.meet(person_from(fields.inside("customer")))
        fields.nothing_else()
        return {"read": self.simulator.owner_reads(session, customer)}

    async def customer_silent(self, request: Request, fields: Fields) -> Json:
        customer = person_from(fields.inside("customer"))
        silent = fields.flag("silent", True)
        fields.nothing_else()
        return {"silent": silent, "delivered": self.simulator.switch_phone(customer, silent=silent)}

    async def ack(self, request: Request, fields: Fields) -> Json:
        """One receipt by hand, of any level; in groups `reader` says whose."""
        session = working_session(self.simulator, fields)
        bare_id = fields.text("message_id")
        message = self.simulator.history.get(session.name, bare_id or "")
        if message is None:
            raise ControlError(404, f"session {session.name} has no message {bare_id}")
        reader = self.simulator.people.meet(person_from(fields.inside("reader"))) if fields.given("reader") else None
        if message.is_group and reader is None:
            raise ControlError(400, "a receipt in a group needs a reader")
        level = LEVELS[fields.choice("level", tuple(LEVELS))]
        fields.nothing_else()
        self.simulator.acknowledge(session, message, level, reader=reader)
        return {"message_id": bare_id, "level": level}

    # Load, faults, ledger

    async def load(self, request: Request, fields: Fields) -> Json:
        """N customers write M messages each, at a rate, in the background."""
        names = fields.texts("sessions") or [fields.text("session") or ""]
        sessions = [working_session(self.simulator, fields, name) for name in names]
        plan = Plan(
            sessions=sessions,
            customers=fields.integer("customers", 10),
            messages=fields.integer("messages", 10),
            per_second=fields.number("per_second", 10.0),
            seed=fields.integer("seed", 1),
            lid_share=fields.number("lid_share", 0.3),
        )
        fields.nothing_else()
        return self.loads.start(plan)

    async def load_state(self, request: Request, fields: Fields) -> Json:
        shown = self.loads.shown(request.path_params["number"])
        if shown is None:
            raise ControlError(404, "there is no such load")
        return shown

    async def faults(self, request: Request, fields: Fields) -> Json:
        return self.simulator.faults.shown()

    async def set_faults(self, request: Request, fields: Fields) -> Json:
        try:
            self.simulator.faults.set(fields.all())
        except (UnknownFaultError, TypeError, ValueError) as problem:
            raise ControlError(400, str(problem)) from problem
        return self.simulator.faults.shown()

    async def clear_faults(self, request: Request, fields: Fields) -> Json:
        self.simulator.faults.clear()
        return self.simulator.faults.shown()

    async def webhooks(self, request: Request, fields: Fields) -> Response:
        return _lines(request, self.simulator.ledger.webhooks.since)

    async def calls(self, request: Request, fields: Fields) -> Response:
        return _lines(request, self.simulator.ledger.calls.since)

    # Plumbing

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                self._check_key(request)
                fields = Fields(await _object(request))
                answer = await handler(request, fields)
            except ControlError as problem:
                return JSONResponse({"error": str(problem)}, status_code=problem.status)
            return answer if isinstance(answer, Response) else JSONResponse(answer)

        return Route(path, endpoint, methods=[method])

    def _check_key(self, request: Request) -> None:
        given = request.headers.get("x-control-key") or ""
        if not hmac.compare_digest(given.encode(), self.simulator.settings.control_key.encode()):
            raise ControlError(401, "X-Control-Key is missing or wrong")

    def _session(self, name: str) -> Session:
        session = self.simulator.sessions.get(name)
        if session is None:
            raise ControlError(404, f"there is no session {name}")
        return session

    def _happen(self, verb: Callable[[Session, Message], int], session: Session, message: Message) -> int:
        try:
            return verb(session, message)
        except ValueError as problem:
            raise ControlError(409, f"{problem}: give another seed or message_id, or reset") from problem

    def _written(self, session: Session, message: Message, seq: int) -> Json:
        me = session.paired
        return {
            "message_id": message.bare_id,
            "id": full_id(message, engine=session.engine, me=me) if me else None,
            "chat": message.chat,
            "chat_seq": seq,
            "at": message.at.isoformat(),
        }

    def _session_shown(self, session: Session) -> Json:
        return {
            "name": session.name,
            "engine": session.engine,
            "status": session.status,
            "me": me_of(session.engine, session.me),
            "messages": self.simulator.history.total(session.name),
            "webhooks": len(session.config.get("webhooks") or []),
        }


def _lines(request: Request, since: Callable[[int, int | None], list[bytes]]) -> Response:
    """JSON lines after the line number `since`, at most `limit`."""
    try:
        start = int(request.query_params.get("since") or 0)
        limit = min(int(request.query_params.get("limit") or MOST_LINES), MOST_LINES)
    except ValueError as problem:
        raise ControlError(400, "since and limit are numbers") from problem
    lines = since(start, limit)
    return Response(b"".join(line + b"\n" for line in lines), media_type="application/x-ndjson")


async def _object(request: Request) -> Json:
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as problem:
        raise ControlError(400, "the body is not JSON") from problem
    if not isinstance(body, dict):
        raise ControlError(400, "the body is not an object")
    return body
