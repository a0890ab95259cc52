"""The webhooks of the load: what they are made of, and that whoever hears a message knows which it was."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest
from channel_gateway.adapters.waha.translate_inbound import translate
from channel_gateway.domain.inbound import Acknowledgement, InboundMessage, Kept
from mix import ASKS, ENGINES, KINDS, MESSAGES, PHONES, Door, Mix, Webhook, number_of

RUN, MET, COUNT = "0000AAAA", "0000BBBB", 6_000
DOORS = [Door(f"/hooks/{number}", f"key {number}", f"s{number}") for number in range(10)]
NOW = datetime.now(UTC)


def mix(seed: int = 1) -> Mix:
    """Return a mix of ten tenants."""
    return Mix(DOORS, "http://127.0.0.1:1/api/files", RUN, MET, seed, NOW)


@pytest.fixture(scope="module")
def webhooks() -> list[Webhook]:
    """Return some thousand webhooks."""
    made = mix()
    return [made.webhook(number) for number in range(COUNT)]


def test_the_shares_are_those_that_are_told(webhooks: list[Webhook]) -> None:
    assert sum(KINDS.values()) == pytest.approx(1)
    counted = Counter(webhook.kind for webhook in webhooks)
    for kind, share in KINDS.items():
        assert counted[kind] / COUNT == pytest.approx(share, abs=0.02), kind
    assert {webhook.tenant for webhook in webhooks} == set(range(len(DOORS)))


def test_the_door_makes_of_each_what_it_counts_as(webhooks: list[Webhook]) -> None:
    became = {"read": Acknowledgement, "reaction": Kept, "edit": Kept}
    for webhook in webhooks:
        said = translate(webhook.body, channel_engine=None, received_at=NOW, allow_groups=True)
        assert isinstance(said, became.get(webhook.kind, InboundMessage)), (webhook, said)
        if isinstance(said, InboundMessage):
            assert said.from_me == (webhook.kind not in MESSAGES)
            assert number_of(RUN, said.provider_message_id) == webhook.number


def test_every_mark_is_filled_in_and_bodies_name_their_engine(webhooks: list[Webhook]) -> None:
    for webhook in webhooks:
        assert b"<" not in webhook.body
        assert json.loads(webhook.body)["environment"]["engine"] == ENGINES[webhook.tenant]


def test_equal_seeds_give_equal_webhooks(webhooks: list[Webhook]) -> None:
    again, other = mix(), mix(seed=2)
    assert [again.webhook(number).body for number in range(50)] == [each.body for each in webhooks[:50]]
    assert [other.webhook(number).body for number in range(50)] != [each.body for each in webhooks[:50]]


def test_everybody_writes_first_once() -> None:
    first = mix()
    senders = {json.loads(first.first(number).body)["payload"]["from"] for number in range(0, PHONES, 7)}
    assert len(senders) == len(range(0, PHONES, 7))


def test_about_one_message_in_ten_is_asked_for_by_a_rule(webhooks: list[Webhook]) -> None:
    messages = [webhook for webhook in webhooks if webhook.is_message]
    asking = [each for each in messages if any(f" {ask} " in each.body.decode() for ask in ASKS)]
    assert len(asking) / len(messages) == pytest.approx(0.1, abs=0.03)


def test_other_runs_are_not_taken_for_ours() -> None:
    assert number_of(RUN, "3A0000CCCC00000001") is None
