"""What became of one action."""

from typing import Annotated

from msgspec import Meta

from contracts.fields import Wire, open_enum


class ActionResult(Wire, kw_only=True):
    """`detail` is for people."""

    index: int
    action: str
    outcome: Annotated[str, Meta(extra_json_schema=open_enum("done", "refused", "failed", "delayed", "skipped"))]
    detail: str | None = None
