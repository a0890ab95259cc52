"""What rules did, in Postgres. Set-based: the tenant travels with every row, and rows are sorted by key before they are written."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from postgres.database import Connection
from postgres.listing import Listing

from pipeline_automation.application.automation import Refusal
from pipeline_automation.domain.execution import KEPT, MISSES_KEPT, Execution, state_of
from pipeline_automation.domain.heard import Heard
from pipeline_automation.domain.loop_guard import (
    CHAT_MINUTES,
    MOST_FAILURES_IN_A_ROW,
    MOST_IN_A_MINUTE,
    MOST_IN_CHAT,
    Chat,
    Past,
)
from pipeline_automation.domain.wished_message import WishedMessage

EXECUTIONS = Listing(
    select="select * from rule_executions where tenant_id = $1 and rule_id = $2",
    # Ids are given in the order of time, and the index of a rule's executions has them.
    sorts={"created_at": "id uuid"},
    filters={
        "state": "state = any({}::text[])",
        "matched": "matched = {}",
        "contact_id": "contact_id = {}::uuid",
        "created_after": "created_at >= {}",
        "created_before": "created_at < {}",
    },
)

# Counts end where they have said all that matters.
PAST = """
select w.position,
    exists(select from rule_executions e
        where e.tenant_id = w.tenant_id and e.rule_id = w.rule_id and e.event_id = w.event_id) as looked_at,
    exists(select from rule_executions e where e.tenant_id = w.tenant_id and e.rule_id = w.rule_id
        and e.contact_id is not distinct from w.contact_id and e.correlation_id = w.correlation_id
        and e.state <> 'skipped') as in_chain,
    (select count(*) from (
        select from rule_executions e where e.tenant_id = w.tenant_id and e.rule_id = w.rule_id
            and e.contact_id = w.contact_id and e.state <> 'skipped' and e.created_at > w.since limit w.most
    ) e) as ran
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::timestamptz[], $7::int[]) with ordinality
    as w (tenant_id, rule_id, event_id, contact_id, correlation_id, since, most, position)
"""

IN_LAST_MINUTE = """
select w.tenant_id::text, w.rule_id::text, (
    select count(*) from (
        select from rule_executions e where e.tenant_id = w.tenant_id and e.rule_id = w.rule_id and e.state <> 'skipped'
            and e.created_at > $3 limit $4
    ) e) as ran
from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, rule_id)
"""

CHATS = """
select w.tenant_id::text, w.chat_key,
    (select count(*) from (
        select from rule_messages m where m.tenant_id = w.tenant_id and m.chat_key = w.chat_key and m.created_at > $3 limit $4
    ) m) as messages,
    exists(select from chat_pauses p
        where p.tenant_id = w.tenant_id and p.chat_key = w.chat_key and p.keep_until > $5) as paused
from unnest($1::uuid[], $2::text[]) as w (tenant_id, chat_key)
"""

# Events and what rules made of them come apart: one event may have been looked at by many rules.
_EVENTS = """
with heard as (
    select * from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[], $8::uuid[], $9::int[]) with ordinality
        as h (tenant_id, project_id, event_id, trigger, contact_id, session_id, correlation_id, hop, position)
)
insert into rule_executions (tenant_id, project_id, event_id, trigger, contact_id, session_id, correlation_id, hop, rule_id, id,
    revision, conditions, state, matched, reason, actions, created_at, finished_at, keep_until)
select h.tenant_id, h.project_id, h.event_id, h.trigger, h.contact_id, h.session_id, h.correlation_id, h.hop, k.rule_id, k.id,
    k.revision, k.conditions, """
# Two that ran at once for one event, or in one chain, end in a conflict: the loser is repeated and finds the winner.
KEEP_RAN = (
    _EVENTS
    + """k.state, true, null, k.actions, $1, $1, $1::timestamptz + $17::interval
from unnest($10::int[], $11::uuid[], $12::uuid[], $13::int[], $14::jsonb[], $15::text[], $16::jsonb[])
    as k (position, rule_id, id, revision, conditions, state, actions)
join heard h using (position)
order by h.tenant_id, k.rule_id, h.event_id"""
)
KEEP_SKIPPED = (
    _EVENTS
    + """'skipped', k.matched, k.reason, '[]', $1, null, $1::timestamptz + case when k.matched then $17::interval else $18::interval end
from unnest($10::int[], $11::uuid[], $12::uuid[], $13::int[], $14::jsonb[], $15::boolean[], $16::text[])
    as k (position, rule_id, id, revision, conditions, matched, reason)
join heard h using (position)
order by h.tenant_id, k.rule_id, h.event_id
on conflict (tenant_id, rule_id, event_id) do nothing"""
)

KEEP_MESSAGES = """
insert into rule_messages (tenant_id, id, rule_id, event_id, action_index, chat_key, created_at, keep_until)
select tenant_id, id, rule_id, event_id, action_index, chat_key, $1, $2
from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::int[], $8::text[])
    as k (tenant_id, id, rule_id, event_id, action_index, chat_key)
order by tenant_id, id
"""

PAUSE = """
insert into chat_pauses (tenant_id, chat_key, keep_until)
select tenant_id, chat_key, $3 from unnest($1::uuid[], $2::text[]) as p (tenant_id, chat_key) order by tenant_id, chat_key
on conflict (tenant_id, chat_key) do update set keep_until = excluded.keep_until
"""

NOTICE = """
insert into budget_notices (tenant_id, rule_id, contact_id, keep_until)
select tenant_id, rule_id, contact_id, $5 from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as n (tenant_id, rule_id, contact_id)
order by tenant_id, rule_id, contact_id
on conflict (tenant_id, rule_id, contact_id) do update set keep_until = excluded.keep_until where budget_notices.keep_until <= $4
returning tenant_id::text, rule_id::text, contact_id::text
"""

# Whoever changes or enables a rule lets it begin anew.
FAILING = """
select w.tenant_id::text, w.rule_id::text from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, rule_id)
join automation_rules r on r.tenant_id = w.tenant_id and r.id = w.rule_id
where (
    select count(*) filter (where last.state = 'failed') from (
        select e.state from rule_executions e where e.tenant_id = w.tenant_id and e.rule_id = w.rule_id and e.state <> 'skipped'
            and e.created_at >= r.updated_at
        order by e.created_at desc limit $3
    ) last) >= $3
"""

WISHED_BY = """
select m.tenant_id::text, m.id::text, m.rule_id::text, m.event_id::text, m.action_index
from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id) join rule_messages m on m.tenant_id = w.tenant_id and m.id = w.id
"""

REFUSED = """
select w.position, e.tenant_id::text, e.rule_id::text, e.event_id::text, e.actions, r.on_error
from (
    select w.tenant_id, w.rule_id, w.position, coalesce(w.event_id, (
        select e.event_id from rule_executions e where e.tenant_id = w.tenant_id and e.rule_id = w.rule_id and e.id = w.id
    )) as event_id
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) with ordinality as w (tenant_id, rule_id, event_id, id, position)
) w
join rule_executions e on e.tenant_id = w.tenant_id and e.rule_id = w.rule_id and e.event_id = w.event_id and e.state <> 'skipped'
join automation_rules r on r.tenant_id = e.tenant_id and r.id = e.rule_id
order by e.tenant_id, e.rule_id, e.event_id, w.position
for update of e
"""

AMEND = """
update rule_executions e set state = a.state, actions = a.actions
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[]) as a (tenant_id, rule_id, event_id, state, actions)
where e.tenant_id = a.tenant_id and e.rule_id = a.rule_id and e.event_id = a.event_id
"""


class ExecutionsInPostgres:
    """The executions of rules."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def past(self, executions: Sequence[Execution], chats: Collection[Chat], now: datetime) -> Past:
        """Return what had happened before, of the rules, contacts and chats of these executions."""
        past = Past()
        rows = await self._connection.fetch(
            PAST,
            [each.heard.tenant_id for each in executions],
            [each.rule.id for each in executions],
            [each.heard.event_id for each in executions],
            [each.heard.contact_id for each in executions],
            [each.heard.correlation_id for each in executions],
            [now - timedelta(hours=each.rule.rule.max_hours) for each in executions],
            [each.rule.rule.max_count for each in executions],
        )
        for row in rows:
            each = executions[row["position"] - 1]
            pair = (each.heard.tenant_id, each.rule.id, each.heard.contact_id)
            past.ran[pair] = row["ran"]
            if row["in_chain"]:
                past.chains.add((*pair, each.heard.correlation_id))
            if row["looked_at"]:
                past.looked_at.add((each.heard.tenant_id, each.rule.id, each.heard.event_id))
        rules = sorted({(each.rule.tenant_id, each.rule.id) for each in executions})
        for row in await self._connection.fetch(
            IN_LAST_MINUTE, *_columns(rules, 2), now - timedelta(minutes=1), MOST_IN_A_MINUTE
        ):
            past.in_last_minute[row["tenant_id"], row["rule_id"]] = row["ran"]
        if chats:
            since = now - timedelta(minutes=CHAT_MINUTES)
            for row in await self._connection.fetch(CHATS, *_columns(sorted(chats), 2), since, MOST_IN_CHAT, now):
                past.messages[row["tenant_id"], row["chat_key"]] = row["messages"]
                if row["paused"]:
                    past.paused.add((row["tenant_id"], row["chat_key"]))
        return past

    async def keep(self, executions: Sequence[Execution], now: datetime) -> None:
        """Store executions; one that was looked at before stays as it was, and two that ran at once end in a conflict."""
        events = {(each.heard.tenant_id, each.heard.event_id): each.heard for each in executions}
        heard = _columns([_event(each) for each in events.values()], 8)
        places = {key: place for place, key in enumerate(events, start=1)}
        ran, skipped = [], []
        for each in executions:
            place = places[each.heard.tenant_id, each.heard.event_id]
            row = (place, each.rule.id, each.id, each.rule.revision, _document(each.conditions))
            if each.reason is None:
                ran.append((*row, each.state, _document([result.shown() for result in each.results])))
            else:
                skipped.append((*row, each.matched, each.reason))
        if ran:
            await self._connection.execute(KEEP_RAN, now, *heard, *_columns(ran, 7), KEPT)
        if skipped:
            await self._connection.execute(KEEP_SKIPPED, now, *heard, *_columns(skipped, 7), KEPT, MISSES_KEPT)

    async def keep_messages(self, messages: Sequence[WishedMessage], now: datetime) -> None:
        """Store which action wished for which message."""
        rows = [
            (
                each.execution.rule.tenant_id,
                each.id,
                each.execution.rule.id,
                each.execution.heard.event_id,
                each.action_index,
                each.chat_key,
            )
            for each in messages
        ]
        await self._connection.execute(KEEP_MESSAGES, now, now + KEPT, *_columns(rows, 6))

    async def pause(self, chats: Collection[Chat], until: datetime) -> None:
        """Let automation be silent in these chats."""
        await self._connection.execute(PAUSE, *_columns(chats, 2), until)

    async def first_notices(self, busy: Collection[tuple[str, str, str]], now: datetime) -> set[tuple[str, str, str]]:
        """Return of which rules and contacts (tenant, rule, contact) people were not told within the hour; now they are."""
        rows = await self._connection.fetch(NOTICE, *_columns(busy, 3), now, now + timedelta(hours=1))
        return {(row["tenant_id"], row["rule_id"], row["contact_id"]) for row in rows}

    async def failing(self, rules: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which of these rules (tenant, rule) failed too often in a row."""
        rows = await self._connection.fetch(FAILING, *_columns(sorted(rules), 2), MOST_FAILURES_IN_A_ROW)
        return {(row["tenant_id"], row["rule_id"]) for row in rows}

    async def wished_by(self, messages: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[str, str, int]]:
        """Return rule, event and action behind messages (tenant, message), of those that a rule wished for."""
        rows = await self._connection.fetch(WISHED_BY, *_columns(messages, 2))
        return {(row["tenant_id"], row["id"]): (row["rule_id"], row["event_id"], row["action_index"]) for row in rows}

    async def amend(self, refusals: Sequence[Refusal], now: datetime) -> set[tuple[str, str]]:
        """Mark actions refused, with what that makes of their executions; return the rules (tenant, rule) that failed."""
        rows = await self._connection.fetch(
            REFUSED,
            [each.tenant_id for each in refusals],
            [each.rule_id for each in refusals],
            [each.event_id for each in refusals],
            [each.execution_id for each in refusals],
        )
        amended: dict[tuple[str, str, str], tuple[list[dict[str, Any]], str]] = {}
        for row in rows:
            key = (row["tenant_id"], row["rule_id"], row["event_id"])
            actions, on_error = amended.get(key, (msgspec.json.decode(row["actions"]), row["on_error"]))
            refusal = refusals[row["position"] - 1]
            for action in actions:
                if action["index"] == refusal.action_index and action["outcome"] == "done":
                    action |= {"outcome": "refused", "detail": refusal.detail, "at": now.isoformat()}
            amended[key] = (actions, on_error)
        states = {key: state_of([each["outcome"] for each in actions], on) for key, (actions, on) in amended.items()}
        if amended:
            documents = [_document(actions) for actions, _ in amended.values()]
            await self._connection.execute(AMEND, *_columns(list(amended), 3), list(states.values()), documents)
        return {(tenant, rule) for (tenant, rule, _), state in states.items() if state == "failed"}


def _event(heard: Heard) -> tuple[Any, ...]:
    return (
        heard.tenant_id,
        heard.project_id,
        heard.event_id,
        heard.trigger,
        heard.contact_id,
        heard.session_id,
        heard.correlation_id,
        heard.hop,
    )


def _document(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _columns(rows: Collection[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
