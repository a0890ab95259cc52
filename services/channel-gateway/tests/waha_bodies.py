"""Webhook bodies in the shapes that WAHA's engines write, built from nothing but what a test says."""

from datetime import UTC, datetime
from typing import Any

from channel_gateway.domain.inbound import Identity

Body = dict[str, Any]

SENT_AT = 1_790_000_000  # the provider's time of every message, in seconds
EMITTED_AT_MS = 1_790_000_003_456  # the envelope's
RECEIVED_AT = datetime(2026, 9, 21, 15, 0, tzinfo=UTC)


class Waha:
    """The people and the bodies of one WAHA session: we are the shop, Rosa the customer, Caio a member of the group."""

    shop, shop_lid = "5548911110000@c.us", "900000000000001@lid"
    rosa, rosa_lid = "5548922220000@c.us", "700000000000002@lid"
    caio, caio_lid = "5548933330000@c.us", "700000000000003@lid"
    group = "120363999999999999@g.us"
    bare = "3EB0C0FFEE0123456789"
    rosa_pn_identity, rosa_lid_identity = Identity("wa_pn", rosa), Identity("wa_lid", rosa_lid)
    caio_pn_identity, caio_lid_identity = Identity("wa_pn", caio), Identity("wa_lid", caio_lid)
    received_at = RECEIVED_AT
    sent_at = datetime.fromtimestamp(SENT_AT, UTC)

    def envelope(self, event: str, payload: Any, engine: str | None = None) -> Body:
        body = {
            "id": "evt_01m0aaaaaaaaaaaaaaaaaaaaaa",
            "timestamp": EMITTED_AT_MS,
            "event": event,
            "session": "shop",
            "metadata": {},
            "me": {
                "id": self.shop,
                "pushName": "The Shop",
                "lid": self.shop_lid,
                "jid": "5548911110000:4@s.whatsapp.net",
            },
            "payload": payload,
            "environment": {"version": "2026.7.1", "engine": engine or "GOWS", "tier": "CORE", "browser": None},
        }
        return body if engine in (None, "GOWS") else body | {"engine": engine}

    def gows(self, message: Any = None, *, own: bool = False, info: Body | None = None, **payload: Any) -> Body:
        """Rosa writes to the shop, or the shop to Rosa (`own`)."""
        jid = self.rosa.replace("c.us", "s.whatsapp.net")
        told = {
            "Chat": jid,
            "Sender": "5548911110000:2@s.whatsapp.net" if own else jid.replace("@", ":2@"),
            "IsFromMe": own,
            "IsGroup": False,
            "SenderAlt": self.shop_lid if own else self.rosa_lid.replace("@", ":2@"),
            "RecipientAlt": self.rosa_lid if own else "",
            "ID": self.bare,
            "PushName": "The Shop" if own else "Rosa",
            "Timestamp": "2026-09-21T10:13:20-03:00",
            "MediaType": "",
            "VerifiedName": None,
        }
        message = {"conversation": "hello"} if message is None else message
        data = {"Info": told | (info or {}), "Message": message, "RawMessage": message, "Status": 3}
        return self.envelope("message.any", self._payload(own, {"to": None, "participant": None} | payload, data))

    def gows_group(self, message: Any = None, *, own: bool = False, **payload: Any) -> Body:
        member = self.shop_lid if own else self.caio_lid
        return self.gows(
            message,
            own=own,
            info={
                "Chat": self.group,
                "Sender": member,
                "SenderAlt": (self.shop if own else self.caio).replace("c.us", "s.whatsapp.net"),
                "RecipientAlt": "",
                "IsGroup": True,
                "PushName": "The Shop" if own else "Caio",
            },
            **{
                "id": f"{str(own).lower()}_{self.group}_{self.bare}_{member}",
                "from": self.group,
                "to": member,
                "participant": member,
            }
            | payload,
        )

    def noweb(self, message: Any = None, *, own: bool = False, key: Body | None = None, **payload: Any) -> Body:
        message = {"conversation": "hello"} if message is None else message
        data = {
            "key": {
                "remoteJid": self.rosa_lid,
                "remoteJidAlt": self.rosa.replace("c.us", "s.whatsapp.net"),
                "fromMe": own,
                "id": self.bare,
                "participant": "",
            }
            | (key or {}),
            "messageTimestamp": SENT_AT,
            "pushName": "The Shop" if own else "Rosa",
            "message": message,
        }
        chat = {"id": f"{str(own).lower()}_{self.rosa_lid}_{self.bare}", "from": self.rosa_lid}
        return self.envelope("message.any", self._payload(own, chat | payload, data), "NOWEB")

    def noweb_group(self, message: Any = None, *, own: bool = False, **payload: Any) -> Body:
        member, alt = (self.shop_lid, self.shop) if own else (self.caio_lid, self.caio)
        key = {
            "remoteJid": self.group,
            "remoteJidAlt": None,
            "participant": member,
            "participantAlt": alt.replace("c.us", "s.whatsapp.net"),
        }
        ends = {"from": self.group, "to": self.group, "participant": member}
        chat = {"id": f"{str(own).lower()}_{self.group}_{self.bare}_{member}"} | ends
        body = self.noweb(message, own=own, key=key, **chat | payload)
        body["payload"]["_data"]["pushName"] = "The Shop" if own else "Caio"
        return body

    def webjs(self, data: Body | None = None, *, own: bool = False, **payload: Any) -> Body:
        ends = {"from": self.shop, "to": self.rosa} if own else {"from": self.rosa, "to": self.shop}
        data = {"type": "chat", "notifyName": "The Shop" if own else "Rosa", "id": {}} | (data or {})
        return self.envelope("message.any", self._payload(own, ends | {"vCards": []} | payload, data), "WEBJS")

    def webjs_group(self, data: Body | None = None, *, own: bool = False, **payload: Any) -> Body:
        member = self.shop_lid if own else self.caio_lid
        ends = {"from": self.shop, "to": self.group} if own else {"from": self.group, "to": self.shop}
        chat = {"id": f"{str(own).lower()}_{self.group}_{self.bare}_{member}", "participant": member} | ends
        told = {"author": member, "notifyName": "The Shop" if own else "Caio"} | (data or {})
        return self.webjs(told, own=own, **chat | payload)

    def wpp(self, body: Body) -> Body:
        """The same in wppconnect's shape: what WEBJS says, but for an id that is a text, the sender as an object, and
        neither places nor cards beside `_data`."""
        payload, data = body["payload"], dict(body["payload"]["_data"])
        if data:
            sender = {"id": payload.get("participant") or payload["from"], "pushname": data.pop("notifyName")}
            data |= {"id": payload["id"], "fromMe": payload["fromMe"], "sender": sender}
        shown = payload | {"location": None, "vCards": None, "_data": data}
        environment = body["environment"] | {"engine": "WPP"}
        return body | {"payload": shown, "engine": "WPP", "environment": environment}

    def ack(self, level: Any = 3, *, engine: str = "NOWEB", event: str = "message.ack", **payload: Any) -> Body:
        told = {"id": f"true_{self.rosa}_{self.bare}", "from": self.rosa, "fromMe": True, "ack": level}
        return self.envelope(event, told | payload, engine)

    def _payload(self, own: bool, payload: Body, data: Body) -> Body:
        return {
            "id": f"{str(own).lower()}_{self.rosa}_{self.bare}",
            "timestamp": SENT_AT,
            "from": self.rosa,
            "fromMe": own,
            "source": "app",
            "body": "hello",
            "hasMedia": False,
            "media": None,
            "ack": 1 if own else 2,
            "replyTo": None,
            "_data": data,
        } | payload
