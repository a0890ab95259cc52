"""billing.account_created.v1: a tenant has a billing account."""

from typing import ClassVar

from contracts.fields import PersonalText, Wire


class BillingAccountCreatedV1(Wire, kw_only=True):
    """Without a payment provider the plan is `self_hosted` and the account active."""

    TYPE: ClassVar[str] = "billing.account_created.v1"
    PUBLIC: ClassVar[str | None] = "billing"

    billing_account_id: str
    name: PersonalText
    status: str
    plan_code: str
    version: int
    billing_email: PersonalText | None = None
