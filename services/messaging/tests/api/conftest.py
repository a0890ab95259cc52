"""A shop whose channel works."""

from typing import Any

import messaging_events as heard
import pytest
from messaging_sending import CHAT_KEY, TENANT


@pytest.fixture
async def shop(door: Any) -> Any:
    """A channel that works, and Ana who has written on it."""
    await door.hears(heard.channel(TENANT))
    await door.hears(heard.contact(TENANT, phone="+12025550143"))
    await door.hears(heard.message(TENANT, "THEIRS", chat=CHAT_KEY, text="any left?"))
    return door
