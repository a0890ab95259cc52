"""Click-to-WhatsApp ads and other entry points, on every kind of message: guide 18."""

from typing import Any

from channel_gateway.adapters.waha.reading import Node, fold, line, present, text, whole
from channel_gateway.domain.content import Attribution

_MEDIA_TYPES = {1: "image", 2: "video", "1": "image", "2": "video"}
_LONGEST_OPAQUE = 4_096


def read_attribution(context: Node, data: Node) -> Attribution | None:
    """Return how the writer came to us: from `contextInfo` (GOWS, NOWEB) or `_data.ctwaContext` (browser engines)."""
    browser = fold(data.get("ctwacontext"))
    if any(present(value) for value in browser.values()):
        return _browser_ad(browser)
    if not context:
        return None
    entry = line(context.get("entrypointconversionsource"))
    source = line(context.get("conversionsource"))
    payload = _opaque(context.get("ctwapayload"))
    conversion = _opaque(context.get("conversiondata"))
    reply = fold(context.get("externaladreply"))
    click, source_type = line(reply.get("ctwaclid")), line(reply.get("sourcetype"))
    told = entry or source
    # The ad reply may be missing while the opaque values stay: still an ad, without ids, unless another entry is told.
    from_ad = (
        entry == "ctwa_ad"
        or source == "FB_Ads"
        or source_type == "ad"
        or click is not None
        or (payload is not None and entry is None)
        or (conversion is not None and told is None)
    )
    if not from_ad and told is None:
        return None
    return Attribution(
        from_ad=from_ad,
        conversion_source=told,
        conversion_app=line(context.get("entrypointconversionapp")),
        conversion_data=conversion,
        ctwa_payload=payload,
        ctwa_clid=click,
        delay_seconds=whole(context.get("entrypointconversiondelayseconds")),
        external_source=line(context.get("entrypointconversionexternalsource")),
        external_medium=line(context.get("entrypointconversionexternalmedium")),
        source_type=source_type,
        source_id=line(reply.get("sourceid")),
        source_app=line(reply.get("sourceapp")),
        source_url=line(reply.get("sourceurl"), 2_000),
        title=line(reply.get("title")),
        body=line(reply.get("body"), 2_000),
        media_type=_media_type(reply.get("mediatype")),
        ref=line(reply.get("ref")),
    )


def _browser_ad(context: Node) -> Attribution:
    return Attribution(
        from_ad=True,
        conversion_source=line(context.get("conversionsource")),
        conversion_data=_opaque(context.get("conversiondata")),
        ctwa_clid=line(context.get("ctwaclid")),
        source_id=line(context.get("sourceid")),
        source_url=line(context.get("sourceurl"), 2_000),
        title=line(context.get("title")),
        body=line(context.get("description"), 2_000),
        media_type=_media_type(context.get("mediatype")),
    )


def _opaque(value: Any) -> str | None:
    """Return a value kept as received: cut base64 would be of no use, so that a longer one is left out."""
    found = text(value, _LONGEST_OPAQUE + 1)
    return found if found and len(found) <= _LONGEST_OPAQUE else None


def _media_type(value: Any) -> str | None:
    """Return image or video: the provider writes a number or a name."""
    if isinstance(value, int | str) and value in _MEDIA_TYPES:
        return _MEDIA_TYPES[value]
    name = line(value, 20)
    return name.lower() if name else None
