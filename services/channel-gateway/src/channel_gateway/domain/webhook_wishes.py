"""What we ask of a provider session's webhook: which events, and how often to repeat what nobody took."""

EVENTS = (
    "message.any",
    "message.ack",
    "message.ack.group",
    "message.reaction",
    "message.edited",
    "message.revoked",
    "session.status",
)
"""Every WAHA since 2025 knows these. `message` beside `message.any` would deliver everything twice."""

RETRY_POLICY = "exponential"
RETRY_ATTEMPTS = 15
RETRY_DELAY_S = 2
"""Together about 36 hours of cover."""
