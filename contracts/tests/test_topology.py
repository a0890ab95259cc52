"""The topology as relays and consumers see it."""

from contracts.public import public_events
from contracts.registry import payloads
from contracts.topology import Topology, load_topology

SMALL = Topology(
    exchange="events",
    dead_letter_exchange="dead",
    events={
        "a.done.v1": {"subscriptions": ["contact.a_done", "api-gateway.a_done"], "transient": []},
        "b.done.v1": {"subscriptions": [], "transient": ["api-gateway.b_done"]},
        "c.done.v1": {"subscriptions": [], "transient": []},
    },
)


def test_a_type_is_heard_where_a_durable_queue_must_take_it() -> None:
    assert SMALL.subscriptions_of("a.done.v1") == ("contact.a_done", "api-gateway.a_done")
    assert [SMALL.is_heard(event_type) for event_type in SMALL.events] == [True, False, False]
    assert SMALL.transient_of("b.done.v1") == ("api-gateway.b_done",)


def test_a_type_that_the_topology_does_not_know_counts_as_heard() -> None:
    assert SMALL.is_heard("d.done.v1")
    assert SMALL.subscriptions_of("d.done.v1") == ()


def test_all_subscriptions_are_told_by_service_consumer_and_type() -> None:
    assert list(SMALL.all_subscriptions()) == [
        ("contact", "a_done", "a.done.v1"),
        ("api-gateway", "a_done", "a.done.v1"),
    ]


def test_a_consumer_of_several_types_is_one_consumer() -> None:
    topology = Topology(
        exchange="events",
        dead_letter_exchange="dead",
        events={
            "a.done.v1": {"subscriptions": ["contact.a_done", "contact.any"], "transient": []},
            "b.done.v1": {"subscriptions": ["contact.any"], "transient": []},
        },
    )
    assert topology.types_of_consumers() == {
        ("contact", "a_done"): ["a.done.v1"],
        ("contact", "any"): ["a.done.v1", "b.done.v1"],
    }


def test_every_public_event_is_heard_by_the_feed_and_no_other() -> None:
    topology = load_topology()
    feed = topology.types_of_consumers()["pipeline-automation", "any_public_event"]
    assert sorted(feed) == sorted(public_events())


def test_the_shipped_topology_names_every_event() -> None:
    topology = load_topology()
    assert (topology.exchange, topology.dead_letter_exchange) == ("ventros.events", "ventros.dead")
    assert set(topology.events) == set(payloads())
