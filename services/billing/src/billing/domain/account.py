"""What a billing account may do.

States: pending → active, active ↔ suspended, and from each of them canceled, which is final (domain rules of billing; a CHECK too).
"""

from datetime import datetime

SELF_HOSTED = "self_hosted"
"""The built-in plan without limits: what accounts run on where no payment provider is configured."""
ACTIVE = "active"


def may_act(payment_status: str, trial_ends_at: datetime | None, now: datetime) -> bool:
    """Tell whether the tenant may send and create projects: active, or pending within the trial."""
    if payment_status == "pending":
        return trial_ends_at is not None and now < trial_ends_at
    return payment_status == ACTIVE
