"""Can a reader with one schema read everything that a writer with another schema writes?

A walk over both schemas at once. It knows the JSON Schema that msgspec makes of our models and our two marks:
`x-open-enum` (a text whose values may grow) and `x-open-union` (kinds may grow; a reader keeps those it does not know).
Any other keyword stops it: a rule that nobody weighed must not pass for harmless.
"""

from typing import Any

from contracts.schemas import OPEN_UNION, Schema, Schemas

ANNOTATIONS = {"$schema", "$defs", "title", "description", "default", "examples", "x-personal", "x-open-enum"}
LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
SAME_OR_ABSENT = ("format", "pattern", "multipleOf", "contentEncoding")
VALUES = {"type", "enum", "const", "anyOf", "discriminator", "$ref", OPEN_UNION}
PARTS = {"properties", "required", "additionalProperties", "items", "prefixItems"}
UNDERSTOOD = ANNOTATIONS | VALUES | PARTS | {*LOWER_BOUNDS, *UPPER_BOUNDS, *SAME_OR_ABSENT}


class UnknownKeywordError(Exception):
    """A schema says something that this walk cannot judge."""


def compatible(old: Schemas, new: Schemas) -> list[str]:
    """Return why old and new releases cannot live side by side; empty when they can."""
    return [f"old reader, new event: {reason}" for reason in differences(new.written, old.read)] + [
        f"new reader, old event: {reason}" for reason in differences(old.written, new.read)
    ]


def differences(written: Schema, read: Schema) -> list[str]:
    """Return reasons why a reader with schema `read` could not read all that a writer with schema `written` writes."""
    return _Walk(written, read).compare(written, read, "event")


class _Walk:
    def __init__(self, written: Schema, read: Schema) -> None:
        self._written_definitions: Schema = written.get("$defs", {})
        self._read_definitions: Schema = read.get("$defs", {})
        self._under_way: set[tuple[str, str]] = set()

    def compare(self, written: Schema, read: Schema, at: str) -> list[str]:
        pair = (str(written.get("$ref")), str(read.get("$ref")))
        if "None" not in pair:
            if pair in self._under_way:
                return []  # a model inside itself: this pair is being judged already
            self._under_way.add(pair)
        try:
            return self._compare(
                _resolve(written, self._written_definitions), _resolve(read, self._read_definitions), at
            )
        finally:
            self._under_way.discard(pair)

    def _compare(self, written: Schema, read: Schema, at: str) -> list[str]:
        if not set(read) - ANNOTATIONS:
            return []
        if OPEN_UNION in read:
            return self._open_union(written, read[OPEN_UNION], at)
        if OPEN_UNION in written and "anyOf" in read:
            return [f"{at}: the writer may say any kind, the reader's kinds are closed"]
        if "anyOf" in written or "anyOf" in read:
            return self._alternatives(written, read, at)
        if (type_ := _type_of(written)) != _type_of(read) and (type_, _type_of(read)) != ("integer", "number"):
            return [f"{at}: the writer writes {type_}, the reader expects {_type_of(read)}"]
        reasons = _value_reasons(written, read, at)
        if type_ == "object":
            reasons += self._object(written, read, at)
        if type_ == "array":
            reasons += self._array(written, read, at)
        return reasons

    def _open_union(self, written: Schema, union: Schema, at: str) -> list[str]:
        tag = union["tag"]
        if OPEN_UNION in written:
            kinds = dict(written[OPEN_UNION]["known"])
        else:
            members = [_resolve(one, self._written_definitions) for one in written.get("anyOf", [written])]
            kinds = {_tag_of(member, tag): member for member in members}
            if None in kinds:
                return [f"{at}: the writer may write something without '{tag}', by which the reader tells kinds apart"]
        known = union["known"]
        return [
            reason
            for kind in kinds.keys() & known.keys()
            for reason in self.compare(kinds[kind], known[kind], f"{at}<{kind}>")
        ]

    def _alternatives(self, written: Schema, read: Schema, at: str) -> list[str]:
        reasons = []
        tag = (read.get("discriminator") or written.get("discriminator") or {}).get("propertyName")
        readable = read.get("anyOf", [read])
        for one in written.get("anyOf", [written]):
            label = _label(_resolve(one, self._written_definitions), tag)
            verdicts = {
                _label(_resolve(other, self._read_definitions), tag): self.compare(one, other, at) for other in readable
            }
            if all(verdicts.values()):  # each of the reader's alternatives has reasons against this one
                reasons += verdicts.get(label) or [f"{at}: the reader does not know {label!r}, only {sorted(verdicts)}"]
        return reasons

    def _object(self, written: Schema, read: Schema, at: str) -> list[str]:
        always, sometimes, wanted = written.get("required", []), _fields(written), _fields(read)
        reasons = [
            f"{at}: the reader requires '{name}', the writer may leave it out"
            for name in read.get("required", [])
            if name not in always
        ]
        free = written.get("additionalProperties", "properties" not in written)  # a model writes its own fields only
        for name in wanted.keys() | sometimes.keys():
            writes = sometimes.get(name, free)
            reads = wanted.get(name, read.get("additionalProperties", True))
            if writes is not False:
                reasons += self._member(writes, reads, f"{at}.{name}")
        if free is not False:
            reasons += self._member(free, read.get("additionalProperties", True), f"{at}.*")
        return sorted(reasons)

    def _member(self, writes: Any, reads: Any, at: str) -> list[str]:
        if reads is False:
            return [f"{at}: the reader refuses fields that it does not know"]
        return [] if reads is True else self.compare({} if writes is True else writes, reads, at)

    def _array(self, written: Schema, read: Schema, at: str) -> list[str]:
        first_written, first_read = written.get("prefixItems", []), read.get("prefixItems", [])
        rest_written, rest_read = written.get("items", True), read.get("items", True)
        reasons = []
        for place in range(max(len(first_written), len(first_read))):
            writes = first_written[place] if place < len(first_written) else rest_written
            reads = first_read[place] if place < len(first_read) else rest_read
            if writes is not False:
                reasons += self._member(writes, reads, f"{at}[{place}]")
        return reasons + (self._member(rest_written, rest_read, f"{at}[]") if rest_written is not False else [])


def _resolve(schema: Schema, definitions: Schema) -> Schema:
    while "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    if unknown := set(schema) - UNDERSTOOD:
        raise UnknownKeywordError(f"cannot judge {sorted(unknown)} in {schema}")
    return schema


def _fields(schema: Schema) -> Schema:
    properties: Schema = schema.get("properties", {})
    return properties


def _values(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _type_of(schema: Schema) -> str:
    if values := _values(schema):
        names: dict[type, str] = {bool: "boolean", int: "integer", str: "string", type(None): "null"}
        return "|".join(sorted({names.get(type(value), "number") for value in values}))
    if isinstance(schema.get("type"), list):
        raise UnknownKeywordError(f"cannot judge several types at once in {schema}")
    return str(schema.get("type", "anything"))


def _tag_of(schema: Schema, tag: str) -> Any:
    values = _values(_fields(schema).get(tag, {})) if tag in schema.get("required", []) else None
    return values[0] if values else None


def _label(schema: Schema, tag: str | None) -> str:
    """Return by what one alternative is told from another: the value of its tag, else its type."""
    return str((tag and _tag_of(schema, tag)) or _type_of(schema))


def _value_reasons(written: Schema, read: Schema, at: str) -> list[str]:
    reasons = []
    known, said = _values(read), _values(written)
    if known is not None and said is None:
        reasons.append(f"{at}: the writer may write any value, the reader knows only {known}")
    elif known is not None and said is not None and (strange := [value for value in said if value not in known]):
        reasons.append(f"{at}: the reader does not know {strange}")
    for keyword in (*LOWER_BOUNDS, *UPPER_BOUNDS):
        bound, promised = read.get(keyword), written.get(keyword)
        tighter = bound is not None and (promised is None or (promised < bound) == (keyword in LOWER_BOUNDS))
        if tighter and promised != bound:
            reasons.append(f"{at}: the reader's {keyword} is {bound}, the writer's {promised}")
    for keyword in SAME_OR_ABSENT:
        if read.get(keyword) not in (None, written.get(keyword)):
            reasons.append(f"{at}: the reader's {keyword} is {read[keyword]!r}, the writer's {written.get(keyword)!r}")
    return reasons
