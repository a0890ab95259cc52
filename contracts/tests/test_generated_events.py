"""200 generated events of each model, through the model and the committed schemas of the other side."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from contracts.compatibility import compatible
from contracts.registry import payloads

from contracts.schemas import Schemas, envelope_schemas, schemas_of

EVENTS, CHECKED_AGAINST_SCHEMAS = 200, 25


def committed(folder: Path, name: str) -> Schemas:
    return Schemas(*(json.loads((folder / "schemas" / f"{name}.{side}.json").read_bytes()) for side in Schemas._fields))


@pytest.mark.parametrize("event_type", sorted(payloads()))
def test_what_is_written_is_read(
    event_type: str,
    folder: Path,
    generated: Callable[[Any, int], list[bytes]],
    validator_of: Callable[[dict[str, Any]], Any],
) -> None:
    payload, schemas = payloads()[event_type], committed(folder, event_type)
    events = generated(payload, EVENTS)
    decode = msgspec.json.Decoder(payload).decode
    assert [msgspec.json.encode(decode(event)) for event in events] == events
    for schema in schemas:
        validator = validator_of(schema)
        for event in events[:CHECKED_AGAINST_SCHEMAS]:
            assert [error.message for error in validator.iter_errors(json.loads(event))] == []


@pytest.mark.parametrize("event_type", [*sorted(payloads()), "envelope"])
def test_the_models_agree_with_the_committed_schemas(event_type: str, folder: Path) -> None:
    now = envelope_schemas() if event_type == "envelope" else schemas_of(payloads()[event_type])
    assert compatible(committed(folder, event_type), now) == []
