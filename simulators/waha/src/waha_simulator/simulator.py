"""The simulated world: what customers, the account's owner and WhatsApp itself do, and which webhooks follow.

Everything here is a verb of that world. The HTTP faces (`api_*.py`, `control.py`) only translate.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from waha_simulator.draws import message_id, ulid
from waha_simulator.faults import Faults
from waha_simulator.history import History
from waha_simulator.ledger import Ledger
from waha_simulator.payloads import (
    Ack,
    Message,
    Person,
    Quote,
    StatusChange,
    ack_event,
    message_event,
    status_event,
)
from waha_simulator.payloads.happenings import DEVICE, PLAYED, READ, SERVER
from waha_simulator.people import People
from waha_simulator.sessions import Session, Sessions
from waha_simulator.settings import Settings
from waha_simulator.webhooks import Deliveries, Delivery, body_bytes

# How long WAHA and WhatsApp take, in seconds of WAHA's time.
DELIVERED_SECONDS = 0.2
WPP_OWN_MESSAGE_SECONDS = 3.0


@dataclass
class Manners:
    """What the control API may change while everything runs."""

    delivers: bool = True
    delivered_after_seconds: float = DELIVERED_SECONDS
    reads_after_seconds: float | None = None
    hang_before_422_seconds: float = 15.0


class Simulator:
    """WAHA and the WhatsApp behind it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        folder = settings.data
        self.ledger = Ledger(folder)
        self.history = History(folder / "messages.jsonl" if folder else None)
        self.deliveries = Deliveries(self.ledger, settings.version)
        self.faults = Faults()
        self.people = People()
        self.manners = Manners()
        self.sessions = Sessions(
            self._status_changed,
            default_engine=settings.default_engine,
            seed=settings.seed,
            path=folder / "sessions.json" if folder else None,
        )
        self.deliveries.ordered = settings.ordered
        self.time_factor = settings.time_factor
        self._reserved = 0
        self.calls_open = 0

    @property
    def time_factor(self) -> float:
        """By how much WAHA's and WhatsApp's own waits are stretched; below 1 the simulator is faster than life."""
        return self.deliveries.time_factor

    @time_factor.setter
    def time_factor(self, factor: float) -> None:
        self.deliveries.time_factor = factor
        self.sessions.time_factor = factor

    def start(self) -> None:
        """Meet again whoever is in the history, and start the sessions that ran."""
        for session in self.sessions.all():
            for message in self.history.of(session.name):
                for person in (message.peer, message.author):
                    if person is not None:
                        self.people.meet(person)
        self.sessions.resume()

    async def stop(self) -> None:
        self.sessions.close()
        await self.deliveries.stop()
        self.ledger.close()
        self.history.close()

    async def reset(self, *, keep_sessions: bool = False) -> None:
        """Back to an empty world. Sessions, their webhooks and pairings may stay."""
        await self.deliveries.stop()
        if not keep_sessions:
            self.sessions.clear()
        self.history.clear()
        self.ledger.clear()
        self.faults.clear()
        self.people = People()
        self.manners = Manners()
        self._reserved = 0

    # What people do

    def customer_writes(self, session: Session, message: Message) -> int:
        """A message arrives; returns its number in its chat."""
        seq = self.history.add(session.name, message)
        self._emit_message(session, message, seq)
        return seq

    def owner_writes(self, session: Session, message: Message) -> int:
        """We write on the phone (`source` app) or WAHA sends for us (api): the echo, then the acks."""
        seq = self.history.add(session.name, message)
        early = self.faults.strikes("webhooks", "early_ack", session.name, message.bare_id)
        if early is not None:
            self._own_acks(session, message, faults=["early_ack"], after_seconds=0.0)
            late = self.faults.seconds(early, session.name, message.bare_id)
            self._emit_message(session, message, seq, faults=["early_ack"], after_seconds=late)
            return seq
        # WAHA's WPP engine waits 3 s before it tells own messages; their acks come first.
        late = WPP_OWN_MESSAGE_SECONDS if session.engine == "WPP" else 0.0
        self._emit_message(session, message, seq, after_seconds=late)
        self._own_acks(session, message, faults=[], after_seconds=self.manners.delivered_after_seconds)
        return seq

    def sends(self, session: Session, chat: str, text: str, *, reserved_id: str | None, quote: Quote | None) -> Message:
        """WAHA sends a text for us. The same reserved id again makes no second message."""
        if reserved_id and (known := self.history.get(session.name, reserved_id)) is not None:
            return known
        number = self.history.total(session.name)
        message = Message(
            bare_id=reserved_id or message_id("3EB0", self.settings.seed, session.name, "sent", number),
            chat=chat,
            at=datetime.now(UTC),
            from_me=True,
            text=text,
            peer=None if chat.endswith("@g.us") else self.people.of_chat(chat),
            source="api",
            quote=quote,
        )
        self.owner_writes(session, message)
        return message

    def reserve_id(self, session: Session) -> str:
        """A message id that a later send may use."""
        self._reserved += 1
        return message_id("3EB0", self.settings.seed, session.name, "reserved", ulid(_now_ms()), self._reserved)

    def acknowledge(
        self,
        session: Session,
        message: Message,
        level: int,
        *,
        reader: Person | None = None,
        batch: tuple[str, ...] = (),
    ) -> None:
        """A receipt of this level for our message comes in. In groups `reader` says whose."""
        self.history.move(session.name, message.bare_id, level)
        self._emit_ack(session, message, level, reader=reader, batch=batch)

    def customer_reads(
        self, session: Session, person: Person, *, up_to: str | None = None, played: bool = False
    ) -> list[str]:
        """The customer opens the chat: all our messages not yet read are, in one receipt. Returns their bare ids."""
        level = PLAYED if played else READ
        unread = []
        for message in self.history.of(session.name, _chats_of(person)):
            if message.from_me and (message.ack or 0) < level:
                unread.append(message)
            if message.bare_id == up_to:
                break
        batch = tuple(message.bare_id for message in unread)
        for message in unread:
            self.acknowledge(session, message, level, batch=batch)
        return list(batch)

    def owner_reads(self, session: Session, person: Person) -> list[str]:
        """We open the chat on the phone: an ack READ with `fromMe` false for each of the customer's unread messages."""
        unread = [m for m in self.history.of(session.name, _chats_of(person)) if not m.from_me and (m.ack or 0) < READ]
        batch = tuple(message.bare_id for message in unread)
        for message in unread:
            self.history.move(session.name, message.bare_id, READ)
            self._emit_ack(session, message, READ, batch=batch)
        return list(batch)

    def switch_phone(self, person: Person, *, silent: bool) -> list[str]:
        """Off: one tick only from now on. On again: what waited is delivered; returns its bare ids."""
        person = self.people.silence(person, silent=silent)
        if silent:
            return []
        delivered = []
        for session in self.sessions.all():
            for message in list(self.history.of(session.name, _chats_of(person))):
                if message.from_me and (message.ack or 0) < DEVICE:
                    self.acknowledge(session, message, DEVICE)
                    delivered.append(message.bare_id)
        return delivered

    # What follows from it

    def _own_acks(self, session: Session, message: Message, *, faults: list[str], after_seconds: float) -> None:
        """GOWS tells SERVER only inside the message itself, the others in an ack of its own."""
        if message.peer is None:
            return
        if session.engine != "GOWS":
            self._emit_ack(session, message, SERVER, faults=faults)
        if not self.manners.delivers or (message.peer.phone and self.people.registered(message.peer.phone) is None):
            return
        if not after_seconds:
            self._deliver(session, message, faults)
            return
        self.deliveries.start(self._deliver_later(session, message, faults, after_seconds))

    async def _deliver_later(self, session: Session, message: Message, faults: list[str], seconds: float) -> None:
        await asyncio.sleep(seconds * self.time_factor)
        self._deliver(session, message, faults)

    def _deliver(self, session: Session, message: Message, faults: list[str]) -> None:
        if message.peer is None or self.people.is_silent(self.people.meet(message.peer)):
            return
        if self.history.move(session.name, message.bare_id, DEVICE):
            self._emit_ack(session, message, DEVICE, faults=faults)
            if (seconds := self.manners.reads_after_seconds) is not None:
                self.deliveries.start(self._read_later(session, message, seconds))

    async def _read_later(self, session: Session, message: Message, seconds: float) -> None:
        await asyncio.sleep(seconds * self.time_factor)
        if self.history.move(session.name, message.bare_id, READ):
            self._emit_ack(session, message, READ)

    def _emit_message(
        self,
        session: Session,
        message: Message,
        seq: int,
        *,
        faults: list[str] | None = None,
        after_seconds: float = 0.0,
    ) -> None:
        if session.me is None or (message.is_group and (session.config.get("ignore") or {}).get("groups")):
            return
        what = (session.name, message.bare_id)
        if self.faults.strikes("webhooks", "swallowed", *what):
            return
        self._emit_once(session, message, seq, faults or [], after_seconds, in_order=True)
        if message.from_me and (later := self.faults.strikes("webhooks", "echo_as_app", *what)):
            # Browser engines forget within minutes what they sent for the API, and tell it as typed on the phone (#2054).
            wait = after_seconds + self.faults.seconds(later, *what)
            self._emit_once(session, replace(message, source="app"), seq, ["echo_as_app"], wait, in_order=False)
        if again := self.faults.strikes("webhooks", "duplicate", *what):
            wait = after_seconds + self.faults.seconds(again, *what)
            self._emit_once(session, message, seq, ["duplicate"], wait, in_order=False)
        other = message.peer.other_than(message.chat) if message.peer else None
        if other and (twin := self.faults.strikes("webhooks", "twin", *what)):
            wait = after_seconds + self.faults.seconds(twin, *what)
            self._emit_once(session, replace(message, chat=other), seq, ["twin"], wait, in_order=False)

    def _emit_once(
        self, session: Session, message: Message, seq: int, faults: list[str], wait: float, *, in_order: bool
    ) -> None:
        """One emission: `message.any`, and `message` with the same envelope id where it is subscribed and incoming."""
        me = session.me
        if me is None:
            return
        number = self.deliveries.next_number()
        envelope_id = f"evt_{ulid(_now_ms(), self.settings.seed, session.name, number)}"
        for event in ("message",) * (not message.from_me) + ("message.any",):
            body = message_event(
                message,
                engine=session.engine,
                session=session.name,
                me=me,
                event=event,
                emitted_at=datetime.now(UTC),
                metadata=session.metadata,
                version=self.settings.version,
                event_id=envelope_id,
            )
            about = {"message_id": message.bare_id, "chat": message.chat, "chat_seq": seq}
            self._post(session, body, about, faults, wait, in_order=in_order)

    def _emit_ack(
        self,
        session: Session,
        message: Message,
        level: int,
        *,
        reader: Person | None = None,
        batch: tuple[str, ...] = (),
        faults: list[str] | None = None,
    ) -> None:
        if session.me is None:
            return
        if (
            message.is_group
            and session.engine == "WEBJS"
            and not (session.config.get("webjs") or {}).get("tagsEventsOn")
        ):
            return
        now = datetime.now(UTC)
        ack = Ack(
            bare_id=message.bare_id,
            chat=message.chat,
            level=level,
            at=now,
            from_me=message.from_me,
            peer=message.peer,
            reader=reader,
            receipt_ids=batch,
            message=message,
        )
        body = ack_event(
            ack,
            engine=session.engine,
            session=session.name,
            me=session.me,
            emitted_at=now,
            metadata=session.metadata,
            version=self.settings.version,
            event_id=f"evt_{ulid(_now_ms(), self.settings.seed, session.name, self.deliveries.next_number())}",
        )
        about = {"message_id": message.bare_id, "chat": message.chat, "level": level}
        self._post(session, body, about, faults or [], 0.0, in_order=True)

    def _status_changed(self, session: Session, data: dict[str, Any] | None) -> None:
        change = StatusChange(session.status, datetime.now(UTC), tuple(session.statuses), data)
        body = status_event(
            change,
            engine=session.engine,
            session=session.name,
            me=session.me,
            metadata=session.metadata,
            version=self.settings.version,
            event_id=f"evt_{ulid(_now_ms(), self.settings.seed, session.name, self.deliveries.next_number())}",
        )
        self._post(session, body, {}, [], 0.0, in_order=True)

    def _post(
        self,
        session: Session,
        body: dict[str, Any],
        about: dict[str, Any],
        faults: list[str],
        wait: float,
        *,
        in_order: bool,
    ) -> None:
        """Post a body to each webhook that subscribed its event."""
        raw = body_bytes(body)
        for index, webhook in enumerate(session.config.get("webhooks") or []):
            if not {body["event"], "*"} & set(webhook.get("events") or []):
                continue
            what = (index, session.name, body["event"], about.get("message_id"), about.get("level"), *faults)
            mine, delay, ordered = list(faults), wait, in_order
            if about and (late := self.faults.strikes("webhooks", "reorder", *what)):
                mine.append("reorder")
                delay += self.faults.seconds(late, *what)
                ordered = False
            if about and self.faults.strikes("webhooks", "lost_answer", *what):
                mine.append("lost_answer")
            delivery = Delivery(
                number=self.deliveries.next_number(),
                webhook=webhook,
                session=session.name,
                event=body["event"],
                body=raw,
                timestamp_ms=body["timestamp"],
                envelope_id=body["id"],
                faults=mine,
                **about,
            )
            self.deliveries.post(delivery, after_seconds=delay, in_order=ordered)


def _chats_of(person: Person) -> set[str]:
    return {chat for chat in (person.phone_id, person.lid_id) if chat}


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
