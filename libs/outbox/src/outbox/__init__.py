"""The transactional outbox, the inbox, the parked events and the relay."""
