"""What billing says: the only file that builds its contract events."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from contracts.billing.account_created_v1 import BillingAccountCreatedV1
from contracts.envelope import AnyEvent, caused_event

SOURCE = "billing"


class Announcements:
    """Says events of one transaction."""

    def __init__(self, say: Callable[..., None], new_id: Callable[[], str], now: datetime) -> None:
        self._say = say
        self._new_id = new_id
        self._now = now

    def account_created(self, row: Mapping[str, Any], heard: AnyEvent) -> None:
        """A tenant has an account, since it was registered."""
        account_id = str(row["id"])
        data = BillingAccountCreatedV1(
            billing_account_id=account_id,
            name=row["name"],
            status=row["payment_status"],
            plan_code=row["plan_code"],
            version=row["version"],
            billing_email=row["billing_email"],
        )
        self._say(
            caused_event(
                heard,
                data,
                id=self._new_id(),
                source=SOURCE,
                subject=account_id,
                time=self._now,
                partition_key=account_id,
            )
        )
