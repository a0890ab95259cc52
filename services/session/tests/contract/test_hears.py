"""Every committed example of what we hear goes through the handler, and what is said can be read by its readers."""

from pathlib import Path
from typing import Any

import pytest
from contracts.envelope import encode
from contracts.reading import Reader, Unreadable
from contracts.registry import payloads
from session.entrypoints.events.on_contact_sender_identified import HEARS

FOLDER = Path(__file__).parents[4] / "contracts" / "examples" / HEARS.TYPE
EXAMPLES = [pytest.param(path.read_bytes(), id=path.stem) for path in sorted(FOLDER.glob("*.json"))]


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES)
async def test_an_example_is_placed_and_passed_on(line: Any, example: bytes) -> None:
    event = Reader(HEARS).read(example)
    assert not isinstance(event, Unreadable), event

    said = await line.hears(event)

    recorded = said[-1]
    assert recorded.type == "session.message_recorded.v1"
    assert recorded.causationid == event.id
    assert (recorded.data.session_id is None) == (event.data.contact_id is None)
    for each in said:
        assert not isinstance(Reader(payloads()[each.type]).read(encode(each)), Unreadable)
