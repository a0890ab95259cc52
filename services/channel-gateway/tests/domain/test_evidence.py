"""Which own messages prove which sends, where the engine takes no id of ours."""

from datetime import UTC, datetime, timedelta
from typing import Any

from channel_gateway.domain.evidence import OwnMessage, proofs, same_text
from channel_gateway.domain.sending import Attempt, Heard
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WINDOW = timedelta(seconds=120)
CHAT, OTHER = "5521955550001@c.us", "5521955550002@c.us"


def attempt_of(name: str, text: str, *, at: float = 0, chat: str = CHAT, reserved: bool = False) -> Attempt:
    rest: dict[str, Any] = {
        "content_type": "text",
        "priority": 1,
        "state": "unknown",
        "attempts": 1,
        "failures": 1,
        "provider_id": "R" if reserved else None,
        "provider_ref": None,
        "id_reserved": reserved,
        "queued_at": NOW,
        "expires_at": NOW,
        "unknown_since": NOW,
        "looks": 0,
        "last_error": None,
        "heard": Heard("e", "co", "user:1"),
    }
    return Attempt(
        tenant_id="t",
        project_id="p",
        message_id=name,
        channel_id="c",
        chat_key="k",
        external_chat_id=chat,
        phone=None,
        text=text,
        sending_at=NOW + timedelta(seconds=at),
        **rest,
    )


def message_of(name: str, text: str | None, *, at: float = 1, chat: str = CHAT) -> OwnMessage:
    return OwnMessage(name, None, frozenset({chat, "700@lid"}), text, NOW + timedelta(seconds=at))


def names(pairs: list[tuple[Attempt, OwnMessage]]) -> list[tuple[str, str]]:
    return [(attempt.message_id, message.provider_id) for attempt, message in pairs]


def test_the_same_text_in_the_same_chat_at_the_same_time_proves_a_send() -> None:
    assert names(proofs([attempt_of("a", "oi")], [message_of("X", "oi")], WINDOW)) == [("a", "X")]


def test_another_text_chat_or_time_proves_nothing() -> None:
    wrong = [
        message_of("X", "oi!"),
        message_of("Y", "oi", chat=OTHER),
        message_of("Z", "oi", at=-121),
        message_of("W", "oi", at=241),
        message_of("V", None),
    ]
    assert proofs([attempt_of("a", "oi")], wrong, WINDOW) == []


def test_an_id_that_proves_another_send_is_not_used_again() -> None:
    assert proofs([attempt_of("a", "oi")], [message_of("X", "oi")], WINDOW, known={"X"}) == []


def test_a_send_with_an_id_of_ours_is_proven_by_that_alone() -> None:
    assert proofs([attempt_of("a", "oi", reserved=True)], [message_of("X", "oi")], WINDOW) == []


def test_several_with_one_text_are_proven_in_their_order() -> None:
    attempts = [attempt_of("second", "oi", at=5), attempt_of("first", "oi", at=0)]
    messages = [message_of("Y", "oi", at=6), message_of("X", "oi", at=1)]
    assert names(proofs(attempts, messages, WINDOW)) == [("first", "X"), ("second", "Y")]
    assert names(proofs(attempts, messages[:1], WINDOW)) == [("first", "Y")]


@given(
    sends=st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 60)), max_size=8),
    found=st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 60)), max_size=8),
)
def test_each_message_proves_one_send_and_each_send_is_proven_once(
    sends: list[tuple[str, float]], found: list[tuple[str, float]]
) -> None:
    attempts = [attempt_of(f"s{n}", text, at=at) for n, (text, at) in enumerate(sends)]
    messages = [message_of(f"m{n}", text, at=at) for n, (text, at) in enumerate(found)]
    pairs = names(proofs(attempts, messages, WINDOW))
    assert len({send for send, _ in pairs}) == len(pairs) == len({message for _, message in pairs})
    texts = {f"s{n}": text for n, (text, _) in enumerate(sends)} | {f"m{n}": text for n, (text, _) in enumerate(found)}
    assert all(texts[send] == texts[message] for send, message in pairs)
    for text in "abc":
        expected = min(sum(each == text for each, _ in sends), sum(each == text for each, _ in found))
        assert sum(texts[send] == text for send, _ in pairs) == expected


def test_line_ends_and_blanks_around_make_no_other_text() -> None:
    assert same_text("oi \r\n tudo bem?  ", "oi\n tudo bem?")
    assert not same_text("oi tudo", "oi  tudo")
