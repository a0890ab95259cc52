"""WAHA's sessions over its API: look, open, configure, start, stop. A PUT replaces the whole configuration: guide 15.1."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from channel_gateway.adapters.waha.addresses import address
from channel_gateway.adapters.waha.client import HttpAnswer, WahaClient
from channel_gateway.adapters.waha.reading import fold, line
from channel_gateway.adapters.waha.send_answers import answer_of
from channel_gateway.application.messenger import CallFailed, Server, Session, Webhook
from channel_gateway.domain.webhook_wishes import EVENTS, RETRY_ATTEMPTS, RETRY_DELAY_S, RETRY_POLICY

RETRIES: Mapping[str, Any] = {"policy": RETRY_POLICY, "delaySeconds": RETRY_DELAY_S, "attempts": RETRY_ATTEMPTS}


class WahaSessions:
    """The session calls. Everything raises CallFailed."""

    def __init__(self, client: WahaClient) -> None:
        self._client = client

    async def session(self, server: Server) -> Session | None:
        """Return the channel's session, None where there is none."""
        answer = await self._client.call(server, "GET", f"/api/sessions/{quote(server.session)}")
        if answer.status == 404 and "session" in answer_of(answer).words.lower():
            return None
        body = fold(_succeeded(answer).body)
        config = body.get("config")
        return Session(
            status=(line(body.get("status"), 100) or "UNKNOWN").upper(),
            own_number=address(fold(body.get("me")).get("id")),
            engine=(line(fold(body.get("engine")).get("engine"), 50) or "").upper() or None,
            config=config if isinstance(config, dict) else {},
        )

    async def open_session(self, server: Server, webhook: Webhook) -> None:
        """Create and start the session, with our webhook, without stories and lists, with a history on NOWEB."""
        config = {
            "metadata": {"channel_id": webhook.channel_id},
            "webhooks": [webhook_of(webhook)],
            "ignore": {"status": True, "broadcast": True, "channels": True},
            "noweb": {"store": {"enabled": True, "fullSync": False}},
            "webjs": {"tagsEventsOn": True},
        }
        body = {"name": server.session, "start": True, "config": config}
        _succeeded(await self._client.call(server, "POST", "/api/sessions", body=body))

    async def configure(self, server: Server, session: Session, webhook: Webhook) -> bool:
        """Let the session know our webhook, keeping its other settings; False where it does already."""
        config = configured(session.config, webhook)
        if config == session.config:
            return False
        body = {"name": server.session, "config": config}
        _succeeded(await self._client.call(server, "PUT", f"/api/sessions/{quote(server.session)}", body=body))
        return True

    async def start(self, server: Server) -> None:
        """Start the session."""
        await self._tell(server, "start")

    async def restart(self, server: Server) -> None:
        """Stop and start the session; its pairing stays."""
        await self._tell(server, "restart")

    async def stop(self, server: Server) -> None:
        """Stop the session; its pairing stays. One that is not there has stopped."""
        answer = await self._client.call(server, "POST", f"/api/sessions/{quote(server.session)}/stop", body={})
        if answer.status != 404:
            _succeeded(answer)

    async def _tell(self, server: Server, verb: str) -> None:
        _succeeded(await self._client.call(server, "POST", f"/api/sessions/{quote(server.session)}/{verb}", body={}))


def webhook_of(webhook: Webhook) -> dict[str, Any]:
    """Return the webhook as WAHA's configuration has it."""
    return {
        "url": webhook.url,
        "events": list(EVENTS),
        "hmac": {"key": webhook.key},
        "retries": dict(RETRIES),
        "customHeaders": None,
    }


def configured(config: Mapping[str, Any], webhook: Webhook) -> dict[str, Any]:
    """Return the whole configuration with our webhook in it once; the same one where it was right already.

    More events than ours, and other webhooks, are somebody's wish and stay.
    """
    webhooks = config.get("webhooks")
    present = [each for each in webhooks if isinstance(each, dict)] if isinstance(webhooks, list) else []
    ours = [each for each in present if each.get("url") == webhook.url]
    if len(ours) == 1 and _is_right(ours[0], webhook):
        return dict(config)
    others = [each for each in present if each.get("url") != webhook.url]
    return {**config, "webhooks": [*others, webhook_of(webhook)]}


def _is_right(present: Mapping[str, Any], webhook: Webhook) -> bool:
    events = present.get("events")
    told = set(events) if isinstance(events, list) else set()
    key = (present.get("hmac") or {}).get("key")
    return set(EVENTS) <= told and "message" not in told and key == webhook.key and present.get("retries") == RETRIES


def _succeeded(answer: HttpAnswer) -> HttpAnswer:
    if not answer.succeeded:
        raise CallFailed(answer_of(answer))
    return answer
