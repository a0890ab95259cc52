"""Every committed example of what we hear goes through its handler, and what is said can be read by its readers."""

from pathlib import Path
from typing import Any

import pytest
from contracts.envelope import encode
from contracts.reading import Reader, Unreadable
from contracts.registry import payloads
from pipeline_automation.bootstrap import HEARING

FOLDER = Path(__file__).parents[4] / "contracts" / "examples"
EXAMPLES = [
    pytest.param(module, path.read_bytes(), id=f"{module.HEARS.TYPE}-{path.stem}")
    for module in HEARING
    for path in sorted((FOLDER / module.HEARS.TYPE).glob("*.json"))
]


def test_there_is_an_example_of_everything_that_is_heard() -> None:
    assert {module.HEARS.TYPE for module in HEARING} == {each.values[0].HEARS.TYPE for each in EXAMPLES}


@pytest.mark.parametrize(("module", "example"), EXAMPLES)
async def test_an_example_is_understood_and_what_follows_can_be_read(line: Any, module: Any, example: bytes) -> None:
    event = Reader(module.HEARS).read(example)
    assert not isinstance(event, Unreadable), event

    said = await line.hears(getattr(module, module.__name__.rpartition(".")[2]), event)

    for each in said:
        assert each.causationid == event.id
        assert not isinstance(Reader(payloads()[each.type]).read(encode(each)), Unreadable)
