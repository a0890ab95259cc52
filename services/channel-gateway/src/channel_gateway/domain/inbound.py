"""What a provider told us, in our own words: the only vocabulary that the rest of channel-gateway hears.

A delivery becomes exactly one `Inbound`. `dedupe_key` is what makes a redelivery recognisable within one channel; None
where nothing is done that could be done twice. It never holds the provider's serialised id: the same message may come
under two of those.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, NamedTuple

from channel_gateway.domain.content import Attribution, Content

ChatType = Literal["individual", "group", "channel"]
Source = Literal["phone", "api"]
IdentityKind = Literal["wa_pn", "wa_lid"]
LimitKind = Literal["reach_out_timelock", "message_cap"]


class Identity(NamedTuple):
    """One way in which the provider knows a person: `wa_pn` digits@c.us, or `wa_lid` digits@lid (never a phone)."""

    kind: IdentityKind
    value: str


class InboundMessage(NamedTuple):
    """A message that somebody wrote to us, or that our own number sent from elsewhere (`from_me`).

    `identities` are of the person to identify: the writer, or the peer of an own message in a direct chat; none for an
    own message in a group. `push_name` is the writer's own name and never that of our number. `ack_level` is the level
    with which an own message arrives. `source` says where an own message came from; None for all others.
    """

    provider_message_id: str
    provider_message_ref: str
    external_chat_id: str
    chat_type: ChatType
    from_me: bool
    identities: tuple[Identity, ...]
    content: Content
    occurred_at: datetime
    source: Source | None = None
    chat_subject: str | None = None
    push_name: str | None = None
    is_business: bool = False
    reply_to_provider_id: str | None = None
    mentions: tuple[str, ...] = ()
    forwarded: bool = False
    attribution: Attribution | None = None
    ack_level: int | None = None

    @property
    def dedupe_key(self) -> str:
        return f"message:{self.provider_message_id}"


class Acknowledgement(NamedTuple):
    """How far a message has come: −1 ERROR, 0 PENDING, 1 SERVER, 2 DEVICE, 3 READ, 4 PLAYED.

    With `from_me` False it tells that we ourselves read a customer's message on another device. `participant` is the
    reader in a group.
    """

    provider_message_id: str
    provider_message_ref: str
    external_chat_id: str
    chat_type: ChatType
    from_me: bool
    level: int
    level_name: str
    participant: str | None
    at: datetime

    @property
    def dedupe_key(self) -> str:
        return f"ack:{self.provider_message_id}:{self.level}:{self.participant or ''}"


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """Who we are at the provider: `id` digits@c.us."""

    id: str
    lid: str | None = None
    push_name: str | None = None


@dataclass(frozen=True, slots=True)
class NewChatLimit:
    """What the provider says about beginning new chats; only an `active` one forbids it. `level` as the provider writes it."""

    kind: LimitKind
    active: bool
    until: datetime | None = None
    level: str | None = None
    total: int | None = None
    used: int | None = None


@dataclass(frozen=True, slots=True)
class SessionReport:
    """The provider's session has a status, which is the provider's own word.

    `told_at` is the provider's time of it, by which reports are ordered; None where it told none. `at` is when it was
    sent or else received. What is None or not in `limits` was not told. `fingerprint` stands for what came with it.
    """

    status: str
    told_at: datetime | None
    at: datetime
    me: OwnNumber | None = None
    engine: str | None = None
    version: str | None = None
    limits: tuple[NewChatLimit, ...] = ()
    fingerprint: str = ""

    @property
    def dedupe_key(self) -> str | None:
        """None without a time of its own: the same words may come again and mean it."""
        if self.told_at is None:
            return None
        return f"session:{self.status}:{int(self.told_at.timestamp() * 1_000)}:{self.fingerprint}"


@dataclass(frozen=True, slots=True)
class Kept:
    """A genuine event that nothing acts on yet: kept and counted by its name."""

    event_name: str
    dedupe_key: ClassVar[None] = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """Noise: counted by its reason."""

    reason: str
    dedupe_key: ClassVar[None] = None


@dataclass(frozen=True, slots=True)
class Untranslatable:
    """Authentic, but not to be understood: parked where people see it. `detail` holds no personal data."""

    reason: str
    detail: str = ""
    dedupe_key: ClassVar[None] = None


Inbound = InboundMessage | Acknowledgement | SessionReport | Kept | Ignored | Untranslatable
