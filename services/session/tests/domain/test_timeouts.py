"""How long silence may last: the pipeline says, else the channel, else the project, else 30 minutes."""

from datetime import UTC, datetime

import pytest
from session.domain.attendance import Message
from session.domain.timeouts import Timeouts, usable

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def a_message(*, pipeline: str | None = "pipeline", channel: int | None = None, tenant: str = "tenant") -> Message:
    """Return a message on a channel with these settings."""
    return Message(
        tenant_id=tenant,
        project_id="project",
        chat_key="chat",
        chat_type="individual",
        channel_id="channel",
        channel_type="waha",
        contact_id="ana",
        pipeline_id=pipeline,
        channel_minutes=channel,
        inbound=True,
        source=None,
        origin="live",
        occurred_at=NOON,
        received_at=NOON,
    )


ALL = Timeouts({("tenant", "pipeline"): 10, ("tenant", "project"): 40})
PROJECT_ONLY = Timeouts({("tenant", "project"): 40})


@pytest.mark.parametrize(
    ("timeouts", "message", "minutes"),
    [
        (ALL, a_message(channel=20), 10),
        (ALL, a_message(pipeline=None, channel=20), 20),
        (ALL, a_message(pipeline="unknown", channel=20), 20),
        (PROJECT_ONLY, a_message(channel=20), 20),
        (PROJECT_ONLY, a_message(), 40),
        (PROJECT_ONLY, a_message(channel=0), 40),
        (PROJECT_ONLY, a_message(channel=1441), 40),
        (ALL, a_message(tenant="other"), 30),
        (Timeouts(), a_message(channel=-5), 30),
        (Timeouts(default=7), a_message(), 7),
    ],
)
def test_the_nearest_that_says_something_usable_decides(timeouts: Timeouts, message: Message, minutes: int) -> None:
    assert timeouts.of(message) == minutes


@pytest.mark.parametrize(("said", "used"), [(None, None), (0, None), (-1, None), (1441, None), (1, 1), (1440, 1440)])
def test_minutes_outside_of_their_range_say_nothing(said: int | None, used: int | None) -> None:
    assert usable(said) == used
