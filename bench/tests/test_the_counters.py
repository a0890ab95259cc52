"""How full batches were, from two looks at the services' metrics."""

from counters import Counted, events_per_message, lag_s, rows_per_transaction

BEFORE: Counted = {
    ("contact", 'relay_batch_size_sum{process="run",service="contact"}'): 100.0,
    ("contact", 'relay_batch_size_count{process="run",service="contact"}'): 50.0,
    ("contact", 'batch_size_sum{consumer="channel_message_received",process="run"}'): 10.0,
    ("contact", 'batch_size_count{consumer="channel_message_received",process="run"}'): 10.0,
    ("channel-gateway", 'ingest_batch_size_sum{process="run"}'): 7.0,
    ("channel-gateway", 'ingest_batch_size_count{process="run"}'): 7.0,
}
AFTER: Counted = {
    **BEFORE,
    ("contact", 'relay_batch_size_sum{process="run",service="contact"}'): 400.0,
    ("contact", 'relay_batch_size_count{process="run",service="contact"}'): 60.0,
    ("session", 'relay_batch_size_sum{process="run",service="session"}'): 100.0,
    ("session", 'relay_batch_size_count{process="run",service="session"}'): 10.0,
    ("contact", 'batch_size_sum{consumer="channel_message_received",process="run"}'): 110.0,
    ("contact", 'batch_size_count{consumer="channel_message_received",process="run"}'): 15.0,
    ("contact", 'consumer_lag_seconds{consumer="channel_message_received"}'): 0.25,
    ("session", 'consumer_lag_seconds{consumer="contact_sender_identified"}'): 3.5,
}


def test_only_what_grew_is_counted() -> None:
    assert events_per_message(BEFORE, AFTER) == {"contact": 30.0, "session": 10.0, "all": 20.0}
    assert rows_per_transaction(BEFORE, AFTER) == {"contact.channel_message_received": 20.0}
    assert rows_per_transaction({}, BEFORE) == {"door": 1.0, "contact.channel_message_received": 1.0}


def test_the_oldest_of_all_consumers_counts() -> None:
    assert lag_s(AFTER) == 3.5
    assert lag_s(BEFORE) == 0.0
