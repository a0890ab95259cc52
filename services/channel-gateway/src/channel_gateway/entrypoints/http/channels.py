"""Channels over HTTP: list, connect, read, change, remove; how to reach their door, and what came through it.

What changes a channel looks up host names first, so these routes open their transaction themselves, afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Response
from kernel.errors import DomainError, FieldError
from outbox.work import UnitOfWork, Works
from postgres.listing import Listing
from web.auditing import TheTrail
from web.bodies import Id, PathId, Time
from web.caller import Caller, TheCaller, TheProject
from web.etags import IfMatch
from web.paging import AnyOf, ListAnswer, Paging, paging
from web.routes import Routes
from web.works import Work

from channel_gateway.application.change_channel import change_channel as change
from channel_gateway.application.connect_channel import Connection, connect_channel
from channel_gateway.application.remove_channel import remove_channel
from channel_gateway.application.work import Row
from channel_gateway.application.work import Work as ChannelWork
from channel_gateway.domain.channel import STATUSES, TYPES, WAHA, refuse_unavailable_type
from channel_gateway.domain.outgoing_addresses import OutgoingAddresses
from channel_gateway.domain.webhook_wishes import EVENTS, RETRY_ATTEMPTS, RETRY_DELAY_S, RETRY_POLICY
from channel_gateway.entrypoints.http.schemas import (
    ChannelAnswer,
    ChannelChange,
    ConnectedChannel,
    DeliveryAnswer,
    NewChannel,
    Settings,
    WahaConfig,
    WahaConfigChange,
    WebhookRetries,
    WebhookUrlAnswer,
    channel_answer,
    connected_channel,
)

STATES = ("applied", "duplicate", "ignored", "kept", "parked")
BASE_URL = "/waha_config/base_url"


@dataclass(frozen=True)
class Surroundings:
    """What the routes of channels need beyond a transaction. `changed` is called after each change has committed."""

    works: Works
    work_of: Callable[[UnitOfWork], ChannelWork]
    addresses: OutgoingAddresses
    webhook_base_url: str
    changed: Callable[[], None]
    channels: Listing
    deliveries: Listing
    readable: Callable[[Row], Row]

    def webhook_url(self, row: Row) -> str:
        """Return where the provider sends a channel's webhooks."""
        return f"{self.webhook_base_url}/api/v1/webhooks/{row['webhook_id']}"

    def answer(self, row: Row) -> ChannelAnswer:
        """Return the answer for a row."""
        return channel_answer(row, self.webhook_url(row))


def channel_routes(around: Surroundings) -> Routes:
    """Return the routes of channels."""
    routes = Routes("channels")
    _reading(routes, around)
    _changing(routes, around)
    return routes


def _reading(routes: Routes, around: Surroundings) -> None:
    async def the_channel(work: UnitOfWork, caller: Caller, channel_id: str) -> Row:
        row = await around.work_of(work).channels.get(caller.tenant_id, channel_id, caller.project_id)
        if row is None:
            raise DomainError("not_found", "there is no such channel")
        return row

    @routes.get("/crm/channels", permission="channels.view")
    async def list_channels(
        work: Work,
        caller: TheCaller,
        project_id: TheProject,
        page: Annotated[Paging, paging(around.channels, sort="-created_at")],
        type: Annotated[list[str] | None, Query(), AnyOf(*TYPES)] = None,
        status: Annotated[list[str] | None, Query(), AnyOf(*STATUSES)] = None,
        active: Annotated[bool | None, Query()] = None,
        pipeline_id: Annotated[Id | None, Query()] = None,
    ) -> ListAnswer[ChannelAnswer]:
        """List channels, newest first."""
        return await page.answer(
            work.connection,
            caller.tenant_id,
            project_id,
            wanted={"type": type, "status": status, "active": active, "pipeline_id": pipeline_id},
            item=lambda row: around.answer(around.readable(row)),
        )

    @routes.get("/crm/channels/{channel_id}", permission="channels.view")
    async def get_channel(channel_id: PathId, work: Work, caller: TheCaller) -> ChannelAnswer:
        """Read one channel."""
        return around.answer(await the_channel(work, caller, channel_id))

    @routes.get("/crm/channels/{channel_id}/webhook-url", permission="channels.view")
    async def get_webhook_url(channel_id: PathId, work: Work, caller: TheCaller) -> WebhookUrlAnswer:
        """Say what the provider must be told."""
        row = await the_channel(work, caller, channel_id)
        return webhook_url_answer(row, around.webhook_url(row))

    @routes.get("/crm/channels/{channel_id}/deliveries", permission="channels.manage")
    async def list_deliveries(
        channel_id: PathId,
        work: Work,
        caller: TheCaller,
        page: Annotated[Paging, paging(around.deliveries, sort="-received_at")],
        state: Annotated[list[str] | None, Query(), AnyOf(*STATES)] = None,
        provider_event: Annotated[list[str] | None, Query(), AnyOf()] = None,
        received_after: Annotated[Time | None, Query()] = None,
        received_before: Annotated[Time | None, Query()] = None,
    ) -> ListAnswer[DeliveryAnswer]:
        """List the raw deliveries of the last days, newest first."""
        row = await the_channel(work, caller, channel_id)
        wanted = {
            "state": state,
            "provider_event": provider_event,
            "received_after": received_after,
            "received_before": received_before,
        }
        return await page.answer(
            work.connection, caller.tenant_id, str(row["id"]), wanted=wanted, item=DeliveryAnswer.of
        )


def _changing(routes: Routes, around: Surroundings) -> None:
    @routes.post("/crm/channels", permission="channels.manage", status=201, secret_answer=True)
    async def create_channel(
        body: NewChannel, caller: TheCaller, project_id: TheProject, response: Response, trail: TheTrail
    ) -> ConnectedChannel:
        """Connect a channel. The key for its webhooks is in this answer and in no other."""
        refuse_unavailable_type(body.type)
        if body.project_id not in (None, project_id):
            raise DomainError("not_found", "there is no such project")
        waha = _waha_of(body)
        connection = Connection(
            base_url=await around.addresses.checked(waha.base_url, BASE_URL),
            session=waha.session_id,
            secret=_the_secret(waha) or "",
            import_strategy=waha.import_strategy,
        )
        settings = {**_settings_of(body, every=True), "name": body.name, "type": body.type}
        async with around.works.begin([caller.tenant_id], caller.projects) as work, trail.around(work):
            row, secret = await connect_channel(
                settings, connection, project_id=project_id, by=caller.cause, work=around.work_of(work)
            )
            trail.about(str(row["id"]))
        around.changed()
        response.headers["Location"] = f"/api/v1/crm/channels/{row['id']}"
        return connected_channel(row, around.webhook_url(row), secret)

    @routes.patch("/crm/channels/{channel_id}", permission="channels.manage")
    async def change_channel(
        channel_id: PathId, body: ChannelChange, caller: TheCaller, expected: IfMatch, trail: TheTrail
    ) -> ChannelAnswer:
        """Change some fields of a channel. A secret is replaced and never read."""
        changes = _settings_of(body, every=False)
        if "name" in body.model_fields_set:
            changes["name"] = body.name
        waha = body.waha_config
        given = waha.given()
        if "base_url" in given:
            changes["base_url"] = await around.addresses.checked(waha.base_url, BASE_URL)
        if "session_id" in given:
            changes["provider_session"] = waha.session_id
        if "import_strategy" in given:
            changes["import_strategy"] = waha.import_strategy
        secret = _the_secret(waha)
        if secret is not None:
            trail.changed("secret", None, "replaced")
        async with around.works.begin([caller.tenant_id], caller.projects) as work, trail.around(work):
            row = await change(
                channel_id,
                changes,
                secret,
                project_id=caller.project_id,
                expected_version=expected,
                by=caller.cause,
                work=around.work_of(work),
            )
        around.changed()
        return around.answer(row)

    @routes.delete("/crm/channels/{channel_id}", permission="channels.manage")
    async def delete_channel(channel_id: PathId, caller: TheCaller, expected: IfMatch, trail: TheTrail) -> None:
        """Remove a channel: its webhook is unknown from now on, its secrets are destroyed."""
        async with around.works.begin([caller.tenant_id], caller.projects) as work, trail.around(work):
            await remove_channel(
                channel_id,
                project_id=caller.project_id,
                expected_version=expected,
                by=caller.cause,
                work=around.work_of(work),
            )
        around.changed()


def webhook_url_answer(row: Row, webhook_url: str) -> WebhookUrlAnswer:
    """Return what the provider must be told to reach a channel's door."""
    return WebhookUrlAnswer(
        channel_id=str(row["id"]),
        channel_name=row["name"],
        channel_type=row["type"],
        webhook_id=str(row["webhook_id"]),
        webhook_url=webhook_url,
        events=list(EVENTS),
        hmac_algorithm="sha512",
        retries=WebhookRetries(policy=RETRY_POLICY, attempts=RETRY_ATTEMPTS, delay_seconds=RETRY_DELAY_S),
        instructions={
            "url": "Set webhook_url as the url of a webhook in the session's config, exactly as it is here.",
            "events": "Subscribe to these events only: `message` beside `message.any` delivers everything twice.",
            "hmac": "Set the channel's webhook secret, shown once on creation, as hmac.key of that webhook.",
            "retries": "Set these retries: they cover about 36 hours in which nobody answers.",
        },
    )


def _waha_of(body: NewChannel) -> WahaConfig:
    for name in ("whatsapp_config", "telegram_config"):
        if getattr(body, name) is not None:
            raise _invalid(f"/{name}", "not_allowed", f"not of a channel of type {WAHA}")
    if body.waha_config is None:
        raise _invalid("/waha_config", "missing", "required")
    if not body.waha_config.api_key and not body.waha_config.token:
        raise _invalid("/waha_config/api_key", "missing", "an api_key or token is required")
    return body.waha_config


def _the_secret(waha: WahaConfig | WahaConfigChange) -> str | None:
    if waha.api_key and waha.token:
        raise _invalid("/waha_config/token", "not_allowed", "an api_key or a token, not both")
    return waha.api_key or waha.token or None


def _settings_of(body: Settings, *, every: bool) -> dict[str, Any]:
    """Return the settings by their columns: all of them, or those that were sent."""
    sent = body.model_fields_set
    names = [name for name in Settings.model_fields if every or name in sent]
    found: dict[str, Any] = {name: getattr(body, name) for name in names}
    other = found.pop("session_timeout_minutes", None)
    if "session_timeout_minutes" in sent:
        if "default_session_timeout_minutes" in sent:
            raise _invalid("/session_timeout_minutes", "not_allowed", "another name of default_session_timeout_minutes")
        found["default_session_timeout_minutes"] = other
    if "pace" in found:
        found["pace"] = body.pace.given()
    if "ai_content" in found:
        found["ai_content"] = {kind: each.given() for kind, each in body.ai_content.items()}
    return found


def _invalid(pointer: str, code: str, detail: str) -> DomainError:
    return DomainError("validation_failed", "1 field needs attention", fields=(FieldError(pointer, code, detail),))
