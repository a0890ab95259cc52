"""JSON Schemas of the models: what readers accept and what writers write.

msgspec gives one schema, in which every field with a default is optional: that is the reader's. The writer's says more:
a model with `omit_defaults` never writes the null that is a field's default, any other writes all of its fields.
Nested models are taken to write as their root does.
"""

from typing import Any, NamedTuple

import msgspec

from contracts.envelope import Event

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
OPEN_UNION = "x-open-union"


class Schemas(NamedTuple):
    """Both sides of one event version."""

    written: Schema
    read: Schema


def schemas_of(model: Any) -> Schemas:
    """Return the schemas of a model's JSON; `model` is a struct, or a generic one with its arguments."""
    read = msgspec.json.schema(model)
    definitions = read.setdefault("$defs", {})
    _lift_definitions(read, definitions)
    omits_defaults = getattr(model, "__origin__", model).__struct_config__.omit_defaults
    return Schemas(
        written={"$schema": DIALECT, **_as_written(read, omits_defaults)},
        read={"$schema": DIALECT, **read},
    )


def envelope_schemas() -> Schemas:
    """Return the schemas of the envelope around data of any kind."""
    return schemas_of(Event[msgspec.Raw])


def _lift_definitions(node: Any, definitions: dict[str, Schema]) -> None:
    """Move the definitions that open unions bring along to the root, where `$ref` looks for them."""
    if isinstance(node, dict):
        definitions.update(node.get(OPEN_UNION, {}).pop("$defs", {}))
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            _lift_definitions(child, definitions)


def _as_written(node: Any, omits_defaults: bool) -> Any:
    if isinstance(node, list):
        return [_as_written(child, omits_defaults) for child in node]
    if not isinstance(node, dict):
        return node
    written = {key: _as_written(value, omits_defaults) for key, value in node.items()}
    if node.get("type") == "object" and "properties" in node:
        properties = node["properties"]
        written["properties"] = {
            name: _property_as_written(property, omits_defaults) for name, property in properties.items()
        }
        written["required"] = node["required"] if omits_defaults else list(properties)
    return written


def _property_as_written(property: Schema, omits_defaults: bool) -> Schema:
    written: Schema = _as_written({key: value for key, value in property.items() if key != "default"}, omits_defaults)
    if omits_defaults and property.get("default", ...) is None and "anyOf" in written:
        alternatives = [one for one in written.pop("anyOf") if one != {"type": "null"}]
        written |= alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives}
    return written
