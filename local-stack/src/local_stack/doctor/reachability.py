"""The webhooks' door, at the address that WAHA is told: somebody is there, takes nothing unsigned, and sends nobody elsewhere."""

import ipaddress
import uuid
from urllib.parse import urlsplit

import httpx

from local_stack.doctor.finding import Finding, Of, make
from local_stack.instances import Instance
from local_stack.process_table import SERVICES, service_environment

DOOR = Of("webhooks")


async def examine(instance: Instance) -> list[Finding]:
    """Post what nobody signed, for a channel that nobody has: refused by the door itself, or the door is not there."""
    service = next(one for one in SERVICES if one.name == "channel-gateway")
    environment = service_environment(instance, service)
    base, waha = environment["WEBHOOK_BASE_URL"].rstrip("/"), environment["WAHA_BASE_URL"]
    address = f"{base}/api/v1/webhooks/{uuid.uuid4()}"
    async with httpx.AsyncClient(timeout=10, trust_env=False, follow_redirects=False) as client:
        try:
            answer = await client.post(address, content=b"{}", headers={"content-type": "application/json"})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            told = f"nobody answers at {base}, which is what WAHA is told ({type(error).__name__})"
            return [DOOR.fail(told, f"look at WEBHOOK_BASE_URL, and {make(instance, 'logs SERVICE=channel-gateway')}")]
    if answer.is_redirect:
        told = f"{base} redirects to {answer.headers['location'][:200]}: a POST that follows loses its body"
        return [DOOR.fail(told, "set WEBHOOK_BASE_URL to where it leads, and activate the channels again")]
    if answer.status_code not in (401, 404) or "problem+json" not in answer.headers.get("content-type", ""):
        told = (
            f"{base} answers an unsigned webhook of nobody's channel with {answer.status_code}, which our door does not"
        )
        return [DOOR.fail(told, "set WEBHOOK_BASE_URL to an address of channel-gateway, or of what forwards to it")]
    if _is_here(base) and not _is_here(waha):
        told = f"WAHA at {waha} is told {base}, and looks for it on its own machine"
        return [DOOR.warn(told, "set WEBHOOK_BASE_URL to an address at which WAHA reaches this machine")]
    return [DOOR.ok(f"the door is at {base}, and refuses what is not signed")]


def _is_here(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
