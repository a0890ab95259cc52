"""What may be sent: one set of rules, for people at the door and for wishes that are heard. Nobody else checks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from messaging.domain.conversations import Chat
from messaging.domain.reaching import Address, Person
from messaging.domain.sending_channel import SendingChannel
from messaging.domain.wish import SERVICE, Wish

MOST_CHARACTERS = 4096
SHORTEST_EXPIRY, USUAL_EXPIRY, LONGEST_EXPIRY = timedelta(minutes=1), timedelta(days=1), timedelta(days=7)
SUPPORTED_KINDS = frozenset(("text",))


@dataclass(frozen=True, slots=True)
class Quoted:
    """A message that a new one answers."""

    id: str
    chat_id: str
    provider_message_id: str | None
    provider_message_ref: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not sent: a failure code, and words for people. `state`: of the channel or project, where that is the reason."""

    code: str
    detail: str
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that is known about a wish when it is judged. `chat` is None where it would have to be begun."""

    wish: Wish
    chat: Chat | None
    channel: SendingChannel | None
    person: Person | None
    address: Address | None
    quoted: Quoted | None

    @property
    def is_direct(self) -> bool:
        """Tell whether it goes to one person."""
        return self.chat is None or self.chat.chat_type == "individual"

    @property
    def window(self) -> timedelta | None:
        """Return for how long after the contact's last message the channel lets us answer; None where it has no limit."""
        hours = self.channel.messaging_window_hours if self.channel else None
        return None if hours is None else timedelta(hours=hours)

    @property
    def window_closes_at(self) -> datetime | None:
        """Return when the window closes; None where there is none, or nobody ever wrote."""
        wrote_at = self.chat.last_inbound_at if self.chat else None
        return None if self.window is None or wrote_at is None else wrote_at + self.window

    def expires_at(self, now: datetime) -> datetime:
        """Return until when it must have left: never after the window closes."""
        wanted = self.wish.expires_at
        at = now + USUAL_EXPIRY if wanted is None else min(wanted, now + LONGEST_EXPIRY)
        return min(at, self.window_closes_at or at)


Rule = Callable[[Circumstances, datetime], Refusal | None]


def refusal_of(case: Circumstances, now: datetime) -> Refusal | None:
    """Return why a wish is refused, by the first rule that it breaks; None where it may be sent."""
    return next((refusal for rule in RULES if (refusal := rule(case, now)) is not None), None)


def _kind_is_supported(case: Circumstances, _: datetime) -> Refusal | None:
    kind = case.wish.content.kind
    if kind in SUPPORTED_KINDS:
        return None
    return Refusal("not_supported_by_channel", f"messages of the kind {kind} cannot be sent yet: only text can")


def _text_is_sound(case: Circumstances, _: datetime) -> Refusal | None:
    text = case.wish.content.text or ""
    if text.strip() and len(text) <= MOST_CHARACTERS:
        return None
    problem = "is longer than 4,096 characters" if text.strip() else "is blank"
    return Refusal("not_supported_by_channel", f"the text {problem}")


def _channel_exists(case: Circumstances, _: datetime) -> Refusal | None:
    channel = case.channel
    if channel is None or channel.deleted or channel.project_id != case.wish.project_id:
        return Refusal("channel_disconnected", "there is no such channel", "deleted")
    return None


def _project_works(case: Circumstances, _: datetime) -> Refusal | None:
    if case.channel is not None and case.channel.project_rests:
        return Refusal("channel_disconnected", "the project rests: nothing is sent until it works again", "inactive")
    return None


def _channel_is_on(case: Circumstances, _: datetime) -> Refusal | None:
    if case.channel is not None and case.channel.is_off:
        return Refusal("channel_disconnected", f"the channel is {case.channel.status}", case.channel.status)
    return None


def _channel_is_clear(case: Circumstances, _: datetime) -> Refusal | None:
    number = case.wish.channels_in_question
    if number == 1:
        return None
    return Refusal(
        "no_address", f"the contact is known on none of {number} channels: it has to be said which one is meant"
    )


def _contact_is_live(case: Circumstances, _: datetime) -> Refusal | None:
    person = case.person
    if person is None:
        return None
    if person.project_id != case.wish.project_id:
        return Refusal("no_address", "there is no such contact")
    return Refusal("no_address", "the contact was deleted") if person.deleted else None


def _contact_wants_it(case: Circumstances, _: datetime) -> Refusal | None:
    if case.wish.purpose == SERVICE or not case.is_direct:
        return None
    if case.person is None:
        return Refusal("opted_out", "whether this person wants advertising is not known")
    return Refusal("opted_out", "the contact wants no advertising") if case.person.opted_out else None


def _somebody_is_there(case: Circumstances, _: datetime) -> Refusal | None:
    if case.address is None:
        return Refusal("no_address", "there is no address of the contact on this channel, and no phone number")
    return None


def _window_is_open(case: Circumstances, now: datetime) -> Refusal | None:
    closes_at = case.window_closes_at
    if case.window is None or (closes_at is not None and now < closes_at):
        return None
    return Refusal("window_closed", "the contact last wrote too long ago: this channel lets nobody answer any more")


def _time_is_left(case: Circumstances, now: datetime) -> Refusal | None:
    expires_at = case.wish.expires_at
    return Refusal("expired", "its time was over before it came") if expires_at and expires_at <= now else None


def _quotes_its_own_chat(case: Circumstances, _: datetime) -> Refusal | None:
    if case.wish.reply_to_message_id is None:
        return None
    quoted = case.quoted
    if quoted is None or case.chat is None or quoted.chat_id != case.chat.id:
        return Refusal("not_supported_by_channel", "what it answers is not a message of this chat")
    if quoted.provider_message_id is None:
        return Refusal("not_supported_by_channel", "what it answers has not been sent yet")
    return None


RULES: tuple[Rule, ...] = (
    _kind_is_supported,
    _text_is_sound,
    _channel_exists,
    _channel_is_clear,
    _contact_is_live,
    _contact_wants_it,
    _project_works,
    _channel_is_on,
    _somebody_is_there,
    _window_is_open,
    _time_is_left,
    _quotes_its_own_chat,
)
