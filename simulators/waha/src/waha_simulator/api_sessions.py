"""Sessions over HTTP: create, list, read, replace, delete, start, stop, restart, log out, pair."""

import base64
import re
import struct
import zlib
from typing import Any

from waha_simulator import answers
from waha_simulator.api_calls import Api, Call, Endpoint, Json
from waha_simulator.api_requests import Answer, ApiRoute
from waha_simulator.draws import digest, ulid
from waha_simulator.payloads import ENGINES, me_of
from waha_simulator.sessions import ALIVE, Session

NAME = re.compile(r"^[a-zA-Z0-9_-]*$")
NAME_LENGTH = 54
# What WAHA 2026.7.1 knows; another name is a 400.
EVENTS = frozenset(
    (
        "session.status",
        "message",
        "message.any",
        "message.reaction",
        "message.ack",
        "message.ack.group",
        "message.waiting",
        "message.edited",
        "message.revoked",
        "state.change",
        "group.join",
        "group.leave",
        "group.v2.join",
        "group.v2.leave",
        "group.v2.update",
        "group.v2.participants",
        "presence.update",
        "poll.vote",
        "poll.vote.failed",
        "chat.archive",
        "call.received",
        "call.accepted",
        "call.rejected",
        "label.upsert",
        "label.deleted",
        "label.chat.added",
        "label.chat.deleted",
        "event.response",
        "event.response.failed",
        "engine.event",
        "*",
    )
)
CONFIG_KEYS = ("metadata", "proxy", "debug", "ignore", "client", "noweb", "gows", "webjs", "webhooks")
WEBHOOK_KEYS = ("url", "events", "hmac", "retries", "customHeaders")
POLICIES = ("constant", "linear", "exponential")


async def create(call: Call) -> Answer:
    name = call.body.get("name") or f"session_{ulid(0, call.simulator.settings.seed, len(call.simulator.ledger.calls))}"
    if not isinstance(name, str) or not NAME.match(name):
        raise answers.validation("name must match /^[a-zA-Z0-9_-]*$/ regular expression")
    if len(name) > NAME_LENGTH:
        raise answers.validation(f"name must be shorter than or equal to {NAME_LENGTH} characters")
    config = _config(call.body)
    call.session_name = name
    sessions = call.simulator.sessions
    if sessions.get(name) is not None:
        raise answers.unprocessable(f"Session '{name}' already exists. Use PUT to update it.")
    asked = call.query("engine")
    if asked is not None and asked not in ENGINES:
        raise answers.validation(f"engine must be one of the following values: {', '.join(ENGINES)}")
    session = sessions.create(name, config, sessions.engine_for(config, asked))
    # The documentation says that start defaults to true; the code takes a missing value as false.
    if call.body.get("start") is True:
        sessions.start(session)
    return Answer(201, shown(session))


async def list_all(call: Call) -> Answer:
    everything = call.query("all") == "true"
    chosen = [s for s in call.simulator.sessions.all() if everything or s.status != "STOPPED"]
    return Answer(200, [shown(session) for session in chosen])


async def get(call: Call) -> Answer:
    return Answer(200, shown(call.session()))


async def replace(call: Call) -> Answer:
    """PUT takes the full configuration: what is missing is gone."""
    session = call.session()
    call.simulator.sessions.configure(session, _config(call.body))
    return Answer(200, shown(session))


async def delete(call: Call) -> Answer:
    session = call.simulator.sessions.get(call.request.path_params["session"])
    call.session_name = call.request.path_params["session"]
    if session is not None:
        call.simulator.sessions.delete(session)
        call.simulator.history.forget(session.name)
    return Answer(200, None)


async def start(call: Call) -> Answer:
    session = call.session()
    if session.status not in ALIVE:
        call.simulator.sessions.start(session)
    return Answer(201, shown(session))


async def stop(call: Call) -> Answer:
    session = call.session()
    call.simulator.sessions.stop(session)
    return Answer(201, shown(session))


async def restart(call: Call) -> Answer:
    session = call.session()
    call.simulator.sessions.stop(session)
    call.simulator.sessions.start(session)
    return Answer(201, shown(session))


async def logout(call: Call) -> Answer:
    session = call.session()
    call.simulator.sessions.logout(session)
    call.simulator.history.forget(session.name)
    return Answer(201, shown(session))


async def me(call: Call) -> Answer:
    session = call.session()
    return Answer(200, me_of(session.engine, session.me))


async def qr(call: Call) -> Answer:
    session = call.session()
    if session.status != "SCAN_QR_CODE":
        raise answers.wrong_status(session.name, session.status, "SCAN_QR_CODE")
    if call.query("format") == "raw":
        return Answer(200, {"value": session.qr_value})
    image = picture(session.qr_value)
    if "application/json" in (call.request.headers.get("accept") or ""):
        return Answer(200, {"mimetype": "image/png", "data": base64.b64encode(image).decode()})
    return Answer(200, image, "image/png")


def shown(session: Session) -> Json:
    return {
        "name": session.name,
        "status": session.status,
        "config": session.config,
        "me": me_of(session.engine, session.me),
        "engine": {"engine": session.engine},
        "timestamps": {"activity": session.statuses[-1][1] if session.statuses else None},
    }


def picture(value: str) -> bytes:
    """A PNG that looks like a QR code of this value; no phone can read it."""
    side, scale = 33, 6
    bits = b"".join(digest(value, row) for row in range(side))
    rows = []
    for row in range(side):
        cells = [_finder(row, column, side) for column in range(side)]
        line = [
            cell if cell is not None else bits[row * 64 + column // 8] >> column % 8 & 1
            for column, cell in enumerate(cells)
        ]
        pixels = b"".join((b"\x00" if dark else b"\xff") * scale for dark in line)
        rows += [b"\x00" + pixels] * scale
    size = struct.pack(">IIBBBBB", side * scale, side * scale, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", size), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _finder(row: int, column: int, side: int) -> int | None:
    """The squares in three corners; None elsewhere."""
    for top, left in ((0, 0), (0, side - 7), (side - 7, 0)):
        if top <= row < top + 7 and left <= column < left + 7:
            ring = max(abs(row - top - 3), abs(column - left - 3))
            return int(ring != 2)
    return None


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _config(body: Json) -> Json:
    """The configuration as WAHA keeps it: unknown keys are dropped silently, wrong values are a 400."""
    config = body.get("config") or {}
    if not isinstance(config, dict):
        raise answers.validation("config must be an object")
    kept = {key: config[key] for key in CONFIG_KEYS if key in config}
    problems: list[str] = []
    if "webhooks" in kept:
        webhooks = kept["webhooks"] or []
        kept["webhooks"] = [_webhook(index, webhook, problems) for index, webhook in enumerate(webhooks)]
    metadata = kept.get("metadata") or {}
    if not isinstance(metadata, dict) or any(not isinstance(value, str) for value in metadata.values()):
        problems.append("config.metadata must be a map of strings")
    if problems:
        raise answers.validation(*problems)
    return kept


def _webhook(index: int, webhook: Any, problems: list[str]) -> Json:
    where = f"config.webhooks.{index}"
    if not isinstance(webhook, dict):
        problems.append(f"{where} must be an object")
        return {}
    if not isinstance(webhook.get("url"), str) or not webhook["url"].startswith(("http://", "https://")):
        problems.append(f"{where}.url must be a URL address")
    events = webhook.get("events")
    if not isinstance(events, list) or not events:
        problems.append(f"{where}.events should not be empty")
        events = []
    problems += [f"{where}.events: unknown event {event}" for event in events if event not in EVENTS]
    policy = (webhook.get("retries") or {}).get("policy")
    if policy is not None and policy not in POLICIES:
        problems.append(f"{where}.retries.policy must be one of the following values: {', '.join(POLICIES)}")
    return {key: webhook.get(key) for key in WEBHOOK_KEYS}


def routes(api: Api) -> list[ApiRoute[Endpoint]]:
    one = "/api/sessions/{session}"
    return [
        api.route("/api/sessions", create, "POST"),
        api.route("/api/sessions", list_all),
        api.route(one, get),
        api.route(one, replace, "PUT"),
        api.route(one, delete, "DELETE"),
        api.route(f"{one}/start", start, "POST"),
        api.route(f"{one}/stop", stop, "POST"),
        api.route(f"{one}/restart", restart, "POST"),
        api.route(f"{one}/logout", logout, "POST"),
        api.route(f"{one}/me", me),
        api.route("/api/{session}/auth/qr", qr),
    ]
