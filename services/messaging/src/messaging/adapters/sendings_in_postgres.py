"""Messages of ours in Postgres, set-based: how they are queued, what they are called, how far they have come."""

from collections.abc import Collection, Sequence
from typing import Any

from postgres.database import Connection

from messaging.adapters import sending_rows as rows
from messaging.application.work import Early, MessageKey
from messaging.domain.outcome import MessageId, Twin
from messaging.domain.outgoing import Outgoing
from messaging.domain.progress import Tracked
from messaging.domain.sending_rules import Quoted
from messaging.domain.steps import Step, first_step


class SendingsInPostgres:
    """The rows of messages of ours, and the steps that they took."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def known(self, ids: Collection[MessageId]) -> set[MessageId]:
        """Return which messages exist already."""
        found = await self._connection.fetch(rows.KNOWN, *_columns(ids))
        return {(tenant, message) for tenant, message in found}

    async def add(self, messages: Sequence[Outgoing]) -> set[MessageId]:
        """Store messages with their first step; return which were new."""
        steps = _columns([_step_row(first_step(message)) for message in messages])
        found = await self._connection.fetch(
            rows.ADD, *_columns([_new_row(message) for message in messages]), *steps[2:]
        )
        return {(tenant, message) for tenant, message in found}

    async def quoted(self, ids: Collection[MessageId]) -> dict[MessageId, Quoted]:
        """Return the messages that new ones answer."""
        found = await self._connection.fetch(rows.QUOTED, *_columns(ids))
        return {(tenant, quoted[0]): Quoted(*quoted) for tenant, *quoted in found}

    async def by_id(self, ids: Collection[MessageId]) -> list[Tracked]:
        """Return messages, locked until the transaction ends."""
        return [Tracked(*row) for row in await self._connection.fetch(rows.BY_ID, *_columns(ids))]

    async def by_provider_id(self, keys: Collection[MessageKey]) -> list[Tracked]:
        """Return the messages that the provider calls so, locked likewise."""
        return [Tracked(*row) for row in await self._connection.fetch(rows.BY_PROVIDER_ID, *_columns(keys))]

    async def take_early(self, messages: Sequence[Tracked]) -> list[tuple[MessageId, Early]]:
        """Take out the receipts that came before these messages had a name; answers that quote them find them now."""
        named = [
            (message.tenant_id, message.id, message.channel_id, message.provider_message_id) for message in messages
        ]
        found = await self._connection.fetch(rows.TAKE_EARLY, *_columns(named))
        return [((tenant, message_id), (level, acked_at)) for tenant, message_id, level, acked_at in found]

    async def merge(self, twins: Sequence[Twin]) -> None:
        """Remove messages that turned out to be others of ours; whatever pointed at them points at those."""
        pairs = _columns([(twin.message.tenant_id, twin.message.id, twin.echo.id) for twin in twins])
        for statement in rows.MERGE:
            await self._connection.execute(statement, *pairs)

    async def rise(self, messages: Collection[Tracked], steps: Sequence[Step]) -> None:
        """Store statuses, never backwards, names, and receipts that came too late, with the steps that led there."""
        risen = _columns([_risen_row(message) for message in messages])
        await self._connection.execute(rows.RISE, *risen, *_step_columns(steps))

    async def note(self, steps: Sequence[Step]) -> None:
        """Store steps that change no status."""
        await self._connection.execute(rows.NOTE, *_step_columns(steps))

    async def ask_to_cancel(self, message: Tracked) -> bool:
        """Note that somebody wants a message cancelled; tell whether they are the first."""
        return await self._connection.fetchval(rows.ASK_TO_CANCEL, message.tenant_id, message.id) is not None


def _new_row(message: Outgoing) -> tuple[Any, ...]:
    wish, chat, content, refusal = message.wish, message.chat, message.wish.content, message.refusal
    return (
        wish.tenant_id,
        wish.message_id,
        chat.project_id,
        chat.id,
        chat.channel_id,
        chat.channel_type,
        chat.contact_id,
        message.session_id,
        wish.sender_kind,
        wish.sender_id,
        wish.source,
        content.kind,
        content.text,
        content.media.id if content.media else None,
        content.details,
        content.unsupported_kind,
        wish.reply_to_message_id,
        message.status,
        message.sequence,
        message.queued_at,
        wish.priority,
        message.expires_at,
        wish.metadata,
        wish.retry_of_id,
        refusal.code if refusal else None,
        refusal.detail if refusal else None,
    )


def _risen_row(message: Tracked) -> tuple[Any, ...]:
    times = [
        message.times.get(status)
        for status in ("unknown", "sent", "delivered", "read", "played", "failed", "cancelled")
    ]
    failure = message.failure
    return (
        message.tenant_id,
        message.id,
        message.status,
        message.provider_message_id,
        message.provider_message_ref,
        *times,
        failure.code if failure else None,
        failure.message if failure else None,
        message.late_ack,
        message.late_ack_at,
    )


def _step_row(step: Step) -> tuple[Any, ...]:
    return (step.tenant_id, step.message_id, step.event_id, step.name, step.status, step.at, step.detail)


def _step_columns(steps: Sequence[Step]) -> list[list[Any]]:
    return _columns([_step_row(step) for step in steps]) or [[] for _ in range(rows.STEP_COLUMNS)]


def _columns(values: Collection[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*values, strict=True)]
