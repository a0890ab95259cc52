"""Where a conversation came from, when the provider says so (click-to-WhatsApp ads)."""

from contracts.fields import PersonalText, Wire


class Attribution(Wire, kw_only=True):
    """What an ad click left in the message."""

    source_type: str | None = None
    source_id: str | None = None
    source_app: str | None = None
    source_url: str | None = None
    ctwa_clid: PersonalText | None = None
    conversion_source: str | None = None
    conversion_app: str | None = None
    conversion_data: str | None = None
    title: str | None = None
    body: str | None = None
    external_source: str | None = None
    external_medium: str | None = None
    from_ad: bool = False
    ctwa_payload: str | None = None
    delay_seconds: int | None = None
    media_type: str | None = None
    ref: str | None = None
