"""The topology as relays and consumers see it."""

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


def test_the_shipped_topology_names_every_event() -> None:
    topology = load_topology()
    assert (topology.exchange, topology.dead_letter_exchange) == ("ventros.events", "ventros.dead")
    assert set(topology.events) == set(payloads())
