"""One OpenAPI document of the whole product, from what every service declares; the gateway routes by it.

Every service that has a `bootstrap.py` is put together without any server (runtime.documents) and asked for its document.
What no framework can describe, plain routes and what the gateway answers itself, is described here by hand.
"""

import importlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import openapi_headers

GATEWAY = "api-gateway"
TARGET = Path("services/api-gateway/src/api_gateway/openapi.json")
METHODS = ("get", "post", "put", "patch", "delete")
UNPUBLISHED = "/api/v1/internal/"

INTRODUCTION = """\
One door for people and programs. Sign in with `Authorization: Bearer <access token or API key>` or `X-API-Key: <API key>`, \
never both. Lists are `{data, has_more, next_cursor}`; go on with `?cursor=`. Errors are `application/problem+json` \
(RFC 9457) with `code`, `errors[]` and `request_id`. Repeat a POST safely with `Idempotency-Key`; change what you have \
seen with `If-Match`."""

PROJECT_HEADER = {
    "name": "X-Project-Id",
    "in": "header",
    "required": False,
    "description": "The project to work in. Left out: the key's, the only one, or the default one.",
    "schema": {"type": "string", "format": "uuid"},
}
SIGN_IN = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An access token, or an API key."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
PROBLEM = {
    "description": "A problem (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def _object(required: Iterable[str] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": sorted(required or properties), "properties": properties}


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
MOMENT = {"type": "string", "format": "date-time"}
STATUS = {"type": "string", "enum": ["healthy", "degraded", "unhealthy"]}
HEALTH = _object(status=STATUS, timestamp=MOMENT, version=TEXT, service=TEXT)
DEPENDENCY = _object(status=STATUS, message=TEXT, timestamp=MOMENT, duration_ms=WHOLE, metadata={"type": "object"})
READY = _object(
    **HEALTH["properties"],
    dependencies={"type": "object", "additionalProperties": DEPENDENCY},
    checks={"type": "object", "additionalProperties": _object(healthy={"type": "boolean"}, message=TEXT)},
)
BREAKER = _object(name=TEXT, state=TEXT, failures=WHOLE, opened_at={"anyOf": [MOMENT, {"type": "null"}]})
WAITING = _object(
    service=TEXT,
    count={"anyOf": [WHOLE, {"type": "null"}], "description": "null: the service does not answer"},
    oldest_parked_at={"anyOf": [MOMENT, {"type": "null"}]},
)
WEBHOOK_TAKEN = _object(
    status={"type": "string", "enum": ["queued", "duplicate"]},
    event_id=TEXT,
    webhook_id=TEXT,
    channel_id=TEXT,
    session=TEXT,
    message=TEXT,
)


def _by_hand(
    service: str,
    permission: str,
    name: str,
    tag: str,
    summary: str,
    answer: Mapping[str, Any],
    *codes: str,
    **more: Any,
) -> dict[str, Any]:
    content = {"application/json": {"schema": answer}}
    responses = {code: {"description": _CODES[code], "content": content} for code in codes or ("200",)}
    return {
        "tags": [tag],
        "summary": summary,
        "operationId": f"{service.replace('-', '_')}_{name}",
        **more,
        "responses": {**responses, "default": PROBLEM},
        "x-permission": permission,
        "x-service": service,
    }


_CODES = {"200": "Successful Response", "503": "Not healthy"}


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": True, "description": description, "schema": TEXT}


BY_HAND: dict[tuple[str, str], dict[str, Any]] = {
    ("get", "/health"): _by_hand(GATEWAY, "public", "health", "health", "Health", HEALTH),
    ("get", "/live"): _by_hand(GATEWAY, "public", "live", "health", "Alive", HEALTH, "200", "503"),
    ("get", "/ready"): _by_hand(GATEWAY, "public", "ready", "health", "Ready", READY, "200", "503"),
    **{
        ("get", f"/health/{name}"): _by_hand(
            GATEWAY, "public", f"health_of_{name}", "health", f"Health of {name}", DEPENDENCY, "200", "503"
        )
        for name in ("database", "migrations", "redis", "rabbitmq", "temporal")
    },
    ("get", "/health/circuit-breakers"): _by_hand(
        GATEWAY,
        "operator",
        "circuit_breakers",
        "health",
        "Circuit breakers",
        _object(data={"type": "array", "items": BREAKER}),
    ),
    ("get", "/api/v1/parked-events"): _by_hand(
        GATEWAY,
        "settings.manage",
        "count_parked_events",
        "parked events",
        "Count Parked Events",
        _object(data={"type": "array", "items": WAITING}),
        description="How many events wait for a decision, in every service.",
    ),
    ("post", "/api/v1/webhooks/{webhook_id}"): _by_hand(
        "channel-gateway",
        "public",
        "take_webhook",
        "webhooks",
        "Take Webhook",
        WEBHOOK_TAKEN,
        description="What WAHA posts: raw bytes up to 10 MiB, signed with the channel's key. Passed on unread.",
        parameters=[
            {"name": "webhook_id", "in": "path", "required": True, "schema": TEXT},
            _header("X-Webhook-Hmac", "HMAC-SHA512 over the raw bytes of the body, in lower-case hexadecimal"),
            _header("X-Webhook-Hmac-Algorithm", "sha512"),
        ],
        requestBody={"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
    ),
}


class UndescribedRouteError(Exception):
    """A plain route that nobody has described."""


def files(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield the document's path and text."""
    documents = dict(_documents(root))
    if documents:
        yield TARGET, json.dumps(merged(documents), indent=2, ensure_ascii=False) + "\n"


def merged(documents: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return one document out of those of several services; schemas of one name but two meanings get their service's name."""
    renamed = dict(_renamed(documents))
    paths: dict[str, dict[str, Any]] = {}
    for document in renamed.values():
        for path, item in document["paths"].items():
            for method, operation in item.items():
                _add(paths, path, method, operation)
    for (method, path), operation in BY_HAND.items():
        if operation["x-service"] in documents or operation["x-service"] == GATEWAY:
            _add(paths, path, method, operation)
    schemas = {name: schema for document in renamed.values() for name, schema in _schemas(document).items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ventros CRM", "version": "0.0.0", "description": INTRODUCTION},
        "paths": {path: _complete(path, paths[path], schemas) for path in sorted(paths)},
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "headers": openapi_headers.COMPONENTS,
            "securitySchemes": SIGN_IN,
        },
    }


def _documents(root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    from runtime.documents import document_of

    for bootstrap in sorted(root.glob("services/*/src/*/bootstrap.py")):
        service, package = bootstrap.parents[2].name, bootstrap.parent.name
        if service == GATEWAY:
            continue
        try:
            build = importlib.import_module(f"{package}.bootstrap").build
            document, plain = document_of(service, build)
        except Exception as error:
            print(f"openapi: {service} cannot be put together without servers", file=sys.stderr)
            raise error from None
        for route in plain:
            path = route.path if route.root else f"/api/v1{route.path}"
            if (route.method.lower(), path) not in BY_HAND:
                raise UndescribedRouteError(
                    f"{route.method} {path} of {service} is a plain route: describe it in tools/openapi.py"
                )
        document["paths"] = {path: item for path, item in document["paths"].items() if not path.startswith(UNPUBLISHED)}
        yield service, document


def _add(paths: dict[str, dict[str, Any]], path: str, method: str, operation: dict[str, Any]) -> None:
    item = paths.setdefault(path, {})
    if method in item:
        services = f"{item[method]['x-service']} and {operation['x-service']}"
        raise UndescribedRouteError(f"{method.upper()} {path} is served by {services}")
    item[method] = operation


def _complete(path: str, item: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    return {
        method: openapi_headers.with_headers(path, method, _with_sign_in(item[method]), schemas)
        for method in METHODS
        if method in item
    }


def _with_sign_in(operation: dict[str, Any]) -> dict[str, Any]:
    if operation["x-permission"] == "public":
        return {**operation, "security": []}
    parameters = [*operation.get("parameters", ()), PROJECT_HEADER]
    return {**operation, "parameters": parameters, "security": [{name: []} for name in SIGN_IN]}


def _schemas(document: Mapping[str, Any]) -> dict[str, Any]:
    schemas: dict[str, Any] = document.get("components", {}).get("schemas", {})
    return schemas


def _renamed(documents: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    meanings: dict[str, set[str]] = {}
    for document in documents.values():
        for name in _schemas(document):
            meanings.setdefault(name, set()).add(json.dumps(_meaning(document, name, ()), sort_keys=True))
    ambiguous = {name for name, found in meanings.items() if len(found) > 1}
    for service, document in documents.items():
        prefix = "".join(word.capitalize() for word in service.split("-"))
        own = {name: f"{prefix}{name}" for name in _schemas(document) if name in ambiguous}
        text = json.dumps({"paths": document["paths"]})
        schemas = json.dumps(_schemas(document))
        yield (
            service,
            {
                **json.loads(_with_references(text, own)),
                "components": {
                    "schemas": {
                        own.get(name, name): schema
                        for name, schema in json.loads(_with_references(schemas, own)).items()
                    }
                },
            },
        )


def _with_references(text: str, names: Mapping[str, str]) -> str:
    return re.sub(
        r'"#/components/schemas/([^"]+)"', lambda found: f'"#/components/schemas/{names.get(found[1], found[1])}"', text
    )


def _meaning(document: Mapping[str, Any], name: str, above: tuple[str, ...]) -> Any:
    """Return a schema with everything that it refers to, so that two of one name can be compared."""
    schema = _schemas(document)[name]
    inner = sorted(set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(schema))) - {name, *above})
    return [schema, [_meaning(document, each, (*above, name)) for each in inner]]
