"""audit.recorded.v1: somebody wrote something through the API, or failed to prove who they are."""

from typing import Annotated, Any, ClassVar

from msgspec import Meta

from contracts.fields import PersonalText, Wire, open_enum


class AuditRecordedV1(Wire, kw_only=True):
    """Who, what, from where. `changes` holds `{from, to}` by the API's field names: no secret and no text of a message.

    The time is the envelope's, and so are tenant, project and correlation.
    """

    TYPE: ClassVar[str] = "audit.recorded.v1"

    actor_kind: Annotated[str, Meta(extra_json_schema=open_enum("user", "api_key", "operator", "system"))]
    action: str
    object_type: str
    request_id: str
    actor_id: str | None = None
    object_id: str | None = None
    changes: Annotated[dict[str, dict[str, Any]], Meta(extra_json_schema={"x-personal": "direct"})] = {}
    ip: PersonalText | None = None
    user_agent: PersonalText | None = None
