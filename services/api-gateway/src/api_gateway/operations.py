"""What the product's one document says about each operation: where it is answered, and who may call it.

The document (`openapi.json`, generated) is the gateway's routing table. An operation that does not say who may call
it stops the start.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from web.caller import Requirement
from web.routes import RATES, UndeclaredRouteError, requirement_of

OWN = "api-gateway"
METHODS = ("get", "post", "put", "patch", "delete")
PROJECT = "project_id"


class DocumentError(Exception):
    """The document cannot be a routing table. The gateway does not start."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path template. `project_in_path`, `_query` and `_body`: a field there chooses the project.

    `may_sign_in`: public, and whoever comes signed in is told of. `rate` is the class in which it counts, "" the usual one.
    """

    method: str
    path: str
    service: str
    requirement: Requirement
    name: str
    project_in_query: bool = False
    project_in_body: bool = False
    rate: str = ""
    may_sign_in: bool = False

    @property
    def project_in_path(self) -> bool:
        """Tell whether the path names the project."""
        return f"{{{PROJECT}}}" in self.path

    @property
    def is_own(self) -> bool:
        """Tell whether the gateway answers it itself."""
        return self.service == OWN


def load_document() -> dict[str, Any]:
    """Return the document of this release."""
    try:
        document = json.loads((resources.files("api_gateway") / "openapi.json").read_bytes())
    except (OSError, ValueError) as error:
        raise DocumentError("openapi.json is missing or damaged: run `python tools/generate.py`") from error
    assert isinstance(document, dict)
    return document


def operations_of(document: Mapping[str, Any], services: Mapping[str, object]) -> list[Operation]:
    """Return every operation; raise DocumentError for one without a permission, or of a service that is not in `services`."""
    operations = [
        _operation(document, method.upper(), path, described)
        for path, item in document.get("paths", {}).items()
        for method, described in item.items()
        if method in METHODS
    ]
    if not operations:
        raise DocumentError("openapi.json names no operation: run `python tools/generate.py`")
    for operation in operations:
        if not operation.is_own and operation.service not in services:
            raise DocumentError(
                f"{operation.method} {operation.path} is answered by {operation.service!r}, whose address is not known"
            )
    return operations


def _operation(document: Mapping[str, Any], method: str, path: str, described: Mapping[str, Any]) -> Operation:
    try:
        requirement = requirement_of(f"{method} {path}", described.get("x-permission"), described.get("x-role"))
    except UndeclaredRouteError as error:
        raise DocumentError(f"openapi.json: {error}") from error
    service = described.get("x-service")
    if not isinstance(service, str) or not service:
        raise DocumentError(f"openapi.json: {method} {path} does not say which service answers it (x-service)")
    rate = described.get("x-rate", "")
    if rate not in RATES:
        raise DocumentError(f"openapi.json: {method} {path} is of the rate {rate!r}, which does not exist")
    return Operation(
        method=method,
        path=path,
        service=service,
        requirement=requirement,
        name=str(described.get("operationId", "")),
        project_in_query=any(
            each.get("in") == "query" and each.get("name") == PROJECT for each in described.get("parameters", ())
        ),
        project_in_body=PROJECT in set(_body_fields(document, described)),
        rate=rate,
        may_sign_in=described.get("x-sign-in") == "optional",
    )


def _body_fields(document: Mapping[str, Any], described: Mapping[str, Any]) -> Iterator[str]:
    content = described.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name:
        schema = document.get("components", {}).get("schemas", {}).get(name, {})
    yield from schema.get("properties", ())
