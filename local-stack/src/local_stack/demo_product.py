"""The product as the demo uses it: through the gateway's REST API, like any program."""

import time
from typing import Any

import httpx

from local_stack.progress import CannotContinue

TIMEOUT_MINUTES = 1  # the shortest that a channel may have

RULE: dict[str, Any] = {
    "automation_type": "event",
    "name": "Who asks for the blue one gets an answer",
    "trigger": "message.received",
    "expression": 'message.content_type == "text" && message.text.contains("blue one")',
    "actions": [
        {
            "action": "send_message",
            "parameters": {
                "content": "Hi {{ contact.first_name }}! The blue one in size 40 is here. Shall we keep it for you?"
            },
        },
        {"action": "add_tag", "parameters": {"tag": "asked for blue"}},
    ],
}


class Product:
    """One tenant's view of the product."""

    def __init__(self, gateway_url: str) -> None:
        self._client = httpx.Client(base_url=f"{gateway_url}/api/v1", timeout=30, trust_env=False)

    def knows(self, api_key: str) -> bool:
        """Tell whether a key of an earlier demo still works; use it if so."""
        if not api_key:
            return False
        answer = self._client.get("/auth/profile", headers={"X-API-Key": api_key})
        if answer.status_code != 200:
            return False
        self._client.headers["X-API-Key"] = api_key
        return True

    def register(self, email: str, password: str) -> str:
        """Register a tenant with its owner; return the API key, shown this once."""
        body = {"name": "Demo Owner", "email": email, "password": password, "company": "Demo Shoes"}
        key = str(self._ask("POST", "/auth/register", json=body)["api_key"])
        self._client.headers["X-API-Key"] = key
        return key

    def connect_channel(self, waha_url: str, waha_key: str, session: str) -> str:
        """Connect a WhatsApp number behind WAHA, whose sessions end after a minute of silence; return the channel's id."""
        body = {
            "name": "WhatsApp shop",
            "type": "waha",
            "default_session_timeout_minutes": TIMEOUT_MINUTES,
            "waha_config": {"base_url": waha_url, "api_key": waha_key, "session_id": session},
        }
        return str(self._ask("POST", "/crm/channels", json=body)["id"])

    def activate_channel(self, channel_id: str) -> None:
        """Ask for the channel to work; what comes of it is said on the bus."""
        self._ask("POST", f"/crm/channels/{channel_id}/activate", json={})

    def channel_status(self, channel_id: str) -> str:
        """Return the status of a channel of an earlier demo, or nothing where it is gone."""
        answer = self._client.get(f"/crm/channels/{channel_id}")
        return str(answer.json()["status"]) if answer.status_code == 200 else ""

    def make_rule(self, within_s: float = 20.0) -> str:
        """Write the rule down; return its id. A project that was made this moment is not known to all services yet."""
        deadline = time.monotonic() + within_s
        while True:
            answer = self._client.post("/automation/rules", json=RULE)
            if answer.status_code not in (404, 409, 503) or time.monotonic() > deadline:
                return str(_checked(answer)["id"])
            time.sleep(0.5)

    def has_rule(self, rule_id: str) -> bool:
        """Tell whether the rule of an earlier demo is still there, and on."""
        answer = self._client.get(f"/automation/rules/{rule_id}")
        return answer.status_code == 200 and bool(answer.json()["enabled"])

    def usage(self) -> dict[str, int]:
        """Return what this month came to, by meter."""
        totals: dict[str, int] = {}
        for row in self._ask("GET", "/billing/usage")["data"]:
            totals[row["metric"]] = totals.get(row["metric"], 0) + int(row["quantity"])
        return totals

    def count(self, what: str, **filters: str) -> int:
        """Return how many contacts, sessions or messages are stored."""
        asked = {"include": "total_count", "limit": "1", **filters}
        return int(self._ask("GET", f"/crm/{what}", params=asked)["total_count"])

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        return _checked(self._client.request(method, path, **more))


def _checked(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        raise CannotContinue(
            f"{answer.request.method} {answer.request.url.path} was answered {answer.status_code} "
            f"{problem.get('code', '')} {problem.get('detail', '')}: look at `make doctor` and `make logs`."
        )
    found: dict[str, Any] = answer.json()
    return found
