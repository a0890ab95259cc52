"""WhatsApp as the demo uses it: the WAHA simulator's API opens a session, its control API lets people write."""

from dataclasses import dataclass
from typing import Any

import httpx

from local_stack.progress import CannotContinue

EVENTS = ["message.any", "message.ack", "message.ack.group", "session.status"]
OWNER = {"phone": "5511955550000", "lid": "217000000009999", "name": "Demo Shoes"}


@dataclass(frozen=True)
class Customer:
    """Somebody with WhatsApp."""

    phone: str
    lid: str
    name: str


class WhatsApp:
    """One WhatsApp number behind the simulator."""

    def __init__(self, url: str, control_url: str, api_key: str, control_key: str) -> None:
        self._api = httpx.Client(base_url=url, headers={"X-Api-Key": api_key}, timeout=30, trust_env=False)
        self._control = httpx.Client(
            base_url=control_url, headers={"X-Control-Key": control_key}, timeout=30, trust_env=False
        )
        self.session = ""

    def has(self, session: str) -> bool:
        """Tell whether a session of an earlier demo still works."""
        answer = self._api.get(f"/api/sessions/{session}")
        return answer.status_code == 200 and answer.json().get("status") == "WORKING"

    def open(self, session: str, webhook_url: str, webhook_key: str) -> None:
        """Open a session that posts signed webhooks, and scan its code."""
        webhook = {
            "url": webhook_url,
            "events": EVENTS,
            "hmac": {"key": webhook_key},
            "retries": {"policy": "exponential", "delaySeconds": 2, "attempts": 15},
        }
        _checked(
            self._api.post("/api/sessions", json={"name": session, "start": True, "config": {"webhooks": [webhook]}})
        )
        _checked(self._control.post(f"/control/sessions/{session}/scan", json=OWNER))
        self.session = session

    def customer_writes(self, customer: Customer, text: str) -> str:
        """Let a customer write; return the message's bare id."""
        return self._writes("customer", customer, text)

    def owner_writes(self, customer: Customer, text: str) -> str:
        """Let the phone's owner write to a customer; return the message's bare id."""
        return self._writes("owner", customer, text)

    def _writes(self, who: str, customer: Customer, text: str) -> str:
        person = {"phone": customer.phone, "lid": customer.lid, "name": customer.name}
        body = {"session": self.session, "customer": person, "kind": "text", "text": text}
        return str(_checked(self._control.post(f"/control/{who}/writes", json=body))["message_id"])


def _checked(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        raise CannotContinue(
            f"The WAHA simulator answered {answer.status_code} to {answer.request.url.path}: see `make logs`."
        )
    found: dict[str, Any] = answer.json()
    return found
