"""Sessions against a model that knows only the rules: any order of messages, sends heard late, turns, lag, crashes and redeliveries.

The model keeps the messages of each session and computes every figure from them at the end; the service counts as they come. Many
examples are played to the domain alone, some to the whole service on Postgres.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any, NamedTuple, Protocol

import pytest
import pytest_asyncio
from contracts.envelope import AnyEvent, Event
from contracts.session.ended_v1 import SessionEndedV1
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel.ids import new_id
from msgspec import json
from outbox.said import events_said
from session.application.announcements import Announcements
from session.domain.attendance import Session
from session.domain.open_sessions import OpenSessions
from session.domain.timeouts import Timeouts
from session.entrypoints.events import on_contact_sender_identified, on_message_sent
from testkit.plugin import DatabaseOf
from testkit.servers import ServiceDatabase

TENANTS = ("00000000-0000-7000-8000-00000000000a", "00000000-0000-7000-8000-00000000000b")
AUTOMATIC = ("trigger", "scheduled")
TIMEOUT = timedelta(minutes=30)
SKEW = timedelta(minutes=5)
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

# The same chat in two tenants, so that mixing them up would show.
chats = st.tuples(st.sampled_from(TENANTS), st.just("chat"))
ages = st.sampled_from([0, 0, 0, 2, 8])
writes = st.tuples(st.just("writes"), chats, ages)
sends = st.tuples(st.just("sends"), chats, st.sampled_from(["manual", "bot", *AUTOMATIC]), st.integers(0, 3))
waits = st.tuples(st.just("waits"), st.sampled_from([1, 10, 20, 25, 31]))
turn = st.tuples(st.just("turn"), st.integers(1, 2))
rarely = st.one_of(
    st.tuples(st.just("types"), chats, ages),
    st.tuples(st.just("lagging turn")),
    st.tuples(st.just("crash")),
    st.tuples(st.just("again"), st.integers(0, 30)),
)
steps = st.lists(st.one_of(writes, writes, sends, waits, turn, rarely), min_size=10, max_size=30)


@dataclass
class Said:
    """A message as the model sees it."""

    who: str
    at: datetime
    answers: bool


@dataclass
class Attendance:
    """A session as the model sees it."""

    began: datetime
    active_until: datetime
    said: list[Said] = field(default_factory=list)
    ended: datetime | None = None

    @property
    def deadline(self) -> datetime:
        """Return when it is over."""
        return self.active_until + TIMEOUT

    def figures(self) -> dict[str, Any]:
        """Return what the rules say about it, computed from all its messages at once."""
        theirs = [each.at for each in self.said if each.who == "contact"]
        answers = [each.at for each in self.said if each.answers]
        turns = sorted([(at, False) for at in theirs] + [(at, True) for at in answers])
        runs = [(ours, [at for at, _ in run]) for ours, run in groupby(turns, key=lambda each: each[1])]
        waits = [answer[0] - theirs[0] for (_, theirs), (ours, answer) in pairwise(runs) if ours]
        return {
            "total": len(self.said),
            "inbound": len(theirs),
            "first_message_at": min(each.at for each in self.said),
            "last_message_at": max(each.at for each in self.said),
            "first_response_seconds": max(0, int((min(answers) - min(theirs)).total_seconds())) if answers else None,
            "wait_seconds": int(sum(waits, timedelta()).total_seconds()),
            "unanswered": not runs[-1][0],
        }


class Model:
    """All sessions, by chat."""

    def __init__(self) -> None:
        self.sessions: dict[tuple[str, str], list[Attendance]] = {}

    def open_in(self, chat: tuple[str, str]) -> Attendance | None:
        """Return the open session of a chat."""
        found = [each for each in self.sessions.get(chat, []) if each.ended is None]
        assert len(found) <= 1
        return found[0] if found else None

    def hear(self, chat: tuple[str, str], said: Said, received: datetime, *, sent: bool = False) -> None:
        """Take in a message, as the rules of 3.1 say."""
        counted = said.at if abs(said.at - received) <= SKEW else received
        session = self.open_in(chat)
        if session and sent and said.at < session.began:
            return
        if session and counted > session.deadline:
            session.ended, session = session.deadline, None
        if session is None and said.who == "contact":
            session = Attendance(min(said.at, counted), counted)
            self.sessions.setdefault(chat, []).append(session)
        if session is not None:
            session.said.append(said)
            session.active_until = max(session.active_until, counted)

    def turn(self, now: datetime) -> None:
        """End what is over."""
        for sessions in self.sessions.values():
            for each in sessions:
                if each.ended is None and each.deadline < now:
                    each.ended = each.deadline


class Seen(NamedTuple):
    """What a house shows of a session; `told` is its session.ended, if it was said."""

    id: str
    ended_at: datetime | None
    deadline: datetime
    total: int
    inbound: int
    told: SessionEndedV1 | None


class House(Protocol):
    """Whoever keeps sessions: events arrive, turns are taken."""

    def at(self, minutes: float) -> None: ...

    async def deliver(self, heard: AnyEvent) -> None: ...

    async def crash(self, heard: AnyEvent) -> None: ...

    async def turn(self, timekeepers: int) -> None: ...

    async def lagging_turn(self) -> None: ...

    async def seen(self) -> dict[tuple[str, str], list[Seen]]: ...


class DomainHouse:
    """The domain and what it announces, in memory."""

    def __init__(self) -> None:
        self.now = NOON
        self.sessions: dict[str, Session] = {}
        self.known: set[str] = set()
        self.told: list[AnyEvent] = []

    def at(self, minutes: float) -> None:
        self.now = NOON + timedelta(minutes=minutes)

    async def deliver(self, heard: AnyEvent) -> None:
        if heard.id not in self.known:
            self.known.add(heard.id)
            touched, told = self._apply(heard)
            self.sessions |= {session.id: session for session in touched}
            self.told += told

    async def crash(self, heard: AnyEvent) -> None:
        self._apply(heard)

    def _apply(self, heard: AnyEvent) -> tuple[Iterable[Session], list[AnyEvent]]:
        sent = heard.type == on_message_sent.HEARS.TYPE
        message = (on_message_sent if sent else on_contact_sender_identified).message_of(heard)
        found = OpenSessions.of(deepcopy([each for each in self.sessions.values() if each.status == "active"]))
        place = found.place(message, new_id, Timeouts())
        told: list[AnyEvent] = []
        if place.ended:
            Announcements(told.append, new_id, self.now).timed_out(place.ended, message)
        return found.touched.values(), told

    async def turn(self, timekeepers: int) -> None:
        for session in self.sessions.values():
            if session.status == "active" and session.timeout_at < self.now:
                session.time_out("system:session")
                Announcements(self.told.append, new_id, self.now).reached_its_deadline(session)

    async def lagging_turn(self) -> None:
        """Nothing happens."""

    async def seen(self) -> dict[tuple[str, str], list[Seen]]:
        found: dict[tuple[str, str], list[Seen]] = {}
        told = by_session(self.told)
        for s in self.sessions.values():
            seen = Seen(s.id, s.ended_at, s.timeout_at, s.message_count, s.messages_from_contact, told.get(s.id))
            found.setdefault((s.tenant_id, s.chat_key), []).append(seen)
        return found


class ServiceHouse:
    """The service's handlers and the timekeeper's turns, on Postgres."""

    def __init__(self, line: Any) -> None:
        self.line = line

    def at(self, minutes: float) -> None:
        self.line.at(minutes)

    async def deliver(self, heard: AnyEvent) -> None:
        await self.line.delivers(heard)

    async def crash(self, heard: AnyEvent) -> None:
        with contextlib.suppress(ConnectionError):
            await self.line.delivers(heard, then=ConnectionError("killed before the commit"))

    async def turn(self, timekeepers: int) -> None:
        await asyncio.gather(*(self.line.turn() for _ in range(timekeepers)))

    async def lagging_turn(self) -> None:
        await self.line.lags(9)
        turn, said = await self.line.turn()
        assert (turn.held_back, said) == (True, [])
        await self.line.lags(0)

    async def seen(self) -> dict[tuple[str, str], list[Seen]]:
        bodies = await events_said(self.line.administrator, "session", SessionEndedV1.TYPE)
        told = by_session([json.decode(body, type=Event[SessionEndedV1]) for body in bodies])
        found: dict[tuple[str, str], list[Seen]] = {}
        for row in await self.line.sessions():
            counts = row["message_count"], row["messages_from_contact"]
            seen = Seen(row["session_id"], row["ended_at"], row["timeout_at"], *counts, told.get(row["session_id"]))
            found.setdefault((row["tenant"], row["chat_key"]), []).append(seen)
        return found


def by_session(ended: list[AnyEvent]) -> dict[str, SessionEndedV1]:
    """Return what was told of each session; each end is told once."""
    told = {each.data.session_id: each.data for each in ended}
    assert len(told) == len(ended)
    return told


class Play:
    """Plays steps to a house and to the model."""

    def __init__(self, house: House, line: Any) -> None:
        self.house = house
        self.line = line
        self.model = Model()
        self.minutes = 0.0
        self.delivered: list[AnyEvent] = []
        self.on_their_way: list[list[Any]] = []
        self.crashes = False

    async def play(self, steps: list[tuple[Any, ...]]) -> None:
        """Do all steps, and see that nothing is different."""
        for kind, *details in steps:
            self.minutes += 0.01  # no two things happen at the same moment
            self.house.at(self.minutes)
            await getattr(self, kind.replace(" ", "_"))(*details)
            for held in list(self.on_their_way):
                held[0] -= 1
                if held[0] < 0:
                    self.on_their_way.remove(held)
                    await self.arrive(*held[1:])
        for _, heard, learn in self.on_their_way:
            await self.arrive(heard, learn)
        await self.compare()

    async def writes(self, chat: tuple[str, str], ago: int) -> None:
        await self.line_brings(chat, "contact", ago)

    async def types(self, chat: tuple[str, str], ago: int) -> None:
        await self.line_brings(chat, "phone", ago)

    async def line_brings(self, chat: tuple[str, str], who: str, ago: int) -> None:
        """Somebody wrote `ago` minutes before we received it."""
        phone = who == "phone"
        heard = self.line.message(*chat, at=self.minutes - ago, received=self.minutes, from_me=phone)
        said = Said(who, heard.data.occurred_at, phone)
        await self.arrive(heard, lambda: self.model.hear(chat, said, heard.data.received_at))

    async def sends(self, chat: tuple[str, str], source: str, later: int) -> None:
        """We sent something now, and it is heard of some steps later."""
        heard = self.line.sent(*chat, at=self.minutes, source=source)
        said = Said("us", heard.data.sent_at, source not in AUTOMATIC)
        self.on_their_way.append([later, heard, lambda: self.model.hear(chat, said, heard.time, sent=True)])

    async def arrive(self, heard: AnyEvent, learn: Callable[[], None]) -> None:
        if self.crashes:
            self.crashes = False
            await self.house.crash(heard)
        await self.house.deliver(heard)
        self.delivered.append(heard)
        learn()

    async def waits(self, minutes: int) -> None:
        self.minutes += minutes

    async def turn(self, timekeepers: int) -> None:
        await self.house.turn(timekeepers)
        self.model.turn(NOON + timedelta(minutes=self.minutes))

    async def lagging_turn(self) -> None:
        await self.house.lagging_turn()

    async def crash(self) -> None:
        self.crashes = True

    async def again(self, number: int) -> None:
        """The broker delivers something once more."""
        if self.delivered:
            await self.house.deliver(self.delivered[number % len(self.delivered)])

    async def compare(self) -> None:
        """See that the house shows what the model knows, and has told every end exactly."""
        houses = await self.house.seen()
        assert {chat: len(seen) for chat, seen in houses.items()} == {
            chat: len(sessions) for chat, sessions in self.model.sessions.items()
        }
        for chat, sessions in self.model.sessions.items():
            # one after the other: the open one comes last
            in_order = sorted(houses[chat], key=lambda each: (each.ended_at is None, each.deadline))
            for expected, seen in zip(sessions, in_order, strict=True):
                figures = expected.figures()
                assert (seen.ended_at, seen.deadline) == (expected.ended, expected.deadline)
                assert (seen.total, seen.inbound) == (figures["total"], figures["inbound"])
                assert (seen.told is None) == (expected.ended is None)
                if seen.told is not None:
                    assert told_figures(seen.told) == figures
                    assert (seen.told.ended_at, seen.told.started_at) == (expected.deadline, expected.began)


def told_figures(ended: SessionEndedV1) -> dict[str, Any]:
    """Return what session.ended says, as the model says it."""
    return {
        "total": ended.metrics.total_messages,
        "inbound": ended.metrics.inbound_messages,
        "first_message_at": ended.metrics.first_message_at,
        "last_message_at": ended.metrics.last_message_at,
        "first_response_seconds": ended.metrics.first_response_seconds,
        "wait_seconds": ended.metrics.wait_seconds,
        "unanswered": ended.ended_unanswered,
    }


@settings(max_examples=200, deadline=None)
@given(steps=steps)
def test_the_domain_says_of_sessions_what_their_messages_say(steps: list[tuple[Any, ...]], builders: Any) -> None:
    # nothing waits for anything in memory, so the whole play is one step of a coroutine
    with pytest.raises(StopIteration):
        Play(DomainHouse(), builders).play(steps).send(None)


@pytest_asyncio.fixture
async def database(database_of: DatabaseOf) -> ServiceDatabase:
    """A database that all examples share, emptied for each."""
    return await database_of("session", "session")


EMPTY = "truncate session.sessions, session.outbox_bundles, session.outbox_pending, session.inbox_bundles"


def test_the_service_says_of_sessions_what_their_messages_say(
    database: ServiceDatabase, opened: Callable[[ServiceDatabase], Any]
) -> None:
    with asyncio.Runner() as runner:
        context = opened(database)
        line = runner.run(context.__aenter__())

        async def example(played: list[tuple[Any, ...]]) -> None:
            await line.administrator.execute(EMPTY)
            await Play(ServiceHouse(line), line).play(played)

        @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
        @given(steps)
        def every_example(played: list[tuple[Any, ...]]) -> None:
            runner.run(example(played))

        try:
            every_example()
        finally:
            runner.run(context.__aexit__(None, None, None))
