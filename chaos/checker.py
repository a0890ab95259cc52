"""C1 to C9 as pure functions over the ledger and what was observed: each returns what is wrong, nothing when nothing is.

Safety is decided here. That things end in time (liveness) is measured while the scenario runs and reported beside it.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ledger import Operation
from load import text_of_send
from observed import Message, Observed
from scenario import Bites, Expected

RANKS = {
    "scheduled": 0,
    "queued": 1,
    "unknown": 1,
    "sent": 2,
    "delivered": 3,
    "read": 4,
    "played": 5,
    "failed": 9,
    "cancelled": 9,
}
DONE = ("sent", "delivered", "read", "played")
Book = Mapping[str, Operation]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: by which check, its verdict, and what it is about (no personal data, no texts)."""

    check: str
    verdict: str
    what: str


def check_all(book: Book, seen: Observed, expected: Expected, bites: Bites) -> list[Finding]:
    """Return all findings."""
    return [
        *accepted_are_kept(book, seen, expected),
        *kept_once(book, seen, expected),
        *all_published(seen),
        *applied_once(book, seen, expected),
        *in_order(book, seen, expected),
        *sent_at_most_once(book, seen),
        *conserved(book, seen, expected),
        *no_row_crossed(book, seen),
        *it_bit(bites),
    ]


def webhooks(book: Book) -> Iterable[Operation]:
    """Return the operations of the inbound line."""
    return (each for each in book.values() if each.kind == "webhook")


def accepted_are_kept(book: Book, seen: Observed, expected: Expected) -> Iterator[Finding]:
    """C1: every ok id is in the raw deliveries (a parked one may be there without its id, and is counted as parked); no fail id is."""
    for operation in webhooks(book):
        there = seen.deliveries[operation.tenant, operation.op_id]
        if operation.outcome == "ok" and not there and operation.op_id not in expected.parked_ops:
            yield Finding("C1", "LOST", f"{operation.op_id} was answered 2xx and is not in the raw deliveries")
        if operation.outcome == "fail" and there:
            yield Finding("C1", "PHANTOM", f"{operation.op_id} was refused and is in the raw deliveries")


def kept_once(book: Book, seen: Observed, expected: Expected) -> Iterator[Finding]:
    """C2: the raw deliveries hold each id once."""
    for (_, op_id), count in seen.deliveries.items():
        if count > 1 + (op_id in expected.accepted_again):
            yield Finding("C2", "DUPLICATED", f"{op_id} is {count} times in the raw deliveries")


def all_published(seen: Observed) -> Iterator[Finding]:
    """C3: every event was published and confirmed."""
    for schema, count in seen.pending.items():
        if count:
            yield Finding("C3", "LOST", f"{count} bundles of {schema} are not published")


def applied_once(book: Book, seen: Observed, expected: Expected) -> Iterator[Finding]:
    """C4: one message per accepted webhook, counted once by its session and its meter and told once by the feed; parked are those that
    were expected.
    """
    stored = Counter(each.name for each in seen.messages if each.direction == "inbound")
    for operation in webhooks(book):
        times, parked = stored[operation.op_id], operation.op_id in expected.parked_ops
        if operation.outcome == "ok" and not times and not parked:
            yield Finding("C4", "LOST", f"{operation.op_id} is not stored in its chat")
        if operation.outcome == "fail" and times:
            yield Finding("C4", "PHANTOM", f"{operation.op_id} was refused and is stored in a chat")
        if times > 1:
            yield Finding("C4", "DUPLICATED", f"{operation.op_id} is stored {times} times")
    in_chats: Counter[tuple[str, str]] = Counter()
    for each in seen.messages:
        if each.direction == "inbound":
            # A session counts what comes to it, and does not know every message that ever came.
            in_chats[each.tenant, each.chat_key] += 1 + (each.name in expected.accepted_again)
    for key in in_chats.keys() | seen.session_counts.keys():
        yield from _counted("the sessions' messages", key[1], seen.session_counts.get(key, 0), in_chats[key])
    yield from _told_once(seen)
    used = usage_of(seen.messages)
    for tenant in used.keys() | seen.metered.keys():
        there, told = used.get(tenant, Counter()), seen.metered.get(tenant, {})
        for metric in there.keys() | told.keys():
            yield from _counted(f"meter {metric}", tenant, told.get(metric, 0), there[metric])
    for key in seen.parked.keys() | expected.parked.keys():
        if seen.parked[key] != expected.parked[key]:
            found = f"{seen.parked[key]} events of {key[0]} are parked as {key[1]}, expected {expected.parked[key]}"
            yield Finding("C4", "UNEXPECTED", found)
    for queue, count in seen.queues.items():
        if count:
            yield Finding("C4", "LOST", f"{count} messages are left in {queue}")


def _told_once(seen: Observed) -> Iterator[Finding]:
    for message in seen.messages:
        times = seen.fed[message.tenant, message.id]
        if message.direction == "inbound" and times != 1:
            yield Finding("C4", "DUPLICATED" if times else "LOST", f"{message.id} stands {times} times in the feed")


def usage_of(messages: Iterable[Message]) -> dict[str, Counter[str]]:
    """Return by tenant what its messages came to, as it is to be metered."""
    used: dict[str, Counter[str]] = defaultdict(Counter)
    chats: dict[str, set[str]] = defaultdict(set)
    for message in messages:
        used[message.tenant]["messages_received" if message.direction == "inbound" else "messages_sent"] += 1
        used[message.tenant]["automations_run"] += message.source == "trigger"
        chats[message.tenant].add(message.chat_id)
    for tenant, ids in chats.items():
        used[tenant]["active_contacts"] = len(ids)
    return used


def _counted(where: str, whose: str, counted: int, there: int) -> Iterator[Finding]:
    if counted != there:
        verdict = "LOST" if counted < there else "DUPLICATED"
        yield Finding("C4", verdict, f"{where} of {whose}: {counted}, there are {there}")


def in_order(book: Book, seen: Observed, expected: Expected) -> Iterator[Finding]:
    """C5: within a chat the accepted messages stand in the order of their numbers; a status never went backwards. Parked ones excepted.

    One whose outcome is not known may have been stored at any time since, so it has no place to be held to.
    """
    chats: dict[str, list[Message]] = defaultdict(list)
    for message in seen.messages:
        operation = None if message.name in expected.applied_late else book.get(message.name or "")
        if message.direction == "inbound" and operation is not None and operation.outcome == "ok":
            chats[message.chat_id].append(message)
    for chat_id, messages in chats.items():
        numbers = [book[each.name or ""].seq for each in sorted(messages, key=lambda each: each.sequence)]
        if any(later <= earlier for earlier, later in itertools.pairwise(numbers)):
            yield Finding("C5", "REORDERED", f"chat {chat_id}: {numbers}")
    for message_id, steps in seen.steps.items():
        ranks = [RANKS[each] for each in steps]
        if any(later < earlier for earlier, later in itertools.pairwise(ranks)):
            yield Finding("C5", "REORDERED", f"the status of {message_id} went backwards: {steps}")


def sent_at_most_once(book: Book, seen: Observed) -> Iterator[Finding]:
    """C6: one message per request, at most one on the phone, and what is said to be sent is there; every one has an outcome."""
    texts = Counter(text for phone in seen.phones.values() for text in phone)
    for times in texts.values():
        if times > 1:
            yield Finding("C6", "DOUBLE", f"one text is {times} times on a phone")
    asked = {text_of_send(each.op_id): each for each in book.values() if each.kind == "send"}
    rows: dict[str, list[Message]] = defaultdict(list)
    for message in seen.messages:
        if message.direction == "outbound" and message.text in asked:
            rows[message.text].append(message)
    for text, operation in asked.items():
        there = rows[text]
        if len(there) > 1:
            yield Finding("C6", "DOUBLE", f"request {operation.op_id} made {len(there)} messages")
        if operation.outcome == "ok" and not there:
            yield Finding("C6", "LOST", f"request {operation.op_id} was accepted and made no message")
        if operation.outcome == "fail" and there:
            yield Finding("C6", "PHANTOM", f"request {operation.op_id} was refused and made a message")
    for message in (each for each in seen.messages if each.direction == "outbound" and seen.phones):
        if message.status in ("queued", "unknown"):
            yield Finding("C6", "STUCK", f"{message.id} is still {message.status}")
        elif (message.status in DONE) != (texts[message.text] > 0):
            yield Finding("C6", "LOST", f"{message.id} is {message.status}, on the phone {texts[message.text]} times")
    yield from _answered_once(seen)


def _answered_once(seen: Observed) -> Iterator[Finding]:
    """Where a rule answers questions, each has one answer."""
    answers = Counter(each.text for each in seen.messages if each.source == "trigger")
    with_rule = {each.tenant for each in seen.messages if each.source == "trigger"}
    for message in seen.messages:
        if message.direction == "inbound" and message.tenant in with_rule and "?" in message.text:
            times = answers.pop(f"re {message.text}", 0)
            if times != 1:
                yield Finding("C6", "DOUBLE" if times else "LOST", f"question {message.name} has {times} answers")
    for _ in answers:
        yield Finding("C6", "UNEXPECTED", "an answer without question")


def conserved(book: Book, seen: Observed, expected: Expected) -> Iterator[Finding]:
    """C7: one contact for each customer who wrote; every stored message is one that was sent; one chat for each customer."""
    known = {each.op_id: each for each in webhooks(book)}
    for message in seen.messages:
        if message.direction == "inbound" and message.name not in known:
            yield Finding("C7", "UNEXPECTED", f"{message.name} is stored and nobody sent it")
    wrote: dict[str, set[str]] = defaultdict(set)
    maybe: dict[str, set[str]] = defaultdict(set)
    for operation in known.values():
        if operation.outcome != "fail":
            came_through = operation.outcome == "ok" and operation.op_id not in expected.parked_ops
            (wrote if came_through else maybe)[operation.tenant].add(operation.chat)
    for tenant in wrote.keys() | seen.contacts.keys():
        count, sure = seen.contacts.get(tenant, 0), len(wrote[tenant])
        if not sure <= count <= len(wrote[tenant] | maybe[tenant]):
            yield Finding("C7", "LEAK", f"{count} contacts of {tenant}, {sure} customers wrote")
    chats: dict[tuple[str, str], set[str]] = defaultdict(set)
    for message in seen.messages:
        if message.direction == "inbound" and message.name in known:
            chats[message.tenant, known[message.name].chat].add(message.chat_id)
    for ids in chats.values():
        if len(ids) > 1:
            yield Finding("C7", "LEAK", f"the messages of one customer are in {len(ids)} chats")


def no_row_crossed(book: Book, seen: Observed) -> Iterator[Finding]:
    """C8: every message lies with the tenant whose webhook brought it; a wall shows all of its tenant and nothing else."""
    for message in seen.messages:
        operation = book.get(message.name or "")
        if operation is not None and operation.tenant != message.tenant:
            yield Finding("C8", "CROSSED", f"{message.name} of {operation.tenant} is stored with {message.tenant}")
    for look in seen.visible:
        if look.of_others or look.own != look.expected:
            what = f"{look.tenant} sees {look.own} of its {look.expected} {look.table} and {look.of_others} of others"
            yield Finding("C8", "CROSSED", what)
    for table, count in seen.visible_unset.items():
        if count:
            yield Finding("C8", "CROSSED", f"{count} {table} are seen without a wall")


def it_bit(bites: Bites) -> Iterator[Finding]:
    """C9: the counters show that the fault happened."""
    if not bites:
        yield Finding("C9", "DID NOT BITE", "nothing was counted")
    for name, times in bites.items():
        if not times:
            yield Finding("C9", "DID NOT BITE", name)
