"""The checker judges what it is shown: a run that was well is green, and each thing that is doctored turns it red."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from checker import Finding, check_all
from ledger import Ledger, Operation, read
from load import text_of_send
from observed import Message, Observed, Visible, queue_lengths
from scenario import Expected

BITES = {"kills": 3.0}


def webhook(number: int, *, tenant: str = "t1", outcome: str = "ok") -> Operation:
    return Operation(f"W{number}", "webhook", tenant, "c1", number, "", 0.0, outcome, 1)  # type: ignore[arg-type]


def stored(number: int, *, tenant: str = "t1") -> Message:
    return Message(
        tenant,
        f"m{number}",
        f"W{number}",
        f"chat-{tenant}",
        f"key-{tenant}",
        "c1",
        number,
        "inbound",
        None,
        "delivered",
        "hi",
    )


def sent(key: str, status: str = "read") -> Message:
    return Message(
        "t1", f"m-{key}", None, "chat-t1", "key-t1", "c1", 9, "outbound", "manual", status, text_of_send(key)
    )


@pytest.fixture
def book() -> dict[str, Operation]:
    """Three webhooks of one tenant, one of another, and a send."""
    operations = [
        webhook(1),
        webhook(2),
        webhook(3),
        webhook(4, tenant="t2"),
        Operation("S1", "send", "t1", "c1", 1, "", 0.0, "ok", 1),
    ]
    return {each.op_id: each for each in operations}


@pytest.fixture
def seen() -> Observed:
    """What is there when all went well."""
    found = Observed(
        messages=[stored(1), stored(2), stored(3), stored(4, tenant="t2"), sent("S1")],
        session_counts={("t1", "key-t1"): 3, ("t2", "key-t2"): 1},
        contacts={"t1": 1, "t2": 1},
        metered={
            "t1": {"messages_received": 3, "messages_sent": 1, "active_contacts": 1},
            "t2": {"messages_received": 1, "active_contacts": 1},
        },
        steps={"m-S1": ["queued", "sent", "delivered", "read"]},
        phones={("t1", "c1"): [text_of_send("S1")]},
        visible=[Visible("messages", "t1", 4, 4, 0), Visible("messages", "t2", 1, 1, 0)],
        visible_unset={"messages": 0},
    )
    found.fed.update({("t1", "m1"): 1, ("t1", "m2"): 1, ("t1", "m3"): 1, ("t2", "m4"): 1})
    found.deliveries.update({("t1", "W1"): 1, ("t1", "W2"): 1, ("t1", "W3"): 1, ("t2", "W4"): 1})
    return found


def verdicts(book: dict[str, Operation], seen: Observed, **more: object) -> set[tuple[str, str]]:
    arguments = {"expected": Expected(), "bites": BITES, **more}
    findings: list[Finding] = check_all(book, seen, **arguments)  # type: ignore[arg-type]
    return {(each.check, each.verdict) for each in findings}


def test_what_went_well_is_green(book: dict[str, Operation], seen: Observed) -> None:
    assert verdicts(book, seen) == set()


def lose_a_delivery(seen: Observed) -> None:
    del seen.deliveries["t1", "W2"]


def lose_a_message(seen: Observed) -> None:
    del seen.messages[1]


def keep_a_delivery_twice(seen: Observed) -> None:
    seen.deliveries["t1", "W2"] = 2


def store_a_message_twice(seen: Observed) -> None:
    seen.messages.append(replace(seen.messages[1], id="again", sequence=7))


def swap_two(seen: Observed) -> None:
    seen.messages[0] = replace(seen.messages[0], sequence=2)
    seen.messages[1] = replace(seen.messages[1], sequence=1)


def store_with_another_tenant(seen: Observed) -> None:
    seen.messages[1] = replace(seen.messages[1], tenant="t2")


def let_a_wall_leak(seen: Observed) -> None:
    seen.visible[0] = replace(seen.visible[0], of_others=1)


def let_a_wall_hide(seen: Observed) -> None:
    seen.visible[0] = replace(seen.visible[0], own=3)


def show_without_a_wall(seen: Observed) -> None:
    seen.visible_unset["messages"] = 5


def leave_one_unpublished(seen: Observed) -> None:
    seen.pending["contact"] = 1


def leave_one_in_a_queue(seen: Observed) -> None:
    seen.queues["messaging.session_message_recorded.dead"] = 1


def count_once_too_often(seen: Observed) -> None:
    seen.metered["t1"]["messages_received"] = 4


def miss_one_in_the_session(seen: Observed) -> None:
    seen.session_counts["t1", "key-t1"] = 2


def tell_twice_in_the_feed(seen: Observed) -> None:
    seen.fed["t1", "m2"] = 2


def leave_out_of_the_feed(seen: Observed) -> None:
    del seen.fed["t1", "m2"]


def park_one(seen: Observed) -> None:
    seen.parked["contact", "poison"] = 1


def store_what_nobody_sent(seen: Observed) -> None:
    seen.messages.append(replace(seen.messages[0], id="ghost", name="W99", sequence=8))


def meet_a_person_twice(seen: Observed) -> None:
    seen.contacts["t1"] = 2


def split_a_chat(seen: Observed) -> None:
    seen.messages[2] = replace(seen.messages[2], chat_id="another")


def send_twice(seen: Observed) -> None:
    seen.phones["t1", "c1"] = [text_of_send("S1")] * 2


def claim_a_send(seen: Observed) -> None:
    seen.phones["t1", "c1"] = ["something else"]


def leave_a_send_unknown(seen: Observed) -> None:
    seen.messages[4] = replace(seen.messages[4], status="unknown")


def make_two_messages_of_a_request(seen: Observed) -> None:
    seen.messages.append(replace(seen.messages[4], id="again"))


def go_backwards(seen: Observed) -> None:
    seen.steps["m-S1"] = ["queued", "sent", "read", "delivered"]


DOCTORED: list[tuple[Callable[[Observed], None], str, str]] = [
    (lose_a_delivery, "C1", "LOST"),
    (keep_a_delivery_twice, "C2", "DUPLICATED"),
    (leave_one_unpublished, "C3", "LOST"),
    (lose_a_message, "C4", "LOST"),
    (store_a_message_twice, "C4", "DUPLICATED"),
    (count_once_too_often, "C4", "DUPLICATED"),
    (miss_one_in_the_session, "C4", "LOST"),
    (tell_twice_in_the_feed, "C4", "DUPLICATED"),
    (leave_out_of_the_feed, "C4", "LOST"),
    (leave_one_in_a_queue, "C4", "LOST"),
    (park_one, "C4", "UNEXPECTED"),
    (swap_two, "C5", "REORDERED"),
    (go_backwards, "C5", "REORDERED"),
    (send_twice, "C6", "DOUBLE"),
    (claim_a_send, "C6", "LOST"),
    (leave_a_send_unknown, "C6", "STUCK"),
    (make_two_messages_of_a_request, "C6", "DOUBLE"),
    (store_what_nobody_sent, "C7", "UNEXPECTED"),
    (meet_a_person_twice, "C7", "LEAK"),
    (split_a_chat, "C7", "LEAK"),
    (store_with_another_tenant, "C8", "CROSSED"),
    (let_a_wall_leak, "C8", "CROSSED"),
    (let_a_wall_hide, "C8", "CROSSED"),
    (show_without_a_wall, "C8", "CROSSED"),
]


@pytest.mark.parametrize(("doctor", "check", "verdict"), DOCTORED, ids=[each[0].__name__ for each in DOCTORED])
def test_what_is_doctored_turns_it_red(
    book: dict[str, Operation], seen: Observed, doctor: Callable[[Observed], None], check: str, verdict: str
) -> None:
    doctor(seen)
    assert (check, verdict) in verdicts(book, seen)


def test_a_fault_that_did_not_bite_proves_nothing(book: dict[str, Operation], seen: Observed) -> None:
    assert verdicts(book, seen, bites={}) == {("C9", "DID NOT BITE")}
    assert verdicts(book, seen, bites={"kills": 3, "redelivered": 0}) == {("C9", "DID NOT BITE")}


def test_what_nobody_knows_may_be_there_or_not_and_at_any_place_but_once(
    book: dict[str, Operation], seen: Observed
) -> None:
    book["W2"] = replace(book["W2"], outcome="info")
    assert verdicts(book, seen) == set()
    swap_two(seen)
    assert verdicts(book, seen) == set()
    keep_a_delivery_twice(seen)
    assert verdicts(book, seen) == {("C2", "DUPLICATED")}


def test_what_was_refused_must_not_be_there(book: dict[str, Operation], seen: Observed) -> None:
    book["W2"] = replace(book["W2"], outcome="fail")
    assert {("C1", "PHANTOM"), ("C4", "PHANTOM")} <= verdicts(book, seen)


def test_what_is_parked_as_expected_is_neither_stored_nor_lost(book: dict[str, Operation], seen: Observed) -> None:
    lose_a_message(seen)
    seen.session_counts["t1", "key-t1"] = seen.metered["t1"]["messages_received"] = 2
    park_one(seen)
    expected = Expected(parked_ops={"W2"})
    expected.parked["contact", "poison"] = 1
    assert verdicts(book, seen, expected=expected) == set()


def test_what_people_applied_late_stands_where_it_was_applied(book: dict[str, Operation], seen: Observed) -> None:
    seen.messages[0] = replace(seen.messages[0], sequence=8)
    assert verdicts(book, seen) == {("C5", "REORDERED")}
    assert verdicts(book, seen, expected=Expected(applied_late={"W1"})) == set()


def test_what_came_when_nobody_could_know_it_is_delivered_twice_and_stored_once(
    book: dict[str, Operation], seen: Observed
) -> None:
    seen.deliveries["t1", "W2"] = 2
    seen.session_counts["t1", "key-t1"] = 4
    expected = Expected(accepted_again={"W2"})
    assert verdicts(book, seen, expected=expected) == set()
    seen.deliveries["t1", "W2"] = 3
    assert verdicts(book, seen, expected=expected) == {("C2", "DUPLICATED")}


def test_a_ledger_says_what_was_known_last_and_forgets_a_torn_line(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.begin("W1", "webhook", "t1", "c1", 1, b"body")
    assert read(ledger.path)["W1"].outcome == "info"
    ledger.end("W1", "ok", 2)
    ledger.close()
    with ledger.path.open("a") as file:
        file.write('{"op_id": "W2", "kind"')
    (known,) = read(ledger.path).values()
    assert (known.op_id, known.outcome, known.attempts) == ("W1", "ok", 2)


def test_queues_are_read_as_they_are_listed() -> None:
    assert queue_lengths("contact.a.0\t0\ncontact.a.1\t12\nname\tmessages\n") == {"contact.a.1": 12}
