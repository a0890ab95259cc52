"""WhatsApp as the demo uses it: the simulator's control API pairs the phone and lets people write and read."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

import httpx

from local_stack.progress import CannotContinue

OWNER = {"phone": "5511955550000", "lid": "217000000009999", "name": "Demo Shoes"}


@dataclass(frozen=True)
class Customer:
    """Somebody with WhatsApp."""

    phone: str
    lid: str
    name: str

    def __str__(self) -> str:
        return self.name.split()[0]


def somebody(name: str, area: str) -> Customer:
    """Return a customer nobody has met: each demo shows a first meeting."""
    number = secrets.randbelow(9_000_000) + 1_000_000
    return Customer(f"55{area}9{number:08}", f"217{number:012}", name)


class WhatsApp:
    """One WhatsApp number behind the simulator."""

    def __init__(self, url: str, control_url: str, api_key: str, control_key: str, session: str) -> None:
        self._api = httpx.Client(base_url=url, headers={"X-Api-Key": api_key}, timeout=30, trust_env=False)
        self._control = httpx.Client(
            base_url=control_url, headers={"X-Control-Key": control_key}, timeout=30, trust_env=False
        )
        self.session = session

    def status(self) -> str:
        """Return what WAHA says of the session; empty where there is none."""
        answer = self._api.get(f"/api/sessions/{self.session}")
        return str(answer.json().get("status", "")) if answer.status_code == 200 else ""

    def scan(self, within_s: float) -> bool:
        """Scan the code as soon as the session shows one; False where it shows none in time."""
        deadline = time.monotonic() + within_s
        while (status := self.status()) != "SCAN_QR_CODE":
            if status == "WORKING":
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        self._post(f"/control/sessions/{self.session}/scan", OWNER)
        return True

    def customer_writes(self, customer: Customer, text: str) -> str:
        """Let a customer write; return the message's bare id."""
        return self._writes("customer", customer, text)

    def owner_writes(self, customer: Customer, text: str) -> str:
        """Let the phone's owner write to a customer; return the message's bare id."""
        return self._writes("owner", customer, text)

    def customer_reads(self, customer: Customer) -> None:
        """Let a customer open the chat."""
        self._post("/control/customer/reads", {"session": self.session, "customer": _person(customer)})

    def many_write(self, customers: int, each: int, per_second: float, seed: int) -> int:
        """Let many customers write; their texts end in `#<seed>-<customer>-<number>`. Return the number of this load."""
        body = {
            "session": self.session,
            "customers": customers,
            "messages": each,
            "per_second": per_second,
            "seed": seed,
        }
        return int(self._post("/control/load", body)["load"])

    def written(self, load: int) -> int:
        """Return how many messages of a load were written so far."""
        return int(_checked(self._control.get(f"/control/load/{load}"))["written"])

    def _writes(self, who: str, customer: Customer, text: str) -> str:
        body = {"session": self.session, "customer": _person(customer), "kind": "text", "text": text}
        return str(self._post(f"/control/{who}/writes", body)["message_id"])

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return _checked(self._control.post(path, json=body))


def _person(customer: Customer) -> dict[str, str]:
    return {"phone": customer.phone, "lid": customer.lid, "name": customer.name}


def _checked(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        raise CannotContinue(
            f"The WAHA simulator answered {answer.status_code} to {answer.request.url.path}: see `make logs`."
        )
    found: dict[str, Any] = answer.json()
    return found
