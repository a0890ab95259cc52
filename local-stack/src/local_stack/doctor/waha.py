"""WAHA: it answers, our key opens it, and what it signs is what the door of the webhooks expects."""

import hashlib
import hmac
from typing import Any

import httpx

from local_stack.doctor.finding import Finding, Of, in_words, make
from local_stack.instances import Instance
from local_stack.process_table import SERVICES, SIMULATOR, service_environment, url

WAHA = Of("waha")
WEBHOOKS = Of("webhooks")
# Signed like a webhook and not one: the door looks at the signature first, then finds no JSON and keeps nothing.
_NOT_JSON = b"a checkup, not a webhook"
_GENUINE, _FORGED = "malformed_json", "signature_invalid"


async def examine(instance: Instance) -> list[Finding]:
    """Call it as channel-gateway does, then be it for a moment."""
    service = next(one for one in SERVICES if one.name == "channel-gateway")
    environment = service_environment(instance, service)
    address, key = environment["WAHA_BASE_URL"], environment.get("WAHA_API_KEY", "")
    ours = address == url(instance, "simulator")
    repair = make(instance, f"logs SERVICE={SIMULATOR}") if ours else "is WAHA_BASE_URL right, and does it run?"
    async with httpx.AsyncClient(base_url=address, headers={"X-Api-Key": key}, timeout=10, trust_env=False) as client:
        try:
            ping = await client.get("/ping")
            version = await client.get("/api/server/version")
            sessions = await client.get("/api/sessions", params={"all": "true"})
        except httpx.HTTPError as error:
            return [WAHA.fail(f"does not answer at {address}: {type(error).__name__}", repair)]
    if 401 in (version.status_code, sessions.status_code):
        return [WAHA.fail(f"refuses our key at {address}", "set WAHA_API_KEY to the key of that server")]
    if not (ping.is_success and version.is_success and sessions.is_success):
        codes = f"{ping.status_code}, {version.status_code}, {sessions.status_code}"
        return [WAHA.fail(f"answered ping, version, sessions with {codes}", repair)]
    about = version.json()
    name = "the simulator" if ours else address
    found = [WAHA.ok(f"{name} answers: WAHA {about.get('version')}, engine {about.get('engine')}")]
    return [*found, await _webhooks(environment["WEBHOOK_BASE_URL"], sessions.json())]


async def _webhooks(base: str, sessions: list[dict[str, Any]]) -> Finding:
    """Every session that posts to our door signs as the door expects: shown by a body that is refused only after that."""
    door = f"{base.rstrip('/')}/api/v1/webhooks/"
    told, wrong = 0, []
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        for session in sessions:
            for hook in (session.get("config") or {}).get("webhooks") or []:
                if not str(hook.get("url")).startswith(door):
                    continue
                told += 1
                if reason := await _refused(client, hook["url"], (hook.get("hmac") or {}).get("key") or ""):
                    wrong.append(f"session {session.get('name')}: {reason}")
    if wrong:
        repair = "activate the channel again: that gives WAHA its webhook's address and key"
        return WEBHOOKS.fail(in_words(wrong), repair)
    if not told:
        return WEBHOOKS.ok("no session posts here yet: `make demo` connects one")
    return WEBHOOKS.ok(f"sessions that post here: {told}, signed as the door expects; forged ones are refused")


async def _refused(client: httpx.AsyncClient, address: str, key: str) -> str:
    """Return what is wrong with one webhook, or nothing."""
    signature = hmac.new(key.encode(), _NOT_JSON, hashlib.sha512).hexdigest()
    for sent, expected in ((signature, _GENUINE), ("0" * len(signature), _FORGED)):
        headers = {"content-type": "application/json", "x-webhook-hmac": sent, "x-webhook-hmac-algorithm": "sha512"}
        try:
            answer = await client.post(address, content=_NOT_JSON, headers=headers)
            code = answer.json().get("code")
        except (httpx.HTTPError, ValueError) as error:
            return f"the door does not answer ({type(error).__name__})"
        if code != expected:
            return {
                "not_found": "its channel is gone",
                _FORGED: "WAHA signs with another key",
                _GENUINE: "the door takes forged ones",
            }.get(code, f"answered {answer.status_code} {code}")
    return ""
