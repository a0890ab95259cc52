"""What the tests of the contracts share: generated events and a validator that understands our marks."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import msgspec
import pytest
from contracts.content import KnownContent
from msgspec import inspect

FOLDER = Path(__file__).parents[1]


def _value(kind: Any, random: Random) -> Any:
    """Return a value that a type allows, as plain JSON, made from the model and not from its schema."""
    match kind:
        case inspect.Metadata():
            return _value(kind.type, random)
        case inspect.StructType():
            given = {
                field.encode_name: _value(field.type, random)
                for field in kind.fields
                if field.required or random.random() < 0.7
            }
            return given if kind.tag is None else {kind.tag_field: kind.tag, **given}
        case inspect.UnionType():
            return _value(random.choice(kind.types), random)
        case inspect.LiteralType():
            return random.choice(kind.values)
        case inspect.StrType():
            longest = kind.max_length or 40
            return "".join(random.choice('aé💚 \n"0') for _ in range(random.randint(kind.min_length or 0, longest)))
        case inspect.IntType():
            return random.randint(kind.ge if kind.ge is not None else -(2**40), kind.le or 2**40)
        case inspect.FloatType():
            return round(random.uniform(kind.ge or -1000, kind.le or 1000), 6)
        case inspect.BoolType():
            return random.random() < 0.5
        case inspect.NoneType():
            return None
        case inspect.DateTimeType():
            return datetime.fromtimestamp(random.randrange(2_000_000_000), UTC).isoformat()
        case inspect.VarTupleType():
            return [_value(kind.item_type, random) for _ in range(random.randint(0, 3))]
        case inspect.DictType():
            return {f"key{number}": _value(kind.value_type, random) for number in range(random.randint(0, 3))}
        case inspect.AnyType():
            return random.choice([None, 1, "text", [True], {"deep": {"er": 2}}])
        case inspect.RawType():
            return _content(random)
    raise NotImplementedError(f"no values are made for {kind}")


def _content(random: Random) -> Any:
    """A kind of content that we know, or one that a later release might add."""
    kind = random.choice([*KnownContent.__args__, None])
    if kind is None:
        return {"type": "hologram", "text": "hello", "depth": {"cm": [3, 4]}}
    return msgspec.to_builtins(msgspec.convert(_value(inspect.type_info(kind), random), kind))


@pytest.fixture(scope="session")
def generated() -> Callable[[Any, int], list[bytes]]:
    """`generated(model, 200)`: that many values as their writer writes them, the same ones in every run."""

    def make(model: Any, count: int) -> list[bytes]:
        random, kind = Random(11), inspect.type_info(model)
        values = (msgspec.json.encode(_value(kind, random)) for _ in range(count))
        return [msgspec.json.encode(msgspec.json.decode(value, type=model)) for value in values]

    return make


def _check_open_union(validator: Any, union: Any, instance: Any, schema: Any) -> Iterator[Any]:
    kind = union["known"].get(instance.get(union["tag"])) if isinstance(instance, dict) else None
    if kind is not None:
        yield from validator.descend(instance, kind)


@pytest.fixture(scope="session")
def validator_of() -> Callable[[dict[str, Any]], Any]:
    """`validator_of(schema)`: JSON Schema 2020-12, with formats checked and the known kinds of open unions."""
    dialect: Any = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"x-open-union": _check_open_union})
    return lambda schema: dialect(schema, format_checker=jsonschema.FormatChecker())


@pytest.fixture(scope="session")
def folder() -> Path:
    """The folder of the contracts."""
    return FOLDER
