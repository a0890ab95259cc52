"""Which project a request is about: the path, the header, a query field of lists, or a field of create bodies.

Else the credential's.
"""

from collections.abc import Mapping

from kernel.errors import DomainError
from kernel.ids import is_id
from starlette.requests import Request
from web.json_bodies import parse_strictly

from api_gateway.operations import PROJECT, Operation


def wanted_project(request: Request, operation: Operation, parameters: Mapping[str, str], body: bytes) -> str | None:
    """Return the project that the request names, None where it names none.

    Raises invalid_id for what is no id, not_found where two places name two projects.
    """
    named = list(request.headers.getlist("x-project-id"))
    if operation.project_in_path:
        named.append(parameters[PROJECT])
    if operation.project_in_query:
        named += request.query_params.getlist(PROJECT)
    if operation.project_in_body and PROJECT.encode() in body:
        value = parse_strictly(body)
        if isinstance(value, dict) and isinstance(value.get(PROJECT), str):
            named.append(value[PROJECT])
    if any(not is_id(each) for each in named):
        raise DomainError("invalid_id", "a project is named by its id")
    if len(set(named)) > 1:
        raise DomainError("not_found", "there is no such project")
    return named[0] if named else None
