"""The envelope around every webhook, with the keys that differ by engine."""

from datetime import datetime

from waha_simulator.draws import digest, ulid
from waha_simulator.payloads.happenings import Json, Person, jid

ENGINES = ("GOWS", "NOWEB", "WEBJS", "WPP")
DEFAULT_VERSION = "2026.7.1"
BROWSERS = {"WEBJS": "/usr/bin/chromium", "WPP": "/usr/bin/chromium"}


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def environment(engine: str, version: str) -> Json:
    """What WAHA says about itself, in webhooks and in `GET /api/server/version`."""
    return {
        "version": version,
        "engine": engine,
        "tier": "CORE",
        "browser": BROWSERS.get(engine),
        "platform": "linux/x64",
        "worker": {"id": None},
    }


def me_of(engine: str, me: Person | None) -> Json | None:
    """The own account: GOWS tells lid and jid, NOWEB and WPP the lid, WEBJS neither; null while not connected."""
    if me is None:
        return None
    own: Json = {"id": me.phone_id, "pushName": me.name}
    if engine != "WEBJS":
        own["lid"] = me.lid_id
    if engine == "GOWS":
        own["jid"] = jid(me.phone_id, me.device)
    return own


def envelope(
    *,
    engine: str,
    event: str,
    session: str,
    me: Person | None,
    payload: Json,
    emitted_at: datetime,
    metadata: dict[str, str] | None = None,
    version: str = DEFAULT_VERSION,
    event_id: str | None = None,
) -> Json:
    """A whole webhook body. `emitted_at` is when WAHA made it, later than WhatsApp's own time in the payload.

    Without `event_id` the id follows from the content, so that equal inputs give equal bodies.
    """
    at = milliseconds(emitted_at)
    body: Json = {
        "id": event_id or f"evt_{ulid(at, session, event, digest(payload).hex())}",
        "timestamp": at,
        "event": event,
        "session": session,
        "metadata": metadata or {},
        "me": me_of(engine, me),
        "payload": payload,
    }
    # No capture of GOWS has the engine at the top level; readers must take it from the environment.
    if engine != "GOWS":
        body["engine"] = engine
    body["environment"] = environment(engine, version)
    return body
