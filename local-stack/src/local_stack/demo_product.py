"""The product as the demo uses it: through the gateway's REST API, like any program."""

from typing import Any

import httpx

from local_stack.progress import CannotContinue


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

    def connect_channel(self, waha_url: str, waha_key: str, session: str) -> dict[str, Any]:
        """Connect a WhatsApp number behind WAHA; the answer holds the webhook's key, shown this once."""
        config = {"base_url": waha_url, "api_key": waha_key, "session_id": session}
        return self._ask("POST", "/crm/channels", json={"name": "WhatsApp shop", "type": "waha", "waha_config": config})

    def has_channel(self, channel_id: str) -> bool:
        """Tell whether a channel of an earlier demo is still there."""
        return self._client.get(f"/crm/channels/{channel_id}").status_code == 200

    def counts(self) -> dict[str, int]:
        """Return how much is stored."""
        return {
            name: int(self._ask("GET", f"/crm/{name}", params={"include": "total_count", "limit": 1})["total_count"])
            for name in ("contacts", "sessions", "messages")
        }

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = self._client.request(method, path, **more)
        if answer.is_error:
            problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
            raise CannotContinue(
                f"{method} {path} was answered {answer.status_code} {problem.get('code', '')}: look at `make logs`."
            )
        found: dict[str, Any] = answer.json()
        return found
