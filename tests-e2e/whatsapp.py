"""WhatsApp behind one channel: the simulator's control API lets the owner scan, customers write and read, and tells what was sent."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import httpx
from local_stack.instances import Instance
from local_stack.process_table import url
from testkit.eventually import eventually
from waha_simulator.payloads import Person


@dataclass
class WhatsApp:
    """One WhatsApp number, and the people who write to it."""

    instance: Instance
    client: httpx.AsyncClient
    session: str

    async def scan(self, me: Person) -> None:
        """Scan the code as soon as the session shows one."""

        async def shows_code() -> bool:
            answer = await self._ask("GET", f"/api/sessions/{self.session}")
            return answer.status_code == 200 and answer.json()["status"] == "SCAN_QR_CODE"

        await eventually(shows_code, within_s=30, because=f"{self.session} shows a code")
        await self._control("POST", f"/sessions/{self.session}/scan", phone=me.phone, lid=me.lid, name=me.name)

    async def shows(self, status: str) -> None:
        """Let WAHA report that its session is in this state."""
        await self._control("POST", f"/sessions/{self.session}/status", status=status)

    async def writes(self, customer: Person, text: str, *, at: str | None = None) -> str:
        """Let a customer write; return the message's bare id."""
        body = {"session": self.session, "customer": _person(customer), "text": text, **({"at": at} if at else {})}
        return str((await self._control("POST", "/customer/writes", **body))["message_id"])

    async def reads(self, customer: Person) -> None:
        """Let a customer open the chat."""
        await self._control("POST", "/customer/reads", session=self.session, customer=_person(customer))

    async def has_faults(self, faults: dict[str, Any]) -> None:
        """Let WAHA misbehave, for all sessions."""
        await self._control("POST", "/faults", **faults)

    async def faults(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the faults, each with how often it struck."""
        return await self._control("GET", "/faults")

    async def refuses(self, seconds: float) -> None:
        """Let WAHA refuse connections, and end those that stand."""
        await self._control("POST", "/door/refuse", seconds=seconds)

    async def sent(self, *texts: str) -> list[dict[str, Any]]:
        """Return what the ledger holds of these texts in this session: one entry for each WhatsApp message that was made."""
        wanted = {hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts}
        address = f"{url(self.instance, 'simulator_metrics')}/control/ledger/calls"
        answer = await self.client.get(address, headers=self._control_key, params={"limit": 10_000})
        calls = [json.loads(line) for line in answer.text.splitlines()]
        return [
            effect
            for call in calls
            if call["session"] == self.session
            for effect in call["effects"]
            if effect.get("new") and effect["text_hash"] in wanted
        ]

    async def history(self) -> dict[str, list[str]]:
        """Return the texts that the product made in each chat, oldest first: what customers have on their phones."""
        found: list[dict[str, Any]] = []
        while True:
            parameters = {"limit": 1000, "offset": len(found), "sortBy": "timestamp", "sortOrder": "asc"}
            answer = await self._ask("GET", f"/api/{self.session}/chats/all/messages", params=parameters)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page
            if len(page) < parameters["limit"]:
                break
        texts: dict[str, list[str]] = {}
        for message in found:
            if message["fromMe"]:
                texts.setdefault(message["from"], []).append(message["body"])
        return texts

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"X-Api-Key": self.instance.secrets["waha_api_key"]}
        return await self.client.request(method, f"{url(self.instance, 'simulator')}{path}", headers=headers, **more)

    async def _control(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        address = f"{url(self.instance, 'simulator_metrics')}/control{path}"
        answer = await self.client.request(method, address, headers=self._control_key, json=body)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    @property
    def _control_key(self) -> dict[str, str]:
        return {"X-Control-Key": self.instance.secrets["simulator_control_key"]}


def _person(person: Person) -> dict[str, str | None]:
    return {"phone": person.phone, "lid": person.lid, "name": person.name}
